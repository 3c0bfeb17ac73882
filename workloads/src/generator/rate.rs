//! Calls at random times with a given mean rate.

use super::{Context, Generator, Happened, Next};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How far behind the schedule may fall before calls are left out: an outage must not end in a flood.
const BACKLOG_MAX_NS: u64 = 1_000_000_000;

/// Calls of a generator as a Poisson process: the gaps are exponentially distributed.
///
/// A call keeps the time at which the schedule wanted it ([`Invocation::due_ns`](super::Invocation::due_ns)), also when
/// all workers were busy then, so that latency can be measured without coordinated omission.
#[derive(Clone)]
pub struct PoissonRate<G> {
    mean_gap_ns: f64,
    due_ns: Option<u64>,
    rng: ChaCha8Rng,
    inner: G,
}

impl<G: Generator> PoissonRate<G> {
    /// Calls of `inner`, `rate_hz` a second in the mean.
    ///
    /// # Panics
    /// If `rate_hz` is not a positive number.
    pub fn new(rate_hz: f64, rng: ChaCha8Rng, inner: G) -> PoissonRate<G> {
        assert!(rate_hz.is_finite() && rate_hz > 0.0, "a rate must be a positive number, not {rate_hz}");
        PoissonRate { mean_gap_ns: 1e9 / rate_hz, due_ns: None, rng, inner }
    }

    fn gap_ns(&mut self) -> u64 {
        // 1 - u lies in (0, 1], so the logarithm is finite.
        let uniform: f64 = self.rng.random();
        (-(1.0 - uniform).ln() * self.mean_gap_ns) as u64
    }
}

impl<G: Generator + Clone + 'static> Generator for PoissonRate<G> {
    fn next(&mut self, context: &Context) -> Next {
        let due_ns = match self.due_ns {
            Some(due_ns) => due_ns.max(context.now_ns.saturating_sub(BACKLOG_MAX_NS)),
            None => context.now_ns.saturating_add(self.gap_ns()),
        };
        self.due_ns = Some(due_ns);
        if context.now_ns < due_ns {
            return Next::Wait(Some(due_ns));
        }
        let next = self.inner.next(context);
        let Next::Invoke(mut invocation) = next else { return next };
        invocation.due_ns = due_ns;
        self.due_ns = Some(due_ns.saturating_add(self.gap_ns()));
        Next::Invoke(invocation)
    }

    fn update(&mut self, happened: &Happened) {
        self.inner.update(happened);
    }
}
