//! Several generators at once, drawn by weight.

use super::{Context, Generator, Happened, Next, earlier};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Each call comes from one of several generators, drawn by weight. Ends when all have ended.
#[derive(Clone)]
pub struct Mix {
    parts: Vec<(u32, Box<dyn Generator>)>,
    rng: ChaCha8Rng,
}

impl Mix {
    /// A mix of `parts`, each with its weight; a weight of 0 never calls.
    pub fn new(rng: ChaCha8Rng, parts: Vec<(u32, Box<dyn Generator>)>) -> Mix {
        Mix { parts: parts.into_iter().filter(|(weight, _)| *weight > 0).collect(), rng }
    }

    /// The parts in a random order in which a part comes first in proportion to its weight.
    fn draw(&mut self) -> usize {
        let total: u32 = self.parts.iter().map(|(weight, _)| weight).sum();
        let mut ticket = self.rng.random_range(0..total);
        for (position, (weight, _)) in self.parts.iter().enumerate() {
            match ticket.checked_sub(*weight) {
                Some(left) => ticket = left,
                None => return position,
            }
        }
        unreachable!("the ticket is below the sum of the weights")
    }
}

impl Generator for Mix {
    fn next(&mut self, context: &Context) -> Next {
        if context.free.is_empty() && !self.parts.is_empty() {
            return Next::Wait(None);
        }
        let mut wait = None;
        let mut waiting: Vec<bool> = vec![false; self.parts.len()];
        while waiting.iter().any(|waits| !waits) {
            let position = self.draw();
            if waiting[position] {
                continue;
            }
            match self.parts[position].1.next(context) {
                Next::Invoke(invocation) => return Next::Invoke(invocation),
                Next::Wait(until) => {
                    wait = earlier(wait, until);
                    waiting[position] = true;
                }
                Next::Done => {
                    self.parts.remove(position);
                    waiting.remove(position);
                }
            }
        }
        if self.parts.is_empty() { Next::Done } else { Next::Wait(wait) }
    }

    fn update(&mut self, happened: &Happened) {
        self.parts.iter_mut().for_each(|(_, part)| part.update(happened));
    }
}
