//! Restart: servers end and start again for as long as the fault lasts, each alone over and over, or in turns.

use super::{FaultError, Held, kill, stop};
use crate::restart::Restart;
use futures_util::FutureExt;
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use squall_targets::Deployment;
use std::time::{Duration, Instant};

/// How long a server that was started again may take until it serves.
const SERVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How far behind the moment at which a server answered after its last start the next kill may come, as a factor: half of all
/// kills then come before.
const KILL_WITHIN: f64 = 2.0;

/// Lets the servers end for the first time, and waits until they are gone: of those that take turns the first one.
pub async fn inject(restart: Restart, nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    match nodes {
        [first, ..] if restart.is_rolling() => end(restart, first, deployment).await,
        _ => kill::inject(nodes, deployment).await,
    }
}

/// Starts the servers and lets them end again, until `until` comes. The last start may be left to whoever heals.
pub async fn hold(
    restart: Restart,
    nodes: &[String],
    seed: u64,
    deployment: &Deployment,
    until: impl Future<Output = ()>,
) -> Held {
    let until = until.shared();
    let (told, failed) = if restart.is_rolling() {
        let mut turns = Turns::default();
        let failed = roll(restart, nodes, deployment, until.clone(), &mut turns).await.err();
        (turns.told(nodes.len()), failed)
    } else {
        let loops = nodes.iter().enumerate().map(async |(place, node)| {
            let rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(place as u64));
            let mut crashes = Crashes::default();
            let failed = crash(restart, node, rng, deployment, until.clone(), &mut crashes).await.err();
            (crashes.told(node), failed)
        });
        let (told, failed): (Vec<String>, Vec<Option<FaultError>>) = join_all(loops).await.into_iter().unzip();
        (told.join(", "), failed.into_iter().flatten().next())
    };
    // One that failed is no reason to heal before the time.
    until.await;
    Held::told(told, failed)
}

/// How often a server in a crash loop was killed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Crashes {
    starts: u32,
    kills: u32,
    /// How many of the kills came before it had answered.
    early: u32,
}

impl Crashes {
    /// For people.
    fn told(self, node: &str) -> String {
        let Crashes { starts, kills, early } = self;
        format!("{node} was started {} and killed {}, {early} of them before it answered", times(starts), times(kills))
    }
}

/// Starts a server and kills it, over and over.
async fn crash(
    restart: Restart,
    node: &str,
    mut rng: ChaCha8Rng,
    deployment: &Deployment,
    until: impl Future<Output = ()> + Clone,
    crashes: &mut Crashes,
) -> Result<(), FaultError> {
    // How long it takes until it answers after a start that is not interrupted, lately.
    let mut usual: Option<Duration> = None;
    while !is_over(&until) {
        deployment.start(node).await?;
        crashes.starts += 1;
        let begin = Instant::now();
        let up = match (restart, usual) {
            (Restart::CrashAfter(after), _) => Some(after.duration()),
            (_, Some(usual)) => Some(Duration::mul_f64(usual, rng.random_range(0.0..KILL_WITHIN))),
            // Nobody knows yet: it is killed as soon as it answers.
            (_, None) => None,
        };
        let answers = deployment.await_answer(node, SERVE_TIMEOUT);
        let answered = tokio::select! {
            answered = tokio::time::timeout(up.unwrap_or(SERVE_TIMEOUT), answers) => answered,
            () = until.clone() => return Ok(()),
        };
        match answered {
            Ok(after) => {
                let after = after?;
                usual = Some(usual.map_or(after, |usual| (usual + after) / 2));
            }
            Err(_) => crashes.early += 1,
        }
        tokio::select! {
            () = tokio::time::sleep(up.unwrap_or_default().saturating_sub(begin.elapsed())) => {}
            () = until.clone() => return Ok(()),
        }
        deployment.kill(node).await?;
        crashes.kills += 1;
    }
    Ok(())
}

/// How often servers that take turns were restarted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Turns {
    served: u32,
    slowest: Duration,
}

impl Turns {
    /// For people.
    fn told(self, nodes: usize) -> String {
        let Turns { served, slowest } = self;
        if served == 0 {
            return "no server was restarted in time".into();
        }
        let rounds = served as usize / nodes.max(1);
        let restarts = if served == 1 { "1 restart" } else { &format!("{served} restarts") };
        let rounds = if rounds == 1 { "1 whole round" } else { &format!("{rounds} whole rounds") };
        format!("{restarts}, each server knew a leader again within {} ms; {rounds}", slowest.as_millis())
    }
}

/// Starts the server that ended, waits until it serves, and lets the next one end.
async fn roll(
    restart: Restart,
    nodes: &[String],
    deployment: &Deployment,
    until: impl Future<Output = ()> + Clone,
    turns: &mut Turns,
) -> Result<(), FaultError> {
    let mut order = nodes.iter().cycle();
    let Some(mut node) = order.next() else { return Ok(()) };
    loop {
        deployment.start(node).await?;
        tokio::select! {
            served = deployment.await_leader(node, SERVE_TIMEOUT) => {
                turns.slowest = turns.slowest.max(served?);
                turns.served += 1;
            }
            () = until.clone() => return Ok(()),
        }
        if is_over(&until) {
            return Ok(());
        }
        node = order.next().unwrap_or(node);
        end(restart, node, deployment).await?;
    }
}

/// Lets the server of `node` end whose turn it is.
async fn end(restart: Restart, node: &String, deployment: &Deployment) -> Result<String, FaultError> {
    match restart {
        Restart::Rolling => stop::end(node, deployment).await,
        _ => kill::inject(std::slice::from_ref(node), deployment).await,
    }
}

fn is_over(until: &(impl Future<Output = ()> + Clone)) -> bool {
    until.clone().now_or_never().is_some()
}

fn times(count: u32) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        _ => format!("{count} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_meanwhile_is_told_in_words() {
        let crashes = |starts, kills, early| Crashes { starts, kills, early }.told("n1");
        assert_eq!(crashes(7, 7, 4), "n1 was started 7 times and killed 7 times, 4 of them before it answered");
        assert_eq!(crashes(2, 1, 0), "n1 was started twice and killed once, 0 of them before it answered");
        let turns = |served, ms| Turns { served, slowest: Duration::from_millis(ms) }.told(3);
        assert_eq!(turns(7, 140), "7 restarts, each server knew a leader again within 140 ms; 2 whole rounds");
        assert_eq!(turns(0, 0), "no server was restarted in time");
    }
}
