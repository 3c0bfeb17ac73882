//! Ends a generator after a number of calls or after a time.

use super::{Context, Generator, Happened, Next};

/// The first `left` calls of a generator.
#[derive(Clone)]
pub struct Limit<G> {
    left: usize,
    inner: G,
}

impl<G: Generator> Limit<G> {
    /// The first `calls` calls of `inner`.
    pub fn new(calls: usize, inner: G) -> Limit<G> {
        Limit { left: calls, inner }
    }
}

impl<G: Generator + Clone + 'static> Generator for Limit<G> {
    fn next(&mut self, context: &Context) -> Next {
        if self.left == 0 {
            return Next::Done;
        }
        let next = self.inner.next(context);
        if matches!(next, Next::Invoke(_)) {
            self.left -= 1;
        }
        next
    }

    fn update(&mut self, happened: &Happened) {
        self.inner.update(happened);
    }
}

/// A generator for some time, counted from when it is first asked.
#[derive(Clone)]
pub struct TimeLimit<G> {
    limit_ns: u64,
    end_ns: Option<u64>,
    inner: G,
}

impl<G: Generator> TimeLimit<G> {
    /// `inner` for `limit_ns` nanoseconds from when it is first asked.
    pub fn new(limit_ns: u64, inner: G) -> TimeLimit<G> {
        TimeLimit { limit_ns, end_ns: None, inner }
    }
}

impl<G: Generator + Clone + 'static> Generator for TimeLimit<G> {
    fn next(&mut self, context: &Context) -> Next {
        let end_ns = *self.end_ns.get_or_insert(context.now_ns.saturating_add(self.limit_ns));
        if context.now_ns >= end_ns {
            return Next::Done;
        }
        match self.inner.next(context) {
            Next::Wait(until) => Next::Wait(super::earlier(until, Some(end_ns))),
            next => next,
        }
    }

    fn update(&mut self, happened: &Happened) {
        self.inner.update(happened);
    }
}
