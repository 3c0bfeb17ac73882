//! Generators one after the other, with a barrier between them.

use super::{Context, Generator, Happened, Next};
use std::collections::VecDeque;

/// Each generator begins when the one before has ended and all of its calls have returned.
#[derive(Clone)]
pub struct Phases {
    parts: VecDeque<Box<dyn Generator>>,
    open: usize,
}

impl Phases {
    /// `parts`, one after the other.
    pub fn new(parts: Vec<Box<dyn Generator>>) -> Phases {
        Phases { parts: parts.into(), open: 0 }
    }
}

impl Generator for Phases {
    fn next(&mut self, context: &Context) -> Next {
        while let Some(part) = self.parts.front_mut() {
            match part.next(context) {
                Next::Done if self.open > 0 => return Next::Wait(None),
                Next::Done => {
                    self.parts.pop_front();
                }
                next => return next,
            }
        }
        Next::Done
    }

    fn update(&mut self, happened: &Happened) {
        match happened {
            Happened::Invoked { .. } => self.open += 1,
            Happened::Returned { .. } => self.open -= 1,
        }
        if let Some(part) = self.parts.front_mut() {
            part.update(happened);
        }
    }
}
