//! Replays of runs made by hand.

use super::*;
use squall_results::event::{Event, FaultChange, FaultEvent, Phase, PhaseName};
use squall_results::{Anomaly, Promise, Verdict};

const MS: u64 = 1_000_000;

const PLAN: &str = "
nodes: 5
seed: 1
schedule:
- {at: 1s, for: 1s, fault: kill, select: leader}
- {at: 3s, for: 1s, fault: partition, shape: bridge, flapping: 200ms, select: one}
- {at: 5s, for: 1s, fault: partition, shape: mute, select: leader}
- {at: 7s, for: 1s, fault: partition, shape: {links: [n1>n2]}, select: all}
- {at: 9s, for: 1s, fault: pause, select: leader}
- {at: 11s, for: 1s, fault: kill, select: all}
- {at: 13s, for: 1s, fault: kill, select: last}
";

/// A fault of a record: number, family, selector, nodes, links, when it began in ms.
type Row = (u32, &'static str, &'static str, &'static [&'static str], &'static [&'static str], u64);

const RECORD: [Row; 7] = [
    (0, "kill", "leader", &["n2"], &[], 1_010),
    (1, "partition", "one", &["n3"], &["n1>n2", "n2>n1"], 3_010),
    (2, "partition", "leader", &["n4"], &["n4>n1"], 5_010),
    (3, "partition", "all", &["n1", "n2", "n3", "n4", "n5"], &["n1>n2"], 7_010),
    (4, "pause", "leader", &[], &[], 9_010),
    (5, "kill", "all", &["n1", "n2", "n3", "n4", "n5"], &[], 11_010),
    (6, "kill", "last", &["n1", "n4"], &[], 13_010),
];

/// A history with these faults, whose storm begins at `begin_ms`.
fn history(begin_ms: u64, rows: &[Row]) -> History {
    let storm = Event::Phase(Phase { at_ns: begin_ms * MS, name: PhaseName::Storm });
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let faults = rows.iter().map(|(fault, family, selector, nodes, links, at_ms)| {
        let change = FaultChange::Inject {
            family: (*family).into(),
            what: String::new(),
            selector: (*selector).into(),
            nodes: owned(nodes),
            links: owned(links),
        };
        Event::Fault(FaultEvent { at_ns: (begin_ms + at_ms) * MS, fault: *fault, change })
    });
    History::from_events(std::iter::once(storm).chain(faults)).unwrap()
}

fn recorded(rows: &[Row], judgement: Judgement) -> Recorded {
    let plan = Wishes::parse(PLAN, "plan.yaml").unwrap().resolve().unwrap();
    Recorded { plan, history: history(0, rows), judgement }
}

/// Verdicts by checker, answer and the kinds of the anomalies.
fn judged(rows: &[(&str, Validity, &[&str])]) -> Judgement {
    let anomaly = |kind: &&str| Anomaly {
        kind: (*kind).into(),
        told: String::new(),
        key: 0,
        from_ns: 0,
        to_ns: 0,
        operations: Vec::new(),
        prefixes: Vec::new(),
        minimal: None,
        dependencies: Vec::new(),
    };
    let verdict = |(checker, validity, kinds): &(&str, Validity, &[&str])| Verdict {
        checker: (*checker).into(),
        validity: *validity,
        reason: "what it says".into(),
        anomalies: kinds.iter().map(anomaly).collect(),
        figures: Default::default(),
    };
    Judgement::new(Promise::Linearizable, rows.iter().map(verdict).collect())
}

#[test]
fn an_exact_plan_names_what_was_hit() {
    let (plan, notes) = exact(&recorded(&RECORD[..], judged(&[])));
    let shown: Vec<String> = plan.schedule.iter().map(|planned| planned.what().to_string()).collect();
    assert_eq!(
        shown,
        [
            "kill of n2",
            "partition (links) of all",
            "partition (mute) of n4",
            "partition (links) of all",
            "pause of leader",
            "kill of all",
            "kill of n1, n4",
        ]
    );
    let links = ["n1>n2", "n2>n1"].map(|link| link.parse().unwrap());
    assert_eq!(plan.schedule[1].shape, Shape::Links(links.into()));
    assert_eq!(plan.schedule[1].flapping.map(|flapping| flapping.ms()), Some(200), "it comes and goes as before");
    assert_eq!(notes, ["fault 5 (pause of leader) keeps its selector: it hit no node"]);
    let nodes = plan.node_names();
    assert!(plan.schedule.iter().all(|planned| planned.refuses(&nodes).is_none()), "{:?}", plan.schedule);
    let yaml = plan.to_yaml().unwrap();
    assert_eq!(Wishes::parse(&yaml, "plan.yaml").unwrap().resolve().unwrap(), plan, "{yaml}");
}

#[test]
fn an_exact_plan_has_the_times_at_which_triggers_came() {
    let text = "
schedule:
- {after: {writes: 50}, for: 1s, fault: kill, select: leader}
- {at: 2s, after: {leader_change: 1, wait: 1s}, for: 1s, fault: pause, select: {named: [n1]}}
- {after: {log: lost}, for: 15s, fault: kill, select: {named: [n1]}}
";
    let plan = Wishes::parse(text, "plan.yaml").unwrap().resolve().unwrap();
    let rows: [Row; 3] = [
        (0, "kill", "leader", &["n2"], &[], 1_234),
        (1, "pause", "n1", &[], &[], 19_000),
        (2, "kill", "n1", &["n1"], &[], 6_000),
    ];
    let mut history = history(700, &rows);
    for place in [0, 2] {
        history.faults[place].in_force = Some((0, "gone".into()));
    }
    let (plan, notes) = exact(&Recorded { plan, history, judgement: judged(&[]) });
    let times: Vec<(u64, bool)> = plan.schedule.iter().map(|fault| (fault.at.ms(), fault.after.is_some())).collect();
    // The last came so late that it would outlast the storm.
    assert_eq!(times, [(1_234, false), (2_000, true), (5_000, false)]);
    assert_eq!(plan.schedule[0].select, Selector::Named(vec!["n2".into()]));
    assert_eq!(notes[0], "fault 2 (pause of n1) waits again: what it waited for did not come");
}

#[test]
fn who_was_to_hit_the_last_and_found_nobody_is_left_out() {
    let text = "
schedule:
- {at: 0s, after: {writes: 50}, for: 1s, fault: kill, select: {named: [n1]}}
- {at: 5s, for: 1s, fault: pause, select: last}
";
    let plan = Wishes::parse(text, "plan.yaml").unwrap().resolve().unwrap();
    let rows: [Row; 2] = [(0, "kill", "n1", &["n1"], &[], 8_000), (1, "pause", "last", &[], &[], 5_000)];
    let mut history = history(0, &rows);
    history.faults[0].in_force = Some((0, "gone".into()));
    let (plan, notes) = exact(&Recorded { plan, history, judgement: judged(&[]) });
    assert_eq!(plan.schedule.iter().map(|fault| fault.at.ms()).collect::<Vec<_>>(), [8_000]);
    assert_eq!(notes, ["fault 2 (pause of last) is left out: it hit no node"]);
    let yaml = plan.to_yaml().unwrap();
    assert_eq!(Wishes::parse(&yaml, "plan.yaml").unwrap().resolve().unwrap(), plan, "{yaml}");
}

#[test]
fn what_an_older_record_or_a_short_run_does_not_tell_is_selected_again() {
    let mut rows = RECORD[..2].to_vec();
    rows[1].4 = &[];
    let (plan, notes) = exact(&recorded(&rows, judged(&[])));
    assert_eq!(plan.schedule[1].what().to_string(), "partition (bridge) of one");
    assert_eq!(notes.len(), 6, "{notes:#?}");
    assert_eq!(notes[0], "fault 2 (partition (bridge) of one) keeps its selector: its links were not recorded");
    assert_eq!(notes[1], "fault 3 (partition (mute) of leader) keeps its selector: it was not reached");
}

#[test]
fn an_anomaly_comes_back_by_its_checker_and_kind() {
    use Validity::{Invalid, Unknown, Valid};
    let then = judged(&[("linearizable", Invalid, &["stale read", "lost update"]), ("activity", Valid, &[])]);
    for (now, expected) in [
        (judged(&[("linearizable", Invalid, &["lost update"])]), true),
        (judged(&[("linearizable", Invalid, &["dirty read"])]), false),
        (judged(&[("set", Invalid, &["stale read"])]), false),
        (judged(&[("linearizable", Valid, &[])]), false),
        (judged(&[("linearizable", Unknown, &[])]), false),
    ] {
        assert_eq!(comes_back(&then, &now), expected, "{now:?}");
    }
    // What nobody shows is told with other instants each time.
    let dead = |reason: &str| {
        let liveness = Verdict { reason: reason.into(), ..judged(&[("liveness", Invalid, &[])]).verdicts.remove(0) };
        Judgement { liveness: Some(liveness), ..judged(&[("linearizable", Valid, &[])]) }
    };
    assert!(comes_back(&dead("from 3.0 s to 8.0 s"), &dead("from 4.0 s to 9.0 s")));
    assert!(!comes_back(&dead("from 3.0 s to 8.0 s"), &judged(&[("linearizable", Valid, &[])])));
    let without_evidence = judged(&[("versions", Invalid, &[])]);
    assert!(comes_back(&without_evidence, &without_evidence));
    let valid = judged(&[("linearizable", Valid, &[])]);
    assert!(!comes_back(&valid, &valid), "where nothing was found nothing comes back");
}

#[test]
fn a_record_of_another_plan_is_noticed() {
    let plan = Wishes::parse(PLAN, "plan.yaml").unwrap().resolve().unwrap();
    let check = |row: Row, expected: Result<(), &str>| {
        assert_eq!(same_run(&plan, &history(0, &[row])), expected.map_err(String::from));
    };
    check(RECORD[0], Ok(()));
    check((0, "pause", "leader", &[], &[], 1_000), Err("fault 1 was a pause, and is planned as a kill"));
    check((9, "kill", "leader", &[], &[], 1_000), Err("the plan has no fault 10"));
}

#[test]
fn replays_are_compared_fault_by_fault() {
    let first = history(500, &RECORD[..3]);
    let check = |rows: &[Row], exact: bool, expected: (usize, usize, bool, u64)| {
        let Likeness { faults, again, same_nodes, same_order, apart_ns_max } =
            Likeness::of(&first, &history(900, rows), exact);
        assert_eq!((again, same_nodes, same_order, apart_ns_max / MS), expected, "{rows:?}");
        assert_eq!(faults, 3);
    };
    check(&RECORD[..3], false, (3, 3, true, 0));
    check(&RECORD[..2], false, (2, 2, true, 0));
    let mut late = RECORD[..3].to_vec();
    late[1].5 += 70;
    late[2].3 = &["n5"];
    check(&late, false, (3, 2, true, 70));
    late[0].5 = 4_000;
    check(&late, false, (3, 2, false, 2_990));
    late[0].2 = "named";
    check(&late, false, (2, 1, true, 70));
    check(&late, true, (3, 2, false, 2_990));
}
