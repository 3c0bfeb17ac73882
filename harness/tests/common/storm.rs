//! Storms by a plan, and what their histories show.

use super::{Running, Squall, json, leftovers};
use serde_json::Value;
use squall_results::history::FaultSpan;
use squall_results::{History, event::Ending, reader};
use std::time::Duration;

/// The history of the newest run.
pub fn history(squall: &Squall) -> History {
    reader::read_history(&squall.latest().join("history.jsonl")).unwrap()
}

/// Runs the plan to its end: nothing is wrong, and nothing left. Returns what it said.
#[track_caller]
pub fn is_valid(squall: &Squall, plan: &str) -> (Value, History) {
    are_valid([squall], plan).remove(0)
}

/// Likewise, side by side.
#[track_caller]
pub fn are_valid<'a>(squalls: impl IntoIterator<Item = &'a Squall>, plan: &str) -> Vec<(Value, History)> {
    let started: Vec<(&Squall, Running)> = squalls
        .into_iter()
        .map(|squall| (squall, squall.start(&["test", "--json", "--plan", &squall.file("plan.yaml", plan)])))
        .collect();
    let mut said = Vec::new();
    for (squall, running) in started {
        let run = running.finish();
        run.expect(0);
        let (output, history) = (json(&run), history(squall));
        assert_eq!(output["judgement"]["validity"], "valid", "{output}");
        assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::Completed));
        assert_eq!(leftovers(squall), Vec::<String>::new());
        said.push((output, history));
    }
    said
}

/// Interrupts the storm of the plan when this line is told: all that is in force is healed, and nothing left.
#[track_caller]
pub fn is_healed_when_interrupted(squall: &Squall, plan: &str, line: &str) -> History {
    let plan = squall.file("plan.yaml", plan);
    let mut running = squall.start(&["test", "--plan", &plan]);
    running.await_line(line, Duration::from_secs(30));
    running.signal(libc::SIGINT);
    running.finish().expect(0);
    let history = history(squall);
    assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::Interrupted));
    // What is cut short may have done nothing yet: in vain, and healed all the same.
    let is_harmless = |problem: &String| problem.starts_with("in vain: ");
    let is_healed = |fault: &FaultSpan| fault.healed.is_some() && fault.problem.iter().all(is_harmless);
    assert!(history.faults.iter().all(is_healed), "{:?}", history.faults);
    let is_told =
        |fault: &FaultSpan| fault.in_force.iter().any(|(_, shown)| format!("in force: {shown}").contains(line));
    assert!(history.faults.iter().any(is_told), "`{line}` is told of none of {:?}", history.faults);
    assert_eq!(leftovers(squall), Vec::<String>::new());
    history
}

/// What showed that a fault was in force, and that it was healed.
#[track_caller]
pub fn evidence(fault: &FaultSpan) -> (&str, &str) {
    match (&fault.in_force, &fault.healed, &fault.problem) {
        (Some((_, in_force)), Some((_, healed)), None) => (in_force, healed),
        _ => panic!("{fault:?}"),
    }
}

/// Likewise of all faults that were in force and of which this is told.
pub fn shown<'a>(history: &'a History, what: &str) -> Vec<(&'a str, &'a str)> {
    let hit = history.faults.iter().filter(|fault| fault.what.contains(what) && fault.in_force.is_some());
    hit.map(evidence).collect()
}

/// The number before these words.
#[track_caller]
pub fn number(told: &str, words: &str) -> usize {
    let before = told.split(words).next().filter(|before| before.len() < told.len());
    let word = before.and_then(|before| before.split(' ').next_back()).unwrap_or_default();
    word.parse().unwrap_or_else(|_| panic!("no number before `{words}` in: {told}"))
}
