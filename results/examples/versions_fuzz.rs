//! Compares the checkers `sequential` and `versions` with their brute-force twin on as many random histories as asked for:
//!
//! ```text
//! cargo run --release -p squall-results --example versions_fuzz -- [histories] [seed]
//! ```
//!
//! It stops with the first history on which they disagree.

#[path = "../tests/workloads/random.rs"]
mod random;
#[path = "../tests/workloads/twin.rs"]
mod twin;
#[allow(dead_code, unused_imports, reason = "the tests in it are not built here")]
#[path = "../tests/workloads/versioned.rs"]
mod versioned;

use random::Random;
use squall_results::checker::versions::Versions;
use squall_results::{Promise, Validity};
use std::collections::BTreeMap;
use versioned::{agrees_as_sequential, judge, random_history, shape};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut argument = |default: u64| arguments.next().and_then(Result::ok).unwrap_or(default);
    let (histories, seed) = (argument(1_000_000), argument(1));
    let mut random = Random(seed);
    let mut counts: BTreeMap<Validity, u64> = BTreeMap::new();
    for round in 0..histories {
        let shape = shape(&mut random, 1 + round % 3);
        let mut operations = random_history(&mut random, shape);
        for promise in Promise::ALL {
            let legal = versioned::twin(&operations, promise, promise == Promise::Sequential);
            let found = judge(&Versions { promise }, &operations);
            assert!(!legal || found == Validity::Valid, "versions: {found} at {promise}, but legal: {operations:#?}");
        }
        versioned::without_edits(&mut operations);
        *counts.entry(agrees_as_sequential(&operations)).or_default() += 1;
    }
    println!("{histories} histories agree; as sequential they are {counts:?}");
}
