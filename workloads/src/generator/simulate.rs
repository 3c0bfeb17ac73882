//! Runs a generator without a clock, a target or a network: for tests, and to see what a plan would do.

use super::{Context, FreeWorker, Generator, Happened, Next};
use squall_results::{Call, Outcome};

/// One call of a simulated run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// When it was made.
    pub at_ns: u64,
    /// When the schedule wanted it.
    pub due_ns: u64,
    /// When it came back.
    pub returned_ns: u64,
    /// The worker.
    pub worker: usize,
    /// Its process.
    pub process: u64,
    /// The call.
    pub call: Call,
    /// How it ended.
    pub outcome: Outcome,
}

/// Runs `generator` on `workers` workers spread over `nodes` nodes until it ends, or `until_ns`. `answer` says how long a
/// call takes and how it ends. A process retires when its call's outcome is unknown.
pub fn simulate(
    generator: &mut dyn Generator,
    workers: usize,
    nodes: usize,
    until_ns: u64,
    mut answer: impl FnMut(&Call, u64) -> (u64, Outcome),
) -> Vec<Simulated> {
    let mut free: Vec<FreeWorker> =
        (0..workers).map(|worker| FreeWorker { worker, process: worker as u64, node: worker % nodes }).collect();
    let mut unused_process = workers as u64;
    let mut open: Vec<(FreeWorker, Simulated)> = Vec::new();
    let mut done: Vec<Simulated> = Vec::new();
    let mut now_ns = 0;
    while now_ns < until_ns {
        let wake_ns = match generator.next(&Context { now_ns, free: &free }) {
            Next::Invoke(invocation) => {
                let position = free.iter().position(|free| free.worker == invocation.worker);
                let worker = free.remove(position.expect("a generator must only use free workers"));
                let (takes_ns, outcome) = answer(&invocation.call, now_ns);
                let (process, call) = (worker.process, &invocation.call);
                generator.update(&Happened::Invoked { worker: worker.worker, process, call });
                let simulated = Simulated {
                    at_ns: now_ns,
                    due_ns: invocation.due_ns,
                    returned_ns: now_ns + takes_ns,
                    worker: worker.worker,
                    process,
                    call: invocation.call,
                    outcome,
                };
                open.push((worker, simulated));
                continue;
            }
            Next::Wait(until) => until,
            Next::Done if open.is_empty() => break,
            Next::Done => None,
        };
        let returns_ns = open.iter().map(|(_, call)| call.returned_ns).min();
        let Some(next_ns) = super::earlier(wake_ns, returns_ns) else { break };
        now_ns = now_ns.max(next_ns);
        while let Some(position) = open.iter().position(|(_, call)| call.returned_ns <= now_ns) {
            let (mut worker, call) = open.remove(position);
            let (process, outcome) = (worker.process, &call.outcome);
            generator.update(&Happened::Returned { worker: worker.worker, process, call: &call.call, outcome });
            if outcome.is_unknown() {
                worker.process = unused_process;
                unused_process += 1;
            }
            let place = free.partition_point(|free| free.worker < worker.worker);
            free.insert(place, worker);
            done.push(call);
        }
    }
    done
}
