//! Being asked to stop: Ctrl-C, SIGTERM, a closed terminal, a history that cannot be written.

use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Why a run shall stop early. A later one outranks an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A violation was found, and the first one was to be the last.
    Violation(String),
    /// Somebody asked for it: Ctrl-C, SIGTERM, or a terminal that was closed.
    Signal(&'static str),
    /// squall itself cannot go on.
    Failure(String),
}

/// Watches whether the run shall stop. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Stop {
    reason: watch::Receiver<Option<Reason>>,
}

/// Asks a run to stop.
#[derive(Debug, Clone)]
pub struct Stopper {
    reason: watch::Sender<Option<Reason>>,
}

/// A stopper and what watches it.
pub fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(None);
    (Stopper { reason: sender }, Stop { reason: receiver })
}

impl Reason {
    fn rank(&self) -> u8 {
        match self {
            Reason::Violation(_) => 0,
            Reason::Signal(_) => 1,
            Reason::Failure(_) => 2,
        }
    }
}

impl Stopper {
    /// Asks the run to stop. Of several reasons the first stays, unless a later one outranks it: who found a violation may
    /// still be interrupted, and whatever happened before squall failed, it failed.
    pub fn stop(&self, reason: Reason) {
        self.reason.send_if_modified(|now| {
            let outranks = now.as_ref().is_none_or(|now| now.rank() < reason.rank());
            if outranks {
                *now = Some(reason);
            }
            outranks
        });
    }
}

impl Stop {
    /// Why the run shall stop, if it shall.
    pub fn reason(&self) -> Option<Reason> {
        self.reason.borrow().clone()
    }

    /// Whether the run shall stop.
    pub fn requested(&self) -> bool {
        self.reason.borrow().is_some()
    }

    /// Returns when the run is asked to stop *from now on*: for ever pending once it was, so that a loop which goes on
    /// to wait for open calls does not spin.
    pub async fn wait(&mut self) {
        if self.requested() || self.reason.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when there comes a reason that outranks what there is, if there is one: a run that ended with its first
    /// violation can still be interrupted while that is judged.
    pub async fn wait_for_more(&mut self) {
        let rank = |reason: &Option<Reason>| reason.as_ref().map(Reason::rank);
        let now = rank(&self.reason.borrow());
        if self.reason.wait_for(|reason| rank(reason) > now).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Returns as soon as the run shall stop, at once if it was asked before.
    pub async fn stopped(&mut self) {
        if self.reason.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Signals within this time are one request: timeout(1), for one, sends each to the process and to its group.
const SAME_REQUEST: Duration = Duration::from_millis(500);

/// Turns SIGINT, SIGTERM and SIGHUP into a stop. A second one ends the process at once; everything local dies with it. A
/// SIGHUP that is ignored, as under `nohup`, stays so.
///
/// # Errors
/// When the handlers cannot be installed.
pub fn on_signals(stopper: Stopper) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = if ignored(libc::SIGHUP) { None } else { Some(signal(SignalKind::hangup())?) };
    tokio::spawn(async move {
        let mut first: Option<Instant> = None;
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "Ctrl-C",
                _ = terminate.recv() => "SIGTERM",
                Some(_) = async { hangup.as_mut()?.recv().await }, if hangup.is_some() => "SIGHUP",
            };
            match first {
                None => stopper.stop(Reason::Signal(name)),
                Some(first) if first.elapsed() < SAME_REQUEST => continue,
                Some(_) => std::process::exit(crate::exit::Exit::Failed as i32),
            }
            first = Some(Instant::now());
        }
    });
    Ok(())
}

/// Whether whoever started squall wants this signal to be ignored.
fn ignored(signal: libc::c_int) -> bool {
    let mut now = std::mem::MaybeUninit::<libc::sigaction>::uninit();
    // SAFETY: without a new action sigaction changes nothing and only fills `now`, which is large enough and is read only
    // when the call succeeded.
    unsafe {
        libc::sigaction(signal, std::ptr::null(), now.as_mut_ptr()) == 0
            && now.assume_init().sa_sigaction == libc::SIG_IGN
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Every reason, weakest first.
    fn reasons() -> [Reason; 3] {
        [Reason::Violation("stale read".into()), Reason::Signal("Ctrl-C"), Reason::Failure("no space".into())]
    }

    #[test]
    fn the_first_reason_stays_unless_one_outranks_it() {
        for (first, rank) in reasons().into_iter().zip(0..) {
            for (second, second_rank) in reasons().into_iter().zip(0..) {
                let (stopper, stop) = channel();
                stopper.stop(first.clone());
                stopper.stop(second.clone());
                let expected = if second_rank > rank { second } else { first.clone() };
                assert_eq!(stop.reason(), Some(expected));
            }
        }
    }

    #[test]
    fn who_waits_for_more_is_woken_by_what_outranks_what_there_is() {
        let befores = std::iter::once(None).chain(reasons().into_iter().map(Some));
        for (before, rank) in befores.zip(-1..) {
            for (then, then_rank) in reasons().into_iter().zip(0..) {
                let (stopper, mut stop) = channel();
                before.clone().into_iter().for_each(|reason| stopper.stop(reason));
                let mut waits = pin!(stop.wait_for_more());
                let mut context = Context::from_waker(Waker::noop());
                assert_eq!(waits.as_mut().poll(&mut context), Poll::Pending);
                stopper.stop(then);
                assert_eq!(waits.as_mut().poll(&mut context).is_ready(), then_rank > rank);
            }
        }
    }
}
