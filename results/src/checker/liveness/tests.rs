//! Storms made by hand: when the target served, what faults did, and what is judged.

use super::*;
use crate::call::{Call, Reply};
use crate::event::{End, Phase, Start};
use crate::history::FaultSpan;
use crate::outcome::Outcome;
use crate::verdict::Promise;

const MS: u64 = 1_000_000;

/// A fault: family, nodes, links, from, until (ms; 0: never healed).
type Fault = (&'static str, &'static [&'static str], &'static [&'static str], u64, u64);

/// Calls of one client: its node, from, until, how many ms between two, whether they succeed.
type Calls = (&'static str, u64, u64, u64, bool);

/// Three nodes; a storm from 0 to 20 s, final reads from 20.1 s on; a fail-over bound of 2 s.
struct Storm {
    call: Call,
    faults: Vec<Fault>,
    calls: Vec<Calls>,
}

impl Storm {
    fn of(faults: &[Fault], calls: &[Calls]) -> Storm {
        Storm { call: Call::Write { key: 0, value: 1 }, faults: faults.to_vec(), calls: calls.to_vec() }
    }

    fn history(&self) -> History {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let fault = |(id, (family, nodes, links, from, until)): (u32, &Fault)| FaultSpan {
            id,
            family: (*family).into(),
            what: String::new(),
            selector: String::new(),
            nodes: owned(nodes),
            links: owned(links),
            injected_ns: from * MS,
            in_force: Some((from * MS, String::new())),
            heal_ns: (*until > 0).then_some(until * MS),
            healed: (*until > 0).then(|| (until * MS, String::new())),
            problem: None,
        };
        let calls = self.calls.iter().flat_map(|(node, from, until, every, ok)| {
            let instants = (*from..*until).step_by(*every as usize);
            instants.map(move |at| (*node, at, at + (*every).min(100), *ok))
        });
        let operation = |(id, (node, from, to, ok)): (u64, (&str, u64, u64, bool))| Operation {
            id,
            process: id,
            node: node.into(),
            call: self.call.clone(),
            due_ns: from * MS,
            invoked_ns: from * MS,
            returned_ns: Some(to * MS),
            outcome: if ok {
                Outcome::Ok(Reply::Written { version: None })
            } else {
                Outcome::Unknown("timed out".into())
            },
        };
        let start = Start {
            format: crate::event::FORMAT,
            squall: String::new(),
            target: "raft".into(),
            workload: "register".into(),
            promise: Promise::Linearizable,
            beside: None,
            bounds: Some(Bounds { failover_ms: 2_000, recovery_ms: 30_000 }),
            read: None,
            nodes: owned(&["n1", "n2", "n3"]),
            seed: 0,
            unix_ms: 0,
        };
        let phase = |at_ms: u64, name| Phase { at_ns: at_ms * MS, name };
        History {
            start: Some(start),
            operations: (0..).zip(calls).map(operation).collect(),
            faults: (0..).zip(&self.faults).map(fault).collect(),
            phases: vec![
                phase(0, PhaseName::Storm),
                phase(20_000, PhaseName::Recovery),
                phase(20_100, PhaseName::FinalReads),
            ],
            end: Some(End { at_ns: 21_000 * MS, how: Ending::Completed }),
            ..History::default()
        }
    }

    #[track_caller]
    fn check(&self, validity: Validity, told: &str) {
        let verdict = judge(&self.history()).expect("it states bounds");
        assert_eq!((verdict.validity, verdict.reason.contains(told)), (validity, true), "{}", verdict.reason);
    }
}

use Validity::{Invalid, Unknown, Valid};

const ALL_WELL: Calls = ("n1", 0, 20_000, 100, true);
const KILLED: Fault = ("kill", &["n3"], &[], 5_000, 9_000);

/// Calls that fail from 5 s on until so many ms, and succeed before and after.
fn out_until(until: u64) -> [Calls; 3] {
    [("n1", 0, 5_000, 100, true), ("n1", 5_000, until, 100, false), ("n1", until, 20_000, 100, true)]
}

#[test]
fn outages_count_while_a_majority_is_left_alone() {
    Storm::of(&[], &[ALL_WELL]).check(Valid, "no outage of more than 2.0 s");
    Storm::of(&[KILLED], &out_until(6_500)).check(Valid, "no outage");
    Storm::of(&[KILLED], &out_until(8_000))
        .check(Invalid, "nothing succeeded from 5.0 s to 8.1 s, though n1, n2 were left alone meanwhile (bound 2.0 s)");
    // Without any fault nothing excuses it.
    Storm::of(&[], &out_until(8_000)).check(Invalid, "though n1, n2, n3 were left alone");
}

#[test]
fn without_a_majority_that_is_left_alone_nothing_is_judged() {
    let outage = out_until(8_000);
    Storm::of(&[("kill", &["n2", "n3"], &[], 5_000, 9_000)], &outage).check(Valid, "no outage");
    Storm::of(&[KILLED, ("pause", &["n2"], &[], 5_500, 7_500)], &outage).check(Valid, "no outage");
    // Not one pair of nodes has both directions.
    let ring: Fault = ("partition", &["n1", "n2", "n3"], &["n1>n2", "n2>n3", "n3>n1"], 5_000, 9_000);
    Storm::of(&[ring], &outage).check(Valid, "no outage");
    // Clients do not hear n2, so nobody is to blame; of n1 and n2 alone, one would have to be.
    let unheard: Fault = ("partition", &["n1", "n2", "n3"], &["n2>clients", "n1>n3"], 5_000, 9_000);
    Storm::of(&[unheard], &outage).check(Valid, "no outage");
    let unheard: Fault = ("partition", &["n2"], &["n2>clients"], 5_000, 9_000);
    Storm::of(&[unheard], &outage).check(Invalid, "n1, n3 were left alone");
    // Healed at 6 s, it has 2 s more.
    Storm::of(&[("kill", &["n1", "n2"], &[], 5_000, 6_000)], &out_until(7_900)).check(Valid, "no outage");
    Storm::of(&[("kill", &["n1", "n2"], &[], 5_000, 6_000)], &out_until(8_500)).check(Invalid, "from 6.0 s to");
    // Who leaves is no part of what was left alone until it is a member again, however few would be a majority without it.
    Storm::of(&[("membership", &["n3"], &[], 5_000, 9_000)], &outage).check(Invalid, "n1, n2 were left alone");
    let alone: Fault = ("pause", &["n2"], &[], 5_500, 7_500);
    Storm::of(&[("membership", &["n3"], &[], 5_000, 9_000), alone], &outage).check(Valid, "no outage");
    Storm::of(&[("membership", &["n2", "n3"], &[], 5_000, 9_000)], &outage).check(Valid, "no outage");
    // Two of three are no majority of four: who joins may be a member at any moment until it has left again.
    let dead: Fault = ("kill", &["n3"], &[], 5_000, 9_000);
    let joins = |until| ("membership", &["n4"][..], &[][..], 4_000, until);
    Storm::of(&[dead, joins(9_000)], &outage).check(Valid, "no outage");
    Storm::of(&[joins(9_000)], &outage).check(Invalid, "n1, n2, n3 were left alone");
    Storm::of(&[dead, joins(5_100)], &outage).check(Invalid, "from 5.1 s to 8.1 s, though n1, n2 were left alone");
    // It is one, however many faults hit it; of five, three are a majority.
    let hit: Fault = ("clock", &["n4"], &[], 5_000, 9_000);
    Storm::of(&[joins(9_000), hit], &outage).check(Invalid, "n1, n2, n3 were left alone");
    Storm::of(&[("membership", &["n4", "n5"], &[], 4_000, 9_000)], &outage)
        .check(Invalid, "n1, n2, n3 were left alone");
    Storm::of(&[("membership", &["n4", "n5", "n6"], &[], 4_000, 9_000)], &outage).check(Valid, "no outage");
    // A fault that was never healed lasts to the end.
    Storm::of(&[("kill", &["n1", "n2"], &[], 5_000, 0)], &out_until(12_000)).check(Valid, "no outage");
}

#[test]
fn one_and_the_same_majority_must_have_been_left_alone() {
    let turns: [Fault; 4] = [
        ("pause", &["n1"], &[], 4_900, 6_400),
        ("pause", &["n2"], &[], 6_300, 7_900),
        ("pause", &["n3"], &[], 7_800, 9_400),
        ("pause", &["n1"], &[], 9_300, 10_800),
    ];
    Storm::of(&turns, &out_until(10_500)).check(Valid, "no outage");
    Storm::of(&turns[1..2], &out_until(10_500)).check(Invalid, "n1, n3 were left alone");
}

#[test]
fn cut_links_leave_the_others_alone() {
    let outage = out_until(8_000);
    let alone: Fault = ("partition", &["n3"], &["n1>n3", "n3>n1", "n2>n3", "n3>n2"], 5_000, 9_000);
    Storm::of(&[alone], &outage).check(Invalid, "n1, n2 were left alone");
    let bridge: Fault = ("partition", &["n2"], &["n1>n3"], 5_000, 9_000);
    Storm::of(&[bridge], &outage).check(Invalid, "were left alone");
    Storm::of(&[("pause-client", &[], &[], 5_000, 9_000)], &outage).check(Invalid, "n1, n2, n3 were left alone");
}

#[test]
fn who_is_not_asked_cannot_serve() {
    // Only the node that was killed is asked.
    let [before, mut during, after] = out_until(8_000);
    during.0 = "n3";
    Storm::of(&[KILLED], &[before, during, after]).check(Valid, "no outage");
    // Two calls in six seconds, each refused at once.
    Storm::of(&[], &[before, ("n1", 5_000, 11_000, 3_000, false), ("n1", 11_000, 20_000, 100, true)]).check(Valid, "");
    // Nobody calls any more at all.
    Storm::of(&[], &[("n1", 0, 5_000, 100, true)]).check(Valid, "no outage");
    // Nobody calls from 8.1 to 10 s: what came before is an outage, and what comes behind is a short one of its own.
    let calls = [("n1", 0, 5_000, 100, true), ("n1", 5_000, 8_000, 100, false), ("n1", 10_000, 11_000, 100, false)];
    let later = ("n1", 11_000, 20_000, 100, true);
    Storm::of(&[], &[&calls[..], &[later]].concat()).check(Invalid, "nothing succeeded from 5.0 s to 8.0 s");
}

#[test]
fn mere_reads_do_not_show_that_a_cluster_serves() {
    let storm = Storm::of(&[KILLED], &out_until(8_000));
    let mut history = storm.history();
    let reads = (0..100).map(|number| {
        let at_ns = (5_000 + number * 30) * MS;
        let (id, call, outcome) =
            (10_000 + number, Call::Read { key: 0 }, Outcome::Ok(Reply::Read { value: None, version: None }));
        let (process, due_ns, invoked_ns, returned_ns) = (id, at_ns, at_ns, Some(at_ns + MS));
        Operation { id, process, node: "n2".into(), call, due_ns, invoked_ns, returned_ns, outcome }
    });
    history.operations.extend(reads.clone());
    assert_eq!(judge(&history).map(|verdict| verdict.validity), Some(Invalid));
    // Where clients only read, they do.
    let mut only_reads = Storm { call: Call::Read { key: 0 }, ..storm }.history();
    only_reads.operations.extend(reads);
    assert_eq!(judge(&only_reads).map(|verdict| verdict.validity), Some(Valid));
}

#[test]
fn reads_do_not_ask_whether_changes_are_served() {
    // Reads come all the time and succeed; for six seconds nobody asks for a change.
    let mut history = Storm::of(&[], &[("n1", 0, 5_000, 100, true), ("n1", 11_000, 20_000, 100, true)]).history();
    let reads = (0..200).map(|number| {
        let at_ns = number * 100 * MS;
        let outcome = Outcome::Ok(Reply::Read { value: None, version: None });
        Operation {
            id: 10_000 + number,
            process: 0,
            node: "n1".into(),
            call: Call::Read { key: 0 },
            due_ns: at_ns,
            invoked_ns: at_ns,
            returned_ns: Some(at_ns + MS),
            outcome,
        }
    });
    history.operations.extend(reads);
    assert_eq!(judge(&history).map(|verdict| verdict.validity), Some(Valid));
}

#[test]
fn what_could_not_be_healed_may_be_there_still() {
    let kill: Fault = ("kill", &["n1", "n2"], &[], 5_000, 6_000);
    let verdict = |change: &dyn Fn(&mut FaultSpan)| {
        let mut history = Storm::of(&[kill], &out_until(12_000)).history();
        change(&mut history.faults[0]);
        judge(&history).map(|verdict| verdict.validity)
    };
    let problem = || Some("it does not answer".to_owned());
    assert_eq!(verdict(&|_| {}), Some(Invalid));
    assert_eq!(verdict(&|fault| (fault.healed, fault.problem) = (None, problem())), Some(Valid));
    assert_eq!(verdict(&|fault| fault.healed = None), Some(Valid), "the record ends while it is healed");
    // What never began excuses nothing.
    assert_eq!(
        verdict(&|fault| (fault.in_force, fault.heal_ns, fault.healed, fault.problem) = (None, None, None, problem())),
        Some(Invalid)
    );
}

#[test]
fn more_nodes_than_a_plan_may_have_are_not_judged() {
    let mut history = Storm::of(&[], &out_until(8_000)).history();
    history.start.as_mut().unwrap().nodes = (1..=40).map(|number| format!("n{number}")).collect();
    let verdict = judge(&history).unwrap();
    assert_eq!((verdict.validity, verdict.reason.contains("more than 15 nodes")), (Valid, true), "{}", verdict.reason);
}

#[test]
fn who_waits_for_a_lock_waits_for_its_holder() {
    let storm = Storm { call: Call::Acquire { key: 0 }, ..Storm::of(&[], &out_until(8_000)) };
    storm.check(Valid, "not judged: clients wait for locks");
}

#[test]
fn after_the_storm_the_cluster_must_serve() {
    let whole = Storm::of(&[], &[ALL_WELL]).history();
    let verdict = |change: &dyn Fn(&mut History)| {
        let mut history = whole.clone();
        change(&mut history);
        judge(&history).map(|verdict| (verdict.validity, verdict.reason))
    };
    let told = |validity, reason: &str| Some((validity, reason.to_owned()));
    assert_eq!(
        verdict(&|_| {}),
        told(
            Valid,
            "no outage of more than 2.0 s while a majority was left alone; all nodes served again 100 ms after the storm (bound 30.0 s)"
        )
    );
    let in_vain = |history: &mut History, until_ms: u64| {
        history.phases.truncate(2);
        history.end.as_mut().unwrap().at_ns = until_ms * MS;
    };
    assert_eq!(
        verdict(&move |history| in_vain(history, 50_000)),
        told(Invalid, "the cluster did not serve again within 30.0 s after the storm")
    );
    assert_eq!(
        verdict(&move |history| in_vain(history, 22_500)),
        told(Invalid, "a server did not come back after the storm; it was waited for 2.5 s")
    );
    let waiting = "the run ended before the cluster had served again after the storm";
    let interrupted = |history: &mut History| {
        history.phases.truncate(2);
        history.end.as_mut().unwrap().how = Ending::Interrupted;
    };
    assert_eq!(verdict(&interrupted), told(Unknown, waiting));
    assert_eq!(
        verdict(&|history| {
            history.phases.truncate(1);
            history.end = None;
        }),
        told(Unknown, "the run ended before the storm was over")
    );
    assert_eq!(verdict(&|history| history.start.as_mut().unwrap().bounds = None), None);
    assert_eq!(verdict(&|history| history.phases.clear()), None);
}
