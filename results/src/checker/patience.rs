//! The time of a budget, for checkers that pass over a history once and hold little.

use crate::checker::Budget;
use std::time::Instant;

/// How long a checker may go on.
pub(super) struct Patience<'a> {
    budget: &'a Budget,
    deadline: Option<Instant>,
}

impl<'a> Patience<'a> {
    /// From now on.
    pub fn new(budget: &'a Budget) -> Patience<'a> {
        Patience { budget, deadline: Instant::now().checked_add(budget.time) }
    }

    /// Why it has come to an end, if it has.
    pub fn ended(&self) -> Option<&'static str> {
        if self.budget.is_cancelled() {
            return Some("it was cancelled");
        }
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline).then_some("the time was used up")
    }
}
