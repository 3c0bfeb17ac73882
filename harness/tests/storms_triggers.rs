//! Storms whose faults wait for something, and hit whom others do not: what came, and who was hit, is measured from the history
//! and the logs. One cluster at a time.

mod common;

use common::storm::number;
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
- {at: WRITES_MSms, after: {writes: 150, within: 5s}, for: 500ms, fault: kill, select: followers}
- {at: LAST_MSms, for: 500ms, fault: pause, select: last}
- {at: LOG_MSms, after: {LINE, within: LOG_WITHIN}, for: 500ms, fault: pause, select: one}
- {at: KILL_MSms, for: 500ms, fault: kill, select: leader}
- {at: 2s, after: {log: nobody logs this, node: n1, within: 700ms}, for: 200ms, fault: kill, select: one}
";

/// A target, and when what is to happen to it, so that it serves again in between.
struct Case {
    target: &'static str,
    /// What its servers log when they elect.
    elected: &'static str,
    /// How such a line is waited for.
    line: &'static str,
    /// From when on writes are counted, when followers are paused, and from when on the log is read.
    at_ms: [u64; 3],
    /// For how long, and the end of the storm.
    log_within: &'static str,
    time_limit: &'static str,
}

/// The time for those that elect within a second.
const SOON_MS: [u64; 3] = [5_000, 9_500, 12_000];

/// A run of the schedule.
struct Ran {
    case: Case,
    squall: Squall,
    history: History,
    storm_ns: u64,
}

impl Ran {
    fn of(case: Case) -> Ran {
        let squall = Squall::new();
        let [writes_ms, last_ms, log_ms] = case.at_ms;
        let mut schedule = SCHEDULE.replace("LINE", case.line).replace("LOG_WITHIN", case.log_within);
        let instants = [("WRITES_MS", writes_ms), ("LAST_MS", last_ms), ("LOG_MS", log_ms), ("KILL_MS", log_ms + 500)];
        for (name, at_ms) in instants {
            schedule = schedule.replace(name, &at_ms.to_string());
        }
        let plan = format!("{}\ntime_limit: {}{schedule}", case.target, case.time_limit);
        let plan = squall.file("plan.yaml", &plan);
        squall.run(&["test", "--plan", &plan]).expect(0);
        assert_eq!(leftovers(&squall), Vec::<String>::new());
        let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
        let storm_ns = history.phase_ns(PhaseName::Storm).unwrap();
        Ran { case, squall, history, storm_ns }
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

    fn is_right(&self) {
        for id in 0..6 {
            let fault = self.fault(id);
            assert!(fault.in_force.is_some() && fault.healed.is_some() && fault.problem.is_none(), "{fault:?}");
        }
        self.leader_change_came();
        self.writes_came();
        self.line_came();
        let last = self.fault(3);
        assert_eq!(last.nodes, self.fault(2).nodes, "{last:?}");
        let never = self.fault(6);
        let expected =
            "its trigger never came: there was no line with `nobody logs this` in the log of n1 within 700ms";
        assert_eq!((never.in_force.is_none(), never.problem.as_deref()), (true, Some(expected)));
        assert!((2_700..5_000).contains(&self.at_ms(6)), "{} ms", self.at_ms(6));
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
        let armed_ns = self.storm_ns + self.case.at_ms[0] * MS;
        let written = self.history.operations.iter().filter(|operation| {
            matches!(operation.outcome.reply(), Some(Reply::Written { .. }))
                && operation.returned_ns.is_some_and(|at_ns| (armed_ns..fault.injected_ns).contains(&at_ns))
        });
        let count = written.count();
        assert!((150..250).contains(&count), "{count} writes: {fault:?}");
        let (_, told) = fault.what.split_once(", after ").unwrap_or_default();
        assert!((150..250).contains(&number(told, " ")), "{fault:?}");
        let leader = self.leader_before(fault.injected_ns);
        assert!(fault.nodes.len() == 2 && !fault.nodes.iter().any(|node| node == leader), "{leader}: {fault:?}");
    }

    /// A log has the line, stamped when it was waited for.
    fn line_came(&self) {
        let (elected, fault) = (self.case.elected, self.fault(4));
        let (_, told) = fault.what.split_once(", after ").unwrap_or_default();
        let (node, line) = told.split_once(" logged `").unwrap_or_else(|| panic!("{fault:?}"));
        assert!(line.contains(elected), "{fault:?}");
        let folder = fs::read_dir(self.squall.latest().join("nodes").join(node)).unwrap();
        let logs = folder.map(|entry| entry.unwrap().path());
        let mut stamped = logs.filter(|path| path.to_string_lossy().ends_with(".stamped.log"));
        let text = fs::read_to_string(stamped.next().expect("a stamped log")).unwrap();
        let stamps = text.lines().filter(|line| line.contains(elected)).filter_map(|line| line.split(' ').next());
        let at_ms = |stamp: &str| (stamp.parse::<f64>().unwrap() * 1e3) as u64;
        // Who stamps may come later than who watches.
        let waited_ms = self.storm_ns / MS + self.case.at_ms[2]..fault.healed.as_ref().unwrap().0 / MS;
        assert!(stamps.map(at_ms).any(|at_ms| waited_ms.contains(&at_ms)), "within {waited_ms:?}: {text}");
    }
}

#[test]
fn faults_on_raft_wait_for_what_they_are_told() {
    let _alone = one_at_a_time();
    let (target, elected, line) = ("target: raft", "elected leader", "log: elected leader");
    Ran::of(Case { target, elected, line, at_ms: SOON_MS, log_within: "5s", time_limit: "18s" }).is_right();
}

#[test]
fn faults_on_etcd_wait_for_what_they_are_told() {
    let _alone = one_at_a_time();
    let (target, elected) = ("target: etcd\nprofile: fast", "elected leader");
    let line = "log_regex: 'elected leader [0-9a-f]{6,} at term [0-9]+'";
    Ran::of(Case { target, elected, line, at_ms: SOON_MS, log_within: "5s", time_limit: "18s" }).is_right();
}

#[test]
fn faults_on_zookeeper_wait_for_what_they_are_told() {
    let _alone = one_at_a_time();
    let (target, elected) = ("target: zookeeper\nprofile: fast", "LEADER ELECTION TOOK");
    let line = "log_regex: 'LEADER ELECTION TOOK'";
    Ran::of(Case { target, elected, line, at_ms: [10_000, 20_000, 22_000], log_within: "8s", time_limit: "31s" })
        .is_right();
}
