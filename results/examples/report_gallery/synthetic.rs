//! Runs that never took place, made from a seed.

pub mod anomalies;

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Call, Reply};
use squall_results::event::{End, Ending, FORMAT, Measured, Phase, PhaseName, Sample, Start};
use squall_results::history::FaultSpan;
use squall_results::report::LogLine;
use squall_results::{History, Operation, Outcome, Promise};

const SECOND_NS: u64 = 1_000_000_000;
const RECOVERY_NS: u64 = 2 * SECOND_NS;

/// What to make up.
#[derive(Debug, Clone)]
pub struct Story {
    nodes: Vec<String>,
    seconds: u64,
    processes: u64,
    operations: usize,
    faults: u32,
    dead: bool,
}

impl Story {
    pub fn new(nodes: &[&str]) -> Story {
        let nodes = nodes.iter().map(|node| (*node).to_owned()).collect();
        Story { nodes, seconds: 10, processes: 9, operations: 0, faults: 0, dead: false }
    }

    pub fn seconds(self, seconds: u64) -> Story {
        Story { seconds, ..self }
    }

    pub fn processes(self, processes: u64) -> Story {
        Story { processes, ..self }
    }

    pub fn operations(self, operations: usize) -> Story {
        Story { operations, ..self }
    }

    pub fn faults(self, faults: u32) -> Story {
        Story { faults, ..self }
    }

    /// Nothing ever answers.
    pub fn dead(self) -> Story {
        Story { dead: true, ..self }
    }

    pub fn run(&self) -> History {
        let mut random = ChaCha8Rng::seed_from_u64(8_812_734);
        let storm_ns = self.seconds * SECOND_NS;
        let faults = self.make_faults(&mut random, storm_ns);
        let samples = self.make_samples(&faults, storm_ns);
        let operations = self.make_operations(&mut random, &faults, storm_ns);
        let phase = |at_ns, name| Phase { at_ns, name };
        History {
            facts: Default::default(),
            start: Some(Start {
                format: FORMAT,
                squall: "0.1.0".into(),
                target: "etcd".into(),
                workload: "register".into(),
                promise: Promise::Linearizable,
                beside: None,
                bounds: None,
                read: None,
                nodes: self.nodes.clone(),
                seed: 8_812_734,
                unix_ms: 1_795_215_505_123,
            }),
            operations,
            faults,
            samples,
            phases: vec![
                phase(0, PhaseName::Storm),
                phase(storm_ns, PhaseName::Recovery),
                phase(storm_ns + RECOVERY_NS / 2, PhaseName::FinalReads),
            ],
            end: Some(End { at_ns: storm_ns + RECOVERY_NS, how: Ending::Completed }),
            notes: Vec::new(),
        }
    }

    fn make_faults(&self, random: &mut impl Rng, storm_ns: u64) -> Vec<FaultSpan> {
        let step_ns = storm_ns / u64::from(self.faults.max(1));
        let fault = |id: u32| {
            let node = self.nodes[(id as usize / 3) % self.nodes.len()].clone();
            let injected_ns = u64::from(id) * step_ns + step_ns / 4;
            let lasts_ns = step_ns / 10 * random.random_range(3..9);
            let (family, what, selector, shown, gone) = match id % 4 {
                0 => (
                    "partition",
                    format!("isolate {node} from the rest"),
                    "leader",
                    "6 of 6 probes lost",
                    "6 of 6 probes arrived; 214 packets were dropped",
                ),
                1 => {
                    ("kill", format!("kill {node} with SIGKILL"), "one", "process 4711 is gone", "process 4802 answers")
                }
                2 => (
                    "pause",
                    format!("stop {node} with SIGSTOP"),
                    "one",
                    "12 of 12 threads in state T",
                    "no thread in state T",
                ),
                _ => (
                    "clock-skew",
                    format!("set the clock of {node} 57 s ahead"),
                    "minority",
                    "measured +57.002 s",
                    "measured +0.000 s",
                ),
            };
            let works = id % 7 != 4;
            FaultSpan {
                id,
                family: family.into(),
                what,
                selector: selector.into(),
                nodes: vec![node],
                links: Vec::new(),
                injected_ns,
                in_force: works.then(|| (injected_ns + random.random_range(3_000_000..40_000_000), shown.to_owned())),
                heal_ns: Some(injected_ns + lasts_ns),
                healed: works.then(|| (injected_ns + lasts_ns + 11_000_000, gone.to_owned())),
                problem: (!works).then(|| "the process had ended before the signal was sent".to_owned()),
            }
        };
        (0..self.faults).map(fault).collect()
    }

    fn make_samples(&self, faults: &[FaultSpan], storm_ns: u64) -> Vec<Sample> {
        let (mut leader, mut term) = (0, 2);
        let mut samples = Vec::new();
        for at_ns in (0..storm_ns + RECOVERY_NS).step_by(100_000_000) {
            let struck =
                |node: &String| faults.iter().any(|fault| felt(fault, node, at_ns.saturating_sub(300_000_000).max(1)));
            if struck(&self.nodes[leader]) {
                leader = (leader + 1) % self.nodes.len();
                term += 1;
            }
            for node in &self.nodes {
                let measured = if self.dead || faults.iter().any(|fault| felt(fault, node, at_ns)) {
                    Measured::Silent
                } else {
                    Measured::Leader { leader: Some(self.nodes[leader].clone()), term }
                };
                samples.push(Sample { at_ns, node: node.clone(), measured });
            }
        }
        samples
    }

    fn make_operations(&self, random: &mut impl Rng, faults: &[FaultSpan], storm_ns: u64) -> Vec<Operation> {
        let wanted = if self.operations == 0 { self.seconds as usize * 180 } else { self.operations };
        let gap_ns = storm_ns / (wanted as u64 / self.processes).max(1);
        let mut operations = Vec::new();
        let (mut values, mut retired) = ([None; 8], self.processes);
        for client in 0..self.processes {
            let node = &self.nodes[(client % self.nodes.len() as u64) as usize];
            let (mut process, mut due_ns) = (client, gap_ns * client / self.processes);
            let mut free_ns = 0;
            while due_ns < storm_ns {
                let invoked_ns = due_ns.max(free_ns) + random.random_range(2_000..60_000);
                let struck = self.dead || faults.iter().any(|fault| felt(fault, node, invoked_ns));
                let (took_ns, outcome, call) = make_call(random, &mut values, struck, self.dead);
                free_ns = invoked_ns + took_ns;
                let returned_ns = (!outcome.is_unknown() || random.random_bool(0.8)).then_some(free_ns);
                let retires = outcome.is_unknown();
                operations.push(Operation {
                    id: 0,
                    process,
                    node: node.clone(),
                    call,
                    due_ns,
                    invoked_ns,
                    returned_ns,
                    outcome,
                });
                if retires {
                    process = retired;
                    retired += 1;
                }
                due_ns += gap_ns;
            }
        }
        for (index, node) in self.nodes.iter().enumerate().filter(|_| !self.dead) {
            let due_ns = storm_ns + RECOVERY_NS / 2 + 3_000_000 + index as u64 * 2_000_000;
            let outcome = Outcome::Ok(Reply::Read { value: values[0], version: None });
            let (process, returned_ns) = (retired + index as u64, Some(due_ns + 1_400_000));
            let call = Call::Read { key: 0 };
            let (node, invoked_ns) = (node.clone(), due_ns + 9_000);
            operations.push(Operation { id: 0, process, node, call, due_ns, invoked_ns, returned_ns, outcome });
        }
        operations.sort_by_key(|operation| operation.invoked_ns);
        (0..).zip(&mut operations).for_each(|(id, operation)| operation.id = id);
        operations
    }
}

fn felt(fault: &FaultSpan, node: &str, at_ns: u64) -> bool {
    let shown =
        fault.in_force.as_ref().is_some_and(|(from_ns, _)| (*from_ns..fault.until_ns(u64::MAX)).contains(&at_ns));
    shown && fault.family != "clock-skew" && fault.nodes.iter().any(|other| other == node)
}

fn make_call(random: &mut impl Rng, values: &mut [Option<i64>; 8], struck: bool, dead: bool) -> (u64, Outcome, Call) {
    let key = random.random_range(0..8);
    let value = random.random_range(0..100);
    let held = values[key];
    let usual_ns = 900_000.0 * (1.0 + 3.0 * random.random::<f64>().powi(6)) * (0.6 + random.random::<f64>());
    let call = match random.random_range(0..10) {
        0..6 => Call::Read { key: key as u64 },
        6..9 => Call::Write { key: key as u64, value },
        _ => Call::Cas {
            key: key as u64,
            expect: if random.random_bool(0.5) { held } else { Some(value) },
            value: value + 1,
        },
    };
    let outcome = match (&call, struck, random.random_range(0..10)) {
        (_, true, 0..4) => Outcome::Fail("connection refused".into()),
        (_, true, 4..7) if !dead => Outcome::Unknown("timed out after 1 s".into()),
        (_, true, _) if dead => Outcome::Fail("connection refused".into()),
        (Call::Read { .. }, ..) => Outcome::Ok(Reply::Read { value: held, version: None }),
        (Call::Write { .. }, ..) => Outcome::Ok(Reply::Written { version: None }),
        (Call::Cas { expect, .. }, ..) if *expect == held => Outcome::Ok(Reply::Written { version: None }),
        _ => Outcome::Ok(Reply::NotEqual),
    };
    if let (Call::Write { value, .. } | Call::Cas { value, .. }, Outcome::Ok(Reply::Written { .. })) = (&call, &outcome)
    {
        values[key] = Some(*value);
    }
    let took_ns = match &outcome {
        Outcome::Unknown(_) => 1_000_000_000,
        Outcome::Fail(_) => 150_000 + (usual_ns / 10.0) as u64,
        Outcome::Ok(_) if struck => (usual_ns * random.random_range(20.0..400.0)) as u64,
        Outcome::Ok(_) => usual_ns as u64,
    };
    (took_ns, outcome, call)
}

/// Lines as etcd might write them.
pub fn logs(history: &History) -> Vec<LogLine> {
    let changes = history.leader_changes();
    let elections = changes.iter().flat_map(|(at_ns, leader, term)| {
        let line = |after_ns: u64, node: &str, text: String| LogLine {
            node: node.to_owned(),
            at_ns: Some(at_ns + after_ns),
            text,
        };
        [
            line(
                0,
                leader,
                format!("raft2026/11/20 22:58:25 INFO: {leader} is starting a new election at term {}", term - 1),
            ),
            line(
                2_000_000,
                leader,
                format!("raft2026/11/20 22:58:25 INFO: {leader} became leader at term {term} <quorum 2 & 3>"),
            ),
        ]
    });
    let every_100_ms = history.samples.iter().map(|sample| LogLine {
        node: sample.node.clone(),
        at_ns: Some(sample.at_ns),
        text: format!("{{\"level\":\"info\",\"caller\":\"wal/wal.go\",\"msg\":\"{:?}\"}}", sample.measured),
    });
    elections.chain(every_100_ms).collect()
}
