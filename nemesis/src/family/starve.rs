//! Starvation: servers get a small share of a processor, in many turns a second. That they stand still in between is seen by
//! looking often, and what it does to them by how long they take to answer.

use super::{FaultError, every};
use crate::packets::Share;
use futures_util::future::{join_all, try_join_all};
use squall_targets::Deployment;
use std::time::{Duration, Instant};

/// How long a ration, or its end, may take to show. It takes a moment; but what does not show ends the run, and an overloaded
/// machine is no reason for that.
const SHOW_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a server is looked at, over some turns, and how far apart.
const LOOKS: u32 = 50;
const LOOK_EVERY: Duration = Duration::from_millis(7);

/// How often a server is asked for how long it takes to answer, and how long after the answer before: whoever asks at once meets a
/// server that has just been let go.
const QUESTIONS: usize = 5;
const ASK_EVERY: Duration = Duration::from_millis(31);

/// How long a server that is not starved any more may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Rations the servers, and looks until they stand still for most of the time that they are not to run.
pub async fn inject(share: Share, nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let starved = nodes.iter().map(async |node| {
        let before = asked(node, deployment).await;
        deployment.ration(node, share.ppm()).await?;
        let stopped = look(node, deployment, |stopped| stands_still(share, stopped)).await?;
        let after = asked(node, deployment).await;
        Ok::<String, FaultError>(format!(
            "{node} stood still in {stopped} of {LOOKS} looks and {}, {} before",
            answers(after),
            took(before)
        ))
    });
    // Each to its end, whatever becomes of the others: who was rationed halfway would stay so.
    let told: Result<Vec<String>, FaultError> = join_all(starved).await.into_iter().collect();
    Ok(told?.join("; "))
}

/// Lets the servers run again, and looks until they never stand still.
pub async fn heal(nodes: &[String], deployment: &Deployment) -> Result<String, FaultError> {
    let fed = every(nodes, |node| async move {
        let got = deployment.end_ration(node).await?;
        Ok(got.map_or(String::new(), |got| {
            format!("{node} had {:.1} % of a processor for {:.1} s; ", got.share() * 100.0, got.within.as_secs_f64())
        }))
    });
    let got = fed.await?.concat();
    let looks = nodes.iter().map(async |node| {
        let stopped = look(node, deployment, |stopped| stopped == 0).await?;
        deployment.await_answer(node, ANSWER_TIMEOUT).await?;
        let after = asked(node, deployment).await;
        Ok::<String, FaultError>(format!("{node} stood still in {stopped} of {LOOKS} looks and {}", answers(after)))
    });
    Ok(got + &try_join_all(looks).await?.join("; "))
}

/// Whether so many looks show a server that runs for this share of the time; who looks may be late, too.
fn stands_still(share: Share, stopped: u32) -> bool {
    let expected = f64::from(LOOKS) * (1.0 - f64::from(share.ppm()) / 1e6);
    f64::from(stopped) >= 0.7 * expected && stopped > 0
}

/// Looks at a server until it stands still as often as it shall. Returns how often that is.
async fn look(node: &str, deployment: &Deployment, is_met: impl Fn(u32) -> bool) -> Result<u32, FaultError> {
    let begin = Instant::now();
    loop {
        let stopped = deployment.look_for_stops(node, LOOKS, LOOK_EVERY).await?;
        if is_met(stopped) {
            return Ok(stopped);
        }
        if begin.elapsed() > SHOW_TIMEOUT {
            return Err(FaultError::NotShown(format!("{node} stood still in {stopped} of {LOOKS} looks")));
        }
    }
}

/// How long the server takes to answer, in the median of some questions; none where it does not.
async fn asked(node: &str, deployment: &Deployment) -> Option<Duration> {
    let node = deployment.cluster().node(node)?;
    let mut times = Vec::new();
    for _ in 0..QUESTIONS {
        tokio::time::sleep(ASK_EVERY).await;
        let begin = Instant::now();
        let answer = deployment.status(node).await;
        times.push(answer.map_or(Duration::MAX, |_| begin.elapsed()));
    }
    times.sort_unstable();
    times.get(QUESTIONS / 2).copied().filter(|time| *time < Duration::MAX)
}

/// For people.
fn answers(after: Option<Duration>) -> String {
    after.map_or("does not answer in time".into(), |after| format!("answers after {}", took(Some(after))))
}

fn took(time: Option<Duration>) -> String {
    match time {
        None => "not in time".into(),
        Some(time) if time < Duration::from_millis(10) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        Some(time) => format!("{} ms", time.as_millis()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_shows_in_the_looks() {
        for (percent, stopped, shows) in
            [(5, 48, true), (5, 34, true), (5, 33, false), (50, 18, true), (50, 17, false), (100, 0, false)]
        {
            assert_eq!(stands_still(Share::from_ppm(percent * 10_000), stopped), shows, "{percent} %, {stopped}");
        }
    }

    #[test]
    fn times_are_told_in_words() {
        for (ms, told) in [(1.25, "1.2 ms"), (96.4, "96 ms")] {
            assert_eq!(took(Some(Duration::from_secs_f64(ms / 1e3))), told);
        }
        assert_eq!(answers(None), "does not answer in time");
    }
}
