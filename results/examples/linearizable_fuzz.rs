//! Compares the linearizability checker with its brute-force twin on as many random histories as asked for:
//!
//! ```text
//! cargo run --release -p squall-results --example linearizable_fuzz -- [histories] [seed] [most operations]
//! ```
//!
//! It prints what it compared, and the first history on which the two disagree.

#[path = "../tests/linearizable/twin.rs"]
mod twin;

use squall_results::checker::linearizable::{Linearizable, Reductions};
use squall_results::model::Register;
use squall_results::{Budget, Operation, Validity};
use std::process::ExitCode;
use twin::{Random, Shape, is_linearizable, random_history};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut argument = |default: u64| arguments.next().and_then(Result::ok).unwrap_or(default);
    let (histories, seed, most) = (argument(1_000_000), argument(1), argument(7));
    let (mut random, budget) = (Random(seed), Budget::default());
    let (mut illegal, mut crashed) = (0, 0);
    for number in 0..histories {
        // Every other round leans on crashed operations, where the reductions are subtle.
        let crashed_percent = if number % 2 == 0 { 15 } else { 25 };
        let shape = Shape { operations: (3, most), crashed_percent, ..Shape::TINY };
        let operations = random_history(&mut random, shape);
        let expected = if is_linearizable(&operations) { Validity::Valid } else { Validity::Invalid };
        let of_key: Vec<&Operation> = operations.iter().collect();
        let bits = number / 2 % 16;
        let switched = Reductions {
            observers_at_once: bits & 1 == 1,
            twins: bits & 2 == 2,
            dominance: bits & 4 == 4,
            unobserved: bits & 8 == 8,
        };
        for reductions in [Reductions::ALL, switched] {
            let found = Linearizable::with_reductions(Register, reductions).check_key(&of_key, &budget);
            if found != expected {
                println!("history {number}: {found} with {reductions:?}, the twin says {expected}:\n{operations:#?}");
                return ExitCode::FAILURE;
            }
        }
        illegal += u64::from(expected == Validity::Invalid);
        crashed += u64::from(operations.iter().any(|operation| operation.outcome.is_unknown()));
    }
    println!("{histories} histories agree; {illegal} of them are illegal, {crashed} have crashed operations");
    ExitCode::SUCCESS
}
