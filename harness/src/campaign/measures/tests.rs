//! Small histories, and what is measured in them.

use super::*;
use squall_results::Outcome;
use squall_results::event::{Phase, PhaseName};

/// An operation through a node, answered between two instants.
fn op(node: &str, from_ns: u64, to_ns: u64, call: Call, outcome: Outcome) -> Operation {
    let (id, process) = (from_ns * 1000 + to_ns, to_ns);
    Operation {
        id,
        process,
        node: node.into(),
        call,
        due_ns: from_ns,
        invoked_ns: from_ns,
        returned_ns: Some(to_ns),
        outcome,
    }
}

fn read(from_ns: u64, to_ns: u64, value: i64, order: u64) -> Operation {
    let reply = Reply::Read { value: Some(value), version: Some(Version::at(order)) };
    op("n1", from_ns, to_ns, Call::Read { key: 0 }, Outcome::Ok(reply))
}

fn write(from_ns: u64, to_ns: u64, value: i64, order: u64) -> Operation {
    let reply = Reply::Written { version: Some(Version::at(order)) };
    op("n2", from_ns, to_ns, Call::Write { key: 0, value }, Outcome::Ok(reply))
}

fn add(from_ns: u64, to_ns: u64, element: i64) -> Operation {
    op("n1", from_ns, to_ns, Call::Add { key: 0, element }, Outcome::Ok(Reply::Added { version: None }))
}

fn elements(from_ns: u64, to_ns: u64, found: &[i64]) -> Operation {
    let reply = Reply::Elements { elements: found.to_vec(), version: None };
    op("n2", from_ns, to_ns, Call::Elements { key: 0 }, Outcome::Ok(reply))
}

fn history(operations: Vec<Operation>, final_ns: Option<u64>) -> History {
    let phase = |at_ns| Phase { at_ns, name: PhaseName::FinalReads };
    History { operations, phases: final_ns.map(phase).into_iter().collect(), ..History::default() }
}

/// The age of the oldest answer, and what was lost.
#[track_caller]
fn check(operations: Vec<Operation>, final_ns: Option<u64>, staleness_ns: Option<u64>, lost_count: Option<usize>) {
    let history = history(operations, final_ns);
    assert_eq!((staleness(&history), lost(&history)), (staleness_ns, lost_count));
}

#[test]
fn an_answer_is_as_old_as_what_it_does_not_know() {
    check(vec![], None, None, None);
    // Whoever reads while the write goes on may find either.
    check(vec![write(10, 20, 1, 1), read(15, 30, 1, 1)], None, Some(0), None);
    check(vec![write(10, 20, 1, 1), write(30, 40, 2, 2), read(100, 110, 1, 1)], None, Some(60), None);
    // A read may show the newer version before its write is answered.
    check(vec![write(10, 20, 1, 1), write(30, 90, 2, 2), read(40, 50, 2, 2), read(70, 80, 1, 1)], None, Some(20), None);
    // Of several newer versions the one that was shown first counts.
    check(vec![read(100, 110, 1, 1), write(60, 70, 2, 2), write(30, 40, 3, 3)], None, Some(60), None);
    check(vec![add(0, 10, 1), add(0, 20, 2), elements(50, 60, &[2]), elements(70, 80, &[1, 2])], None, Some(40), None);
}

#[test]
fn what_the_final_reads_do_not_know_is_lost() {
    check(vec![write(10, 20, 1, 1), write(30, 40, 2, 2), read(100, 110, 2, 2)], Some(90), Some(0), Some(0));
    check(vec![write(10, 20, 1, 1), write(30, 40, 2, 2), read(100, 110, 1, 1)], Some(90), Some(60), Some(1));
    // One of the final reads knows it.
    check(vec![write(10, 20, 2, 2), read(100, 110, 1, 1), read(120, 130, 2, 2)], Some(90), Some(80), Some(0));
    // An element that is lost is not old, and one that nobody acknowledged is not lost.
    let in_doubt = op("n1", 0, 10, Call::Add { key: 0, element: 9 }, Outcome::Unknown("time-out".into()));
    check(vec![add(0, 10, 1), add(0, 20, 2), in_doubt, elements(100, 110, &[2])], Some(90), Some(0), Some(1));
    check(vec![add(0, 10, 1)], Some(90), None, None);
}

fn fault(id: u32, node: &str, injected_ns: u64, heal_ns: u64, healed_ns: u64) -> FaultSpan {
    let shown = |at_ns| Some((at_ns, String::new()));
    FaultSpan {
        id,
        family: "kill".into(),
        what: String::new(),
        selector: "one".into(),
        nodes: vec![node.into()],
        links: Vec::new(),
        injected_ns,
        in_force: shown(injected_ns),
        heal_ns: Some(heal_ns),
        healed: shown(healed_ns),
        problem: None,
    }
}

#[test]
fn a_node_has_recovered_when_it_serves_again() {
    let served = |node: &str, at_ns| {
        let reply = Reply::Read { value: None, version: None };
        op(node, at_ns, at_ns + 5, Call::Read { key: 0 }, Outcome::Ok(reply))
    };
    let failed = op("n1", 110, 115, Call::Read { key: 0 }, Outcome::Fail("refused".into()));
    let operations = vec![served("n1", 10), served("n2", 105), failed, served("n1", 150)];
    let recovered = |faults| recoveries(&History { faults, ..history(operations.clone(), None) });
    assert_eq!(recovered(vec![fault(0, "n1", 50, 100, 120)]), [55]);
    assert_eq!(recovered(vec![fault(0, "n1", 50, 100, 120), fault(1, "n2", 50, 100, 120)]), [10, 55]);
    // Another fault hits it meanwhile, or did and goes on.
    assert_eq!(recovered(vec![fault(0, "n1", 50, 100, 120), fault(1, "n1", 130, 140, 145)]), [15]);
    assert_eq!(recovered(vec![fault(0, "n1", 50, 100, 120), fault(1, "n1", 60, 140, 145)]), [15]);
    assert_eq!(recovered(vec![fault(0, "n1", 50, 200, 220)]), [0; 0], "nobody asked");
}
