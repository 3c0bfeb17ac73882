//! Who watches: one that goes on where it left off, at the same member or another, whatever becomes of them.
//!
//! What it does is drawn from a stream of its own, so that runs are what they would be without it.

use crate::time::{MS, Micros};
use raftd::node::{Compacted, Told};
use raftd::types::Index;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The stream of the seed that it draws from.
const STREAM: u64 = 2;

/// One watcher.
#[derive(Debug)]
pub struct Watcher {
    rng: ChaCha8Rng,
    /// The member that it asks, from 0.
    pub member: usize,
    /// Everything up to here it was told of.
    pub seen: Index,
}

impl Watcher {
    /// The watcher of the run with this seed.
    pub fn new(seed: u64) -> Watcher {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(STREAM);
        Watcher { rng, member: 0, seen: 0 }
    }

    /// After how long it asks, and which of so many members then: mostly the same as before.
    pub fn next(&mut self, members: usize) -> Micros {
        if self.rng.random_bool(0.1) {
            self.member = self.rng.random_range(0..members);
        }
        self.rng.random_range(5 * MS..150 * MS)
    }

    /// What it asked for was told, or is gone: then it looks at the state anew, which is as of the oldest revision that is left.
    pub fn told(&mut self, told: &Result<Told, Compacted>) {
        self.seen = match told {
            Ok(told) => told.up_to,
            Err(Compacted { oldest }) => oldest - 1,
        };
    }
}
