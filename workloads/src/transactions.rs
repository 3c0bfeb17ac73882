//! Transactions over several objects: `append` on lists, `wr` on registers.
//!
//! A few objects are in use at a time, some more often than others; each retires after so many changes, and a new one takes
//! its place, so that transactions meet and no list grows long. What each read finds tells which changes came before it, and
//! cycles of such dependencies tell which isolation was broken (Kingsbury and Alvaro, *Elle*, 2020).

mod append;
mod window;
mod wr;

pub use append::APPEND;
pub use wr::WR;

use crate::generator::{Context, FreeWorker, Generator, Happened, Invocation, Next};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use squall_results::isolation::{Base, Level, Order};
use squall_results::{Call, Promise};
use std::ops::RangeInclusive;
use window::Window;

/// How many steps a transaction has.
const STEPS: RangeInclusive<usize> = 1..=4;

/// The fewest successful transactions for a verdict to mean something.
const SUCCESSES_MIN: usize = 20;

/// The isolation level that a target promises for transactions, by its promise for single operations: linearizability of
/// transactions is strict serializability; where each process sees one order of all changes, perhaps late, that is
/// strong session serializability.
fn level(promise: Promise) -> Level {
    match promise {
        Promise::Linearizable => Level::STRICT_SERIALIZABLE,
        Promise::Sequential => Level { base: Base::Serializable, order: Order::Session },
    }
}

/// Transactions without end.
#[derive(Clone)]
struct Transactions {
    nodes: usize,
    rng: ChaCha8Rng,
    window: Window,
    draw: fn(&mut Window, &mut ChaCha8Rng, bool) -> Call,
}

impl Generator for Transactions {
    fn next(&mut self, context: &Context) -> Next {
        if context.free.is_empty() {
            return Next::Wait(None);
        }
        let FreeWorker { worker, .. } = context.free[self.rng.random_range(0..context.free.len())];
        // Workers come in rounds over the nodes: those of every other round only read.
        let only_reads = (worker / self.nodes) % 2 == 1;
        let call = (self.draw)(&mut self.window, &mut self.rng, only_reads);
        Next::Invoke(Invocation { worker, due_ns: context.now_ns, call })
    }

    fn update(&mut self, _happened: &Happened) {}
}
