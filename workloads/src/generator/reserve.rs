//! Some workers for one generator, some for another.

use super::{Context, Generator, Happened, Next, earlier};

/// Gives each of several generators workers of its own; the rest go to the last one. Ends when all have ended.
#[derive(Clone)]
pub struct Reserve {
    /// Each generator with the first worker that is not its own.
    parts: Vec<(usize, Box<dyn Generator>)>,
    ended: Vec<bool>,
    /// Who is asked first, in turn, so that no part starves.
    turn: usize,
}

impl Reserve {
    /// The first generator gets the first so many workers, and so on; `rest` gets the workers that are left.
    pub fn new(parts: Vec<(usize, Box<dyn Generator>)>, rest: Box<dyn Generator>) -> Reserve {
        let mut until = 0;
        let mut bounded: Vec<(usize, Box<dyn Generator>)> = parts
            .into_iter()
            .map(|(workers, part)| {
                until += workers;
                (until, part)
            })
            .collect();
        bounded.push((usize::MAX, rest));
        Reserve { ended: vec![false; bounded.len()], parts: bounded, turn: 0 }
    }

    fn from(&self, position: usize) -> usize {
        position.checked_sub(1).map_or(0, |before| self.parts[before].0)
    }
}

impl Generator for Reserve {
    fn next(&mut self, context: &Context) -> Next {
        let mut wait = None;
        self.turn = (self.turn + 1) % self.parts.len();
        for step in 0..self.parts.len() {
            let position = (self.turn + step) % self.parts.len();
            if self.ended[position] {
                continue;
            }
            let (from, until) = (self.from(position), self.parts[position].0);
            match self.parts[position].1.next(&context.only(from, until)) {
                Next::Invoke(invocation) => return Next::Invoke(invocation),
                Next::Wait(at) => wait = earlier(wait, at),
                Next::Done => self.ended[position] = true,
            }
        }
        if self.ended.iter().all(|ended| *ended) { Next::Done } else { Next::Wait(wait) }
    }

    fn update(&mut self, happened: &Happened) {
        let position = self.parts.partition_point(|(until, _)| *until <= happened.worker());
        self.parts[position].1.update(happened);
    }
}
