//! Storms whose faults wait for something, and hit whom others do not: what came, and who was hit, is measured from the history
//! and the logs. One cluster at a time.

mod common;

use common::{Squall, leftovers, one_at_a_time};
use squall_results::event::{Measured, PhaseName};
use squall_results::history::FaultSpan;
use squall_results::{History, Reply, reader};
use std::fs;

const MS: u64 = 1_000_000;

/// A leader dies, the others elect; followers die when enough was written, and are hit again; a line of a log is waited for
/// that the next election writes, and one that nobody does.
const SCHEDULE: &str = "
seed: 51
rate_hz: 400
schedule:
- {at: 1s, for: 500ms, fault: kill, select: leader}
- {at: 1s, after: {leader_change: 1, wait: 200ms, within: 8s}, for: 1s, fault: pause, select: follower}
- {at: 10s, after: {writes: 150, within: 5s}, for: 500ms, fault: kill, select: followers}
- {at: 20s, for: 500ms, fault: pause, select: last}
- {at: 22s, after: {log: ELECTED, within: 8s}, for: 500ms, fault: pause, select: one}
- {at: 22500ms, for: 500ms, fault: kill, select: leader}
- {at: 2s, after: {log: nobody logs this, node: n1, within: 700ms}, for: 200ms, fault: kill, select: one}
";

/// A run of the schedule on a target whose servers log `elected` when they elect.
struct Ran {
    squall: Squall,
    history: History,
    storm_ns: u64,
}

impl Ran {
    fn of(target: &str, elected: &str) -> Ran {
        let squall = Squall::new();
        let plan = format!("{target}\ntime_limit: 31s{}", SCHEDULE.replace("ELECTED", elected));
        let plan = squall.file("plan.yaml", &plan);
        squall.run(&["test", "--plan", &plan]).expect(0);
        assert_eq!(leftovers(&squall), Vec::<String>::new());
        let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
        let storm_ns = history.phase_ns(PhaseName::Storm).unwrap();
        Ran { squall, history, storm_ns }
    }

    fn fault(&self, id: u32) -> &FaultSpan {
        self.history.faults.iter().find(|fault| fault.id == id).unwrap_or_else(|| panic!("{:?}", self.history.faults))
    }

    /// When a fault was injected, in ms of the storm.
    fn at_ms(&self, id: u32) -> u64 {
        (self.fault(id).injected_ns - self.storm_ns) / MS
    }

    /// Who led before this instant, in the newest term that a sample shows.
    fn leader_before(&self, at_ns: u64) -> &str {
        let samples = self.history.samples.iter().filter(|sample| sample.at_ns < at_ns);
        let known = samples.filter_map(|sample| match &sample.measured {
            Measured::Leader { leader: Some(leader), term } => Some((*term, leader.as_str())),
            _ => None,
        });
        known.max_by_key(|(term, _)| *term).expect("somebody led").1
    }

    fn is_right(&self, elected: &str) {
        for id in 0..6 {
            let fault = self.fault(id);
            assert!(fault.in_force.is_some() && fault.healed.is_some() && fault.problem.is_none(), "{fault:?}");
        }
        self.leader_change_came();
        self.writes_came();
        self.line_came(elected);
        let last = self.fault(3);
        assert_eq!(last.nodes, self.fault(2).nodes, "{last:?}");
        let never = self.fault(6);
        let expected =
            "its trigger never came: there was no line with `nobody logs this` in the log of n1 within 700ms";
        assert_eq!((never.in_force.is_none(), never.problem.as_deref()), (true, Some(expected)));
        assert!((2_700..3_200).contains(&self.at_ms(6)), "{} ms", self.at_ms(6));
    }

    /// The pause came behind a change that the samples show too, and hit nobody who led.
    fn leader_change_came(&self) {
        let (killed, fault) = (self.fault(0), self.fault(1));
        let told = fault.what.split_once(", 200ms after ").map(|(_, told)| told.to_owned()).unwrap_or_default();
        let changes = self.history.leader_changes();
        let is_told = |leader: &str, term: u64| told == format!("{leader} came to lead in term {term}");
        assert!(changes.iter().any(|(_, leader, term)| is_told(leader, *term)), "{told}; {changes:?}");
        assert!(fault.injected_ns > killed.in_force.as_ref().unwrap().0, "the leader must be gone before");
        assert_eq!(fault.nodes.len(), 1);
        assert!(!told.starts_with(&fault.nodes[0]), "{told}: {fault:?}");
    }

    /// Followers died when clients had as many answers as they should have, and the leader did not.
    fn writes_came(&self) {
        let fault = self.fault(2);
        let armed_ns = self.storm_ns + 10_000 * MS;
        let written = self.history.operations.iter().filter(|operation| {
            matches!(operation.outcome.reply(), Some(Reply::Written { .. }))
                && operation.returned_ns.is_some_and(|at_ns| (armed_ns..fault.injected_ns).contains(&at_ns))
        });
        let count = written.count();
        assert!((150..250).contains(&count), "{count} writes: {fault:?}");
        assert!(fault.what.contains(", after 15"), "{fault:?}");
        let leader = self.leader_before(fault.injected_ns);
        assert!(fault.nodes.len() == 2 && !fault.nodes.iter().any(|node| node == leader), "{leader}: {fault:?}");
    }

    /// A log has the line, stamped when the fault had not begun.
    fn line_came(&self, elected: &str) {
        let fault = self.fault(4);
        let (_, told) = fault.what.split_once(", after ").unwrap_or_default();
        let (node, line) = told.split_once(" logged `").unwrap_or_else(|| panic!("{fault:?}"));
        assert!(line.contains(elected), "{fault:?}");
        let folder = fs::read_dir(self.squall.latest().join("nodes").join(node)).unwrap();
        let logs = folder.map(|entry| entry.unwrap().path());
        let mut stamped = logs.filter(|path| path.to_string_lossy().ends_with(".stamped.log"));
        let text = fs::read_to_string(stamped.next().expect("a stamped log")).unwrap();
        let stamps = text.lines().filter(|line| line.contains(elected)).filter_map(|line| line.split(' ').next());
        let at_ms = |stamp: &str| (stamp.parse::<f64>().unwrap() * 1e3) as u64;
        let (armed_ms, injected_ms) = ((self.storm_ns / MS) + 22_000, fault.injected_ns / MS);
        // Who stamps looks every 20 ms.
        let is_there = stamps.map(at_ms).any(|at_ms| at_ms > armed_ms && at_ms < injected_ms + 100);
        assert!(is_there, "between {armed_ms} and {injected_ms}: {text}");
    }
}

#[test]
fn faults_on_raft_wait_for_what_they_are_told() {
    let _alone = one_at_a_time();
    Ran::of("target: raft", "elected leader").is_right("elected leader");
}

#[test]
fn faults_on_etcd_wait_for_what_they_are_told() {
    let _alone = one_at_a_time();
    Ran::of("target: etcd", "elected leader").is_right("elected leader");
}

#[test]
fn faults_on_zookeeper_wait_for_what_they_are_told() {
    let _alone = one_at_a_time();
    Ran::of("target: zookeeper\nprofile: fast", "LEADER ELECTION TOOK").is_right("LEADER ELECTION TOOK");
}
