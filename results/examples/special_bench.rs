//! Measures the processor time that queues, counters, texts and locks take:
//!
//! ```text
//! cargo run --release -p squall-results --example special_bench -- [--search] [--time-limit SECONDS]
//!     OBJECT OPERATIONS CLIENTS CRASHED_PERCENT ok|bad SEED ...
//! ```
//!
//! Every six words are a history; objects are `fifo`, `unordered`, `counter`, `text`, `mutex` and `fenced`. With `--search` the
//! search has to decide. In a bad history two answers near the end have changed places.

// The tests use more of these than this program.
#[path = "../tests/workloads/random.rs"]
#[allow(dead_code)]
mod courses;
#[path = "../tests/models/history.rs"]
#[allow(dead_code)]
mod history;
#[path = "../tests/models/random.rs"]
#[allow(dead_code)]
mod random;

use courses::{Planned, Random, by_invocation, plan};
use random::{Asked, Object, Shape, answer, call};
use squall_results::call::{Call, Reply};
use squall_results::checker::linearizable::{Algorithm, Course, Linearizable};
use squall_results::model::{Counter, FencedLock, FifoQueue, Kv, Mutex, OwnedCall, UnorderedQueue};
use squall_results::{Budget, Model, Operation, Outcome, Validity};
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let searches = words.iter().any(|word| word == "--search");
    words.retain(|word| word != "--search");
    let mut time_s = 60;
    if let Some(at) = words.iter().position(|word| word == "--time-limit").filter(|at| at + 1 < words.len()) {
        time_s = words.drain(at..at + 2).nth(1).and_then(|limit| limit.parse().ok()).unwrap_or(time_s);
    }
    let course = if searches { Course::Search } else { Course::Automatic };
    let budget = Budget { time: Duration::from_secs(time_s), memory_bytes: 4 << 30, ..Budget::default() };
    for words in words.chunks(6) {
        let Some(kind) = Kind::new(words) else {
            eprintln!("every history takes six words; see the head of the example");
            return ExitCode::FAILURE;
        };
        let operations = kind.history();
        let begun_s = used_s();
        let (validity, by) = kind.judge(&operations, course, &budget);
        println!("{} {validity:<7} {by:?} {:.3} s, peak {} MB", words.join(" "), used_s() - begun_s, peak_mb());
    }
    ExitCode::SUCCESS
}

struct Kind {
    object: Asked,
    operations: u64,
    clients: u64,
    crashed_percent: u64,
    bad: bool,
    seed: u64,
}

impl Kind {
    fn new(words: &[String]) -> Option<Kind> {
        let [object, operations, clients, crashed_percent, bad, seed] = words else { return None };
        let object = match object.as_str() {
            "fifo" => Asked::Fifo,
            "unordered" => Asked::Unordered,
            "counter" => Asked::Counter,
            "text" => Asked::Text,
            "mutex" => Asked::Mutex,
            "fenced" => Asked::Fenced,
            _ => return None,
        };
        Some(Kind {
            object,
            operations: operations.parse().ok()?,
            clients: clients.parse().ok()?,
            crashed_percent: crashed_percent.parse().ok()?,
            bad: bad == "bad",
            seed: seed.parse().ok()?,
        })
    }

    fn history(&self) -> Vec<Operation> {
        let (mut random, object) = (Random(self.seed), self.object);
        // Of a long text there are few reads, since each of them holds it all.
        let changes_percent = if object == Asked::Text { 99 } else { 50 };
        let shape = Shape { object, operations: 0, crashed_percent: self.crashed_percent, changes_percent };
        let (count, clients) = (self.operations, self.clients);
        let planned = plan(&mut random, count, clients, self.crashed_percent, |random, id| call(random, shape, id));
        let mut state = Object::default();
        let mut operations = Vec::with_capacity(planned.len());
        for Planned { mut operation, crashes, .. } in planned {
            // A lock that is taken, or free, gives no answer to who wants it so.
            let reply = answer(&mut random, object, &operation, &mut state);
            operation.outcome = match (reply, crashes) {
                (None, _) => continue,
                (Some(reply), false) => Outcome::Ok(reply),
                (Some(_), true) => Outcome::Unknown("no answer".into()),
            };
            operations.push(operation);
        }
        let mut operations = by_invocation(operations);
        if self.bad {
            spoil(&mut operations);
        }
        operations
    }

    fn judge(&self, operations: &[Operation], course: Course, budget: &Budget) -> (Validity, Algorithm) {
        match self.object {
            Asked::Fifo => judge(FifoQueue, operations, course, budget),
            Asked::Unordered => judge(UnorderedQueue, operations, course, budget),
            Asked::Counter => judge(Counter { initial: 0 }, operations, course, budget),
            Asked::Text => judge(Kv::default(), operations, course, budget),
            Asked::Mutex => judge(Mutex, operations, course, budget),
            _ => judge(FencedLock, &operations.iter().map(OwnedCall::of).collect::<Vec<_>>(), course, budget),
        }
    }
}

/// Two answers near the end change places, so that the earlier one tells of what came later.
fn spoil(operations: &mut [Operation]) {
    let asks = |operation: &Operation| {
        operation.outcome.is_ok()
            && match &operation.outcome {
                Outcome::Ok(Reply::Dequeued { element }) => element.is_some(),
                _ => matches!(operation.call, Call::Count { .. } | Call::Get { .. } | Call::Release { .. }),
            }
    };
    let from = operations.len() * 9 / 10;
    let found: Vec<usize> = (from..operations.len()).filter(|at| asks(&operations[*at])).collect();
    let [one, .., other] = found[..] else { return };
    if matches!(operations[one].call, Call::Release { .. }) {
        operations[one].call = Call::Acquire { key: 0 };
        operations[one].outcome = Outcome::Ok(Reply::Acquired { token: 0, until_ns: None });
        return;
    }
    let outcome = operations[one].outcome.clone();
    operations[one].outcome = std::mem::replace(&mut operations[other].outcome, outcome);
}

fn judge<M: Model>(
    model: M,
    operations: &[Operation<M::Call, M::Reply>],
    course: Course,
    budget: &Budget,
) -> (Validity, Algorithm) {
    let of_key: Vec<&Operation<M::Call, M::Reply>> = operations.iter().collect();
    Linearizable::with_course(model, course).check_key_by(&of_key, budget)
}

/// The processor time that this thread used; what others do on the machine does not count.
fn used_s() -> f64 {
    let used = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    used.split_whitespace().next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
