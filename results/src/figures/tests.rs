//! Small histories made by hand, and their figures to the last digit.

use super::*;
use crate::call::{Call, Reply};
use crate::event::{Measured, Phase, Sample};

const MS: u64 = 1_000_000;

/// One operation a row: due, invoked, returned (ms; 0: never), outcome (`k`, `f`, `u`).
fn operations(rows: &[(u64, u64, u64, char)]) -> Vec<Operation> {
    let operation = |(id, (due, invoked, returned, outcome)): (u64, &(u64, u64, u64, char))| Operation {
        id,
        process: id,
        node: "n1".into(),
        call: if id % 2 == 0 { Call::Write { key: 0, value: 1 } } else { Call::Read { key: 0 } },
        due_ns: due * MS,
        invoked_ns: invoked * MS,
        returned_ns: (*returned > 0).then_some(returned * MS),
        outcome: match outcome {
            'k' => Outcome::Ok(Reply::Written { version: None }),
            'f' => Outcome::Fail("refused".into()),
            _ => Outcome::Unknown("timed out".into()),
        },
    };
    (0..).zip(rows).map(operation).collect()
}

fn fault(id: u32, injected: u64, in_force: Option<u64>, heal: u64, healed: Option<u64>) -> FaultSpan {
    FaultSpan {
        id,
        family: "kill".into(),
        what: "kill n1".into(),
        selector: "one".into(),
        nodes: vec!["n1".into()],
        links: Vec::new(),
        injected_ns: injected * MS,
        in_force: in_force.map(|at| (at * MS, "process gone".into())),
        heal_ns: Some(heal * MS),
        healed: healed.map(|at| (at * MS, "answers".into())),
        problem: in_force.is_none().then(|| "no such process".into()),
    }
}

fn leader(at: u64, term: u64) -> Sample {
    Sample { at_ns: at * MS, node: "n1".into(), measured: Measured::Leader { leader: Some("n1".into()), term } }
}

fn phases(rows: &[(u64, PhaseName)]) -> Vec<Phase> {
    rows.iter().map(|(at, name)| Phase { at_ns: at * MS, name: *name }).collect()
}

/// A second of storm from 1000 ms on; a fault in force from 1300 to 1600 ms, another that never was.
fn storm_of_a_second() -> History {
    let rows = [
        (1000, 1010, 1050, 'k'), // slot 0, response 50, service 40
        (1100, 1100, 1120, 'k'), // slot 1, response and service 20
        (1250, 1250, 1310, 'k'), // slot 3; open when the fault sets in
        (1350, 1350, 1360, 'f'), // fails under the fault
        (1400, 1400, 1700, 'k'), // slot 7; response 300 is slow
        (1590, 1590, 0, 'u'),    // never returns
        (1600, 1600, 1610, 'k'), // slot 6; begins when the fault is gone
        (1950, 1950, 1990, 'k'), // slot 9
        (2200, 2200, 2230, 'k'), // after the storm
    ];
    History {
        operations: operations(&rows),
        faults: vec![fault(1, 1280, Some(1300), 1580, Some(1600)), fault(2, 1800, None, 1850, None)],
        samples: vec![leader(900, 3), leader(1350, 4), leader(1600, 5)],
        phases: phases(&[(1000, PhaseName::Storm), (2000, PhaseName::Recovery), (2500, PhaseName::FinalReads)]),
        ..History::default()
    }
}

#[test]
fn counts_and_rate() {
    let figures = Figures::of(&storm_of_a_second());
    let counts = |calls: &CallCounts| (calls.kind, calls.invoked, calls.ok, calls.fail, calls.unknown);
    let expected = [(CallKind::Read, 4, 2, 1, 1), (CallKind::Write, 5, 5, 0, 0)];
    assert_eq!(figures.calls.iter().map(counts).collect::<Vec<_>>(), expected);
    assert_eq!(figures.totals(), (9, 7, 1, 1));
    assert_eq!(figures.ok_rate_hz, 6.0, "six successes return within one second of storm");
    assert_eq!((figures.faults_injected, figures.faults_in_force), (2, 1));
}

#[test]
fn availability_is_counted_in_slots_of_the_storm() {
    let figures = Figures::of(&storm_of_a_second());
    let share = |served, slots| Share { served, slots };
    // Served: slots 0, 1, 3, 6, 7, 9. Under the fault: 3, 4, 5.
    assert_eq!(figures.availability.overall, share(6, 10));
    assert_eq!(figures.availability.under_faults, share(1, 3));
    assert_eq!(figures.availability.outside_faults, share(5, 7));
    assert_eq!(figures.longest_gap, Some(Gap { from_ns: 1310 * MS, to_ns: 1610 * MS }));
}

#[test]
fn latency_is_split_by_what_was_in_force() {
    let figures = Figures::of(&storm_of_a_second());
    let outside = figures.latency_outside_faults.unwrap();
    let times = |times: Percentiles| (times.count, times.p50_ns / MS, times.p99_ns / MS, times.max_ns / MS);
    assert_eq!(times(outside.response), (5, 30, 50, 50));
    assert_eq!(times(outside.service), (5, 30, 40, 40));
    let under = figures.latency_under_faults.unwrap();
    assert_eq!(times(under.response), (2, 60, 300, 300));
    assert_eq!(times(under.service), (2, 60, 300, 300));
}

#[test]
fn each_fault_has_its_consequences() {
    let figures = Figures::of(&storm_of_a_second());
    assert_eq!(figures.leader_changes, 2, "the first leader that is seen is no change");
    let [struck, idle] = figures.faults.as_slice() else { panic!("two faults: {:?}", figures.faults) };
    let expected = Consequences { leader_changes: 1, failed: 1, unknown: 1, slow: 2 };
    assert_eq!(struck.consequences, Some(expected));
    assert_eq!(struck.in_force, Some(Proof { after_ns: 20 * MS, evidence: "process gone".into() }));
    assert_eq!(struck.healed, Some(Proof { after_ns: 20 * MS, evidence: "answers".into() }));
    assert!(struck.did_something());
    assert_eq!((idle.consequences, idle.in_force.is_some(), idle.did_something()), (None, false, false));
    assert_eq!(idle.problem.as_deref(), Some("no such process"));
}

#[test]
fn a_fault_that_could_not_be_injected_is_over_at_once() {
    let check = |fault: FaultSpan, expected_ms: u64| assert_eq!(over_ns(&fault, 900 * MS), expected_ms * MS);
    check(fault(1, 100, Some(110), 200, Some(210)), 210);
    check(fault(1, 100, Some(110), 200, None), 200);
    check(FaultSpan { heal_ns: None, ..fault(1, 100, Some(110), 0, None) }, 900);
    check(FaultSpan { heal_ns: None, ..fault(1, 100, None, 0, None) }, 100);
}

#[test]
fn recovery_counts_from_its_phase() {
    let recovery = Figures::of(&storm_of_a_second()).recovery;
    assert_eq!(recovery, Recovery { to_final_reads_ns: Some(500 * MS), to_first_ok_ns: Some(230 * MS) });
}

#[test]
fn an_empty_history_has_figures_too() {
    let figures = Figures::of(&History::default());
    assert_eq!((figures.storm, figures.longest_gap, figures.latency_under_faults), (None, None, None));
    assert_eq!(figures.availability.overall.ratio(), None);
    let text = serde_json::to_string(&figures).unwrap();
    assert_eq!(serde_json::from_str::<Figures>(&text).unwrap(), figures);
}

#[test]
fn without_any_success_the_whole_storm_is_a_gap() {
    let history = History {
        operations: operations(&[(0, 0, 10, 'f'), (500, 500, 510, 'f'), (900, 900, 0, 'u')]),
        phases: phases(&[(0, PhaseName::Storm), (1050, PhaseName::Recovery)]),
        ..History::default()
    };
    let figures = Figures::of(&history);
    assert_eq!(figures.longest_gap.map(|gap| gap.length_ns()), Some(1050 * MS));
    assert_eq!(figures.availability.overall, Share { served: 0, slots: 10 }, "the half slot at the end does not count");
}

#[test]
fn a_storm_that_outlasts_its_calls_is_no_outage() {
    // The last call's end, and what is told of three seconds of storm: slots served, the longest gap, successes a second.
    let check = |last: (u64, u64, u64, char), served: (usize, usize), gap: Option<(u64, u64)>, rate_hz: f64| {
        let history = History {
            operations: operations(&[(0, 0, 50, 'k'), (100, 100, 150, 'k'), last, (3100, 3100, 3110, 'k')]),
            phases: phases(&[(0, PhaseName::Storm), (3000, PhaseName::Recovery)]),
            ..History::default()
        };
        let figures = Figures::of(&history);
        let overall = figures.availability.overall;
        assert_eq!((overall.served, overall.slots), served, "{last:?}");
        assert_eq!(figures.longest_gap.map(|gap| (gap.from_ns / MS, gap.to_ns / MS)), gap, "{last:?}");
        assert_eq!(figures.ok_rate_hz, rate_hz, "{last:?}");
        assert_eq!(figures.storm, Some(Span { from_ns: 0, to_ns: 3000 * MS }), "the storm is what it was");
    };
    check((200, 200, 250, 'k'), (2, 2), Some((50, 150)), 12.0);
    check((200, 200, 1200, 'u'), (2, 12), Some((150, 1200)), 2.0 / 1.2);
    check((200, 200, 0, 'u'), (2, 30), Some((150, 3000)), 2.0 / 3.0);
    check((200, 200, 3050, 'k'), (2, 30), Some((150, 3000)), 2.0 / 3.0);
}

#[test]
fn spans_touch_what_shares_an_instant_with_them() {
    let span = Span { from_ns: 10, to_ns: 20 };
    let cases = [((0, 9), false), ((0, 10), true), ((19, 30), true), ((20, 30), false), ((12, 12), true)];
    for ((from_ns, to_ns), expected) in cases {
        assert_eq!(span.touches(from_ns, to_ns), expected, "{from_ns} to {to_ns}");
    }
    assert!(Span { from_ns: 10, to_ns: 10 }.touches(0, 10), "a span of one instant");
}
