//! A time-out that counts the time in which this process runs.

use std::time::{Duration, Instant};

/// How often the time is looked at. A pause of the process falls between two looks and costs no more than two of them.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What is left of a call's time. Time in which the process is stopped does not count: a holder that was paused goes on and
/// does what it was about to do, as it does in the field. No timer that reads a clock could tell the two apart.
pub(super) struct RunningTime {
    left: Duration,
}

impl RunningTime {
    /// So much.
    pub fn of(left: Duration) -> RunningTime {
        RunningTime { left }
    }

    /// Does `work`; `None`: the time was over before its end, and it was given up.
    pub async fn spend<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::pin!(work);
        loop {
            let begin = Instant::now();
            let done = tokio::select! {
                biased;
                done = &mut work => Some(done),
                () = tokio::time::sleep(LOOK_EVERY) => None,
            };
            self.left = self.left.saturating_sub(begin.elapsed().min(2 * LOOK_EVERY));
            if done.is_some() || self.left.is_zero() {
                return done;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_time_is_shared_by_all_that_is_done_in_it() {
        let mut time = RunningTime::of(Duration::from_millis(60));
        let sleep = || tokio::time::sleep(Duration::from_millis(40));
        assert!(time.spend(sleep()).await.is_some());
        assert!(time.spend(sleep()).await.is_none());
    }

    #[tokio::test]
    async fn a_pause_costs_two_looks_at_most() {
        let mut time = RunningTime::of(Duration::from_millis(60));
        // Nothing of this thread goes on meanwhile, as in a process that is stopped.
        let paused = async { std::thread::sleep(Duration::from_millis(200)) };
        assert!(time.spend(paused).await.is_some());
        assert!(time.left >= Duration::from_millis(40), "{:?} left", time.left);
    }
}
