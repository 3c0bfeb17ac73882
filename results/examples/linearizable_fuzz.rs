//! Compares the linearizability checker with its brute-force twin on as many random histories as asked for:
//!
//! ```text
//! cargo run --release -p squall-results --example linearizable_fuzz -- [histories] [seed] [most operations]
//! ```
//!
//! It prints what it compared, or a history on which the two disagree. All processors take part.

#[allow(dead_code)]
#[path = "../tests/linearizable/feed.rs"]
mod feed;
// The definition itself is too slow for so many histories.
#[allow(dead_code)]
#[path = "../tests/linearizable/twin.rs"]
mod twin;

use squall_results::checker::linearizable::{Algorithm, Course, Idea, Linearizable, Reductions};
use squall_results::checker::online::Online;
use squall_results::model::Register;
use squall_results::{Budget, Operation, Validity};
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use twin::{Random, Shape, is_linearizable_quickly, random_history};

/// So many histories come from one stream of random numbers, and are judged by one thread.
const BLOCK: u64 = 10_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut argument = |default: u64| arguments.next().and_then(Result::ok).unwrap_or(default);
    let (histories, seed, most) = (argument(1_000_000), argument(1), argument(9));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (taken, sum) = (AtomicU64::new(0), Mutex::new(Ok(Sum::default())));
    // A pool of one for each thread: a checker that hands work to its pool needs not wait for another thread.
    let work = || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        pool.install(|| {
            loop {
                let first = taken.fetch_add(BLOCK, Ordering::Relaxed);
                if first >= histories || sum.lock().expect("nobody panicked").is_err() {
                    break;
                }
                let found = compare(first..histories.min(first + BLOCK), seed, most);
                let mut sum = sum.lock().expect("nobody panicked");
                match (&mut *sum, found) {
                    (Ok(sum), Ok(found)) => sum.add(found),
                    (Ok(_), Err(disagreement)) => *sum = Err(disagreement),
                    (Err(_), _) => {}
                }
            }
        });
    };
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    match sum.into_inner().expect("nobody panicked") {
        Ok(Sum { illegal, crashed, by_zones }) => {
            println!(
                "{histories} histories agree; {illegal} of them are illegal, {crashed} have crashed operations, zones \
                 decided {by_zones}"
            );
            ExitCode::SUCCESS
        }
        Err(disagreement) => {
            println!("{disagreement}");
            ExitCode::FAILURE
        }
    }
}

/// What was compared.
#[derive(Default)]
struct Sum {
    illegal: u64,
    crashed: u64,
    by_zones: u64,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.illegal += other.illegal;
        self.crashed += other.crashed;
        self.by_zones += other.by_zones;
    }
}

/// Compares the histories of these numbers, which follow from `seed` and the first number; an error is a disagreement.
fn compare(numbers: Range<u64>, seed: u64, most: u64) -> Result<Sum, String> {
    let mut random = Random(Random(seed.wrapping_add(numbers.start)).below(u64::MAX));
    let (budget, mut sum) = (Budget::default(), Sum::default());
    for number in numbers {
        let operations = random_history(&mut random, Shape::by_turns(number, most));
        let expected = if is_linearizable_quickly(&operations) { Validity::Valid } else { Validity::Invalid };
        let of_key: Vec<&Operation> = operations.iter().collect();
        for Asked { checker, name, algorithms } in courses(number) {
            let (found, by) = checker.check_key_by(&of_key, &budget);
            if found != expected || !algorithms.contains(&by) {
                return Err(format!(
                    "history {number}: {found} by {by:?} with {name}, the twin says {expected}:\n{operations:#?}"
                ));
            }
            sum.by_zones += u64::from(by == Algorithm::Zones);
        }
        // Every other history also event by event, which takes longer.
        if number.is_multiple_of(2) {
            let course = [Course::Automatic, Course::RegisterExactly, Course::Automatic, Course::Search];
            let checker = Linearizable::with_course(Register, course[(number / 2 % 4) as usize]);
            let online = Online::with_spare(&checker, budget.clone(), (number / 8 % 3) as usize);
            let events = feed::events(&operations, &mut random);
            let found = feed::verdict_alone(online, &events, &operations);
            if found.validity != expected {
                return Err(format!("history {number}: {} online: {}\n{operations:#?}", found.validity, found.reason));
            }
        }
        sum.illegal += u64::from(expected == Validity::Invalid);
        sum.crashed += u64::from(operations.iter().any(|operation| operation.outcome.is_unknown()));
    }
    Ok(sum)
}

/// One way to ask the checker, and who may answer.
struct Asked {
    checker: Linearizable<Register>,
    name: String,
    algorithms: &'static [Algorithm],
}

impl Asked {
    fn by(course: Course, algorithms: &'static [Algorithm]) -> Asked {
        Asked { checker: Linearizable::with_course(Register, course), name: format!("{course:?}"), algorithms }
    }
}

/// The courses to compare.
fn courses(number: u64) -> Vec<Asked> {
    let mut courses = vec![
        Asked::by(Course::Automatic, &[Algorithm::Zones, Algorithm::Register]),
        Asked::by(Course::Register, &[Algorithm::Register]),
        Asked::by(Course::RegisterExactly, &[Algorithm::Register]),
    ];
    let idea = Idea::ALL[number as usize % Idea::ALL.len()];
    courses.push(Asked::by(Course::RegisterWithout(idea), &[Algorithm::Register]));
    if number.is_multiple_of(4) {
        let bits = number / 4 % 64;
        let reductions = Reductions {
            observers_at_once: bits & 1 == 1,
            twins: bits & 2 == 2,
            dominance: bits & 4 == 4,
            unobserved: bits & 8 == 8,
            commuting: bits & 16 == 16,
            depth_first: bits & 32 == 32,
        };
        let checker = Linearizable::with_reductions(Register, reductions);
        courses.push(Asked { checker, name: format!("{reductions:?}"), algorithms: &[Algorithm::Search] });
    }
    courses
}
