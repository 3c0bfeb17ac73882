//! Compares the rules for queues, counters, texts, locks and versions, and the search, with a brute-force twin on as many random histories
//! as asked for:
//!
//! ```text
//! cargo run --release -p squall-results --example special_fuzz -- [histories] [seed] [most operations]
//! ```
//!
//! It prints what it compared; it panics on the first history on which two disagree.

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
#[path = "../tests/models/special.rs"]
#[allow(dead_code, unused_imports)]
mod special;
#[path = "../tests/models/twin.rs"]
mod twin;

use courses::Random;
use random::{Asked, Shape};
use squall_results::checker::linearizable::Algorithm;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut argument = |default: u64| arguments.next().and_then(Result::ok).unwrap_or(default);
    let (histories, seed, most) = (argument(1_000_000), argument(1), argument(9));
    let mut random = Random(seed);
    let objects = [
        Asked::Fifo,
        Asked::Unordered,
        Asked::Counter,
        Asked::Text,
        Asked::Repeated,
        Asked::Store,
        Asked::Registers,
        Asked::Mutex,
        Asked::Owner,
        Asked::Fenced,
        Asked::Versioned,
    ];
    let each = histories / objects.len() as u64;
    for object in objects {
        let (mut legal, mut searched) = (0, 0);
        for number in 0..each {
            let most = if object == Asked::Versioned { most.min(7) } else { most };
            let (is_legal, by) = special::compare(&mut random, Shape::by_turns(object, number, most));
            legal += u64::from(is_legal);
            searched += u64::from(by == Algorithm::Search);
        }
        println!("{object:?}: {each} histories agree; {legal} are legal, the search decided {searched}");
    }
}
