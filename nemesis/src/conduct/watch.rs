//! Watches for what faults wait for, and tells when it has come.

use super::Record;
use super::log_tail::LogTail;
use crate::trigger::{Awaited, Trigger, expression};
use futures_util::future::join_all;
use squall_targets::Deployment;
use squall_targets::cluster::Node;
use squall_targets::target::Status;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often each server is asked who leads.
const ASK_EVERY: Duration = Duration::from_millis(50);

/// How often acknowledged writes and logs are looked at: so late a fault is at most.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How the leadership has changed since somebody watches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Leadership {
    /// Who leads, and in which term; none before the first answer.
    now: Option<(String, u64)>,
    /// How often somebody came to lead in a new term; the first that was seen counts as none.
    changes: u64,
}

impl Leadership {
    /// Takes what a server says; whether that is a change. Only growing terms count: who was cut off goes on believing what was
    /// true before.
    fn hears(&mut self, status: Status) -> bool {
        let Some(leader) = status.leader else { return false };
        let is_new = self.now.as_ref().is_none_or(|(_, term)| status.term > *term);
        if is_new {
            self.changes += u64::from(self.now.is_some());
            self.now = Some((leader, status.term));
        }
        is_new
    }
}

/// Where changes of leadership arrive.
pub(super) type Leaderships = watch::Receiver<Leadership>;

/// Whether one of these faults waits for a change of leader.
pub(super) fn needs_leaders<'a>(mut triggers: impl Iterator<Item = &'a Trigger>) -> bool {
    triggers.any(|trigger| matches!(trigger.awaited, Awaited::LeaderChange(_)))
}

/// Asks all servers who leads, each in its own time, until this is dropped.
pub(super) async fn leaders(deployment: &Deployment, leadership: &watch::Sender<Leadership>) {
    join_all(deployment.all().iter().map(|node| ask(deployment, node, leadership))).await;
}

async fn ask(deployment: &Deployment, node: &Node, leadership: &watch::Sender<Leadership>) {
    loop {
        if let Ok(status) = deployment.status(node).await {
            leadership.send_if_modified(|leadership| leadership.hears(status));
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// What came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Came {
    /// When the fault is to be injected.
    pub inject_at: Instant,
    /// Behind what it is, for people: `, after 503 writes were acknowledged`; empty for a fault that waits for its time alone.
    pub told: String,
}

/// Where triggers are watched for.
pub(super) struct Watch<'a> {
    pub deployment: &'a Deployment,
    pub record: &'a dyn Record,
    pub leadership: Leaderships,
}

impl Watch<'_> {
    /// Waits for `trigger` from now on.
    ///
    /// # Errors
    /// When it does not come in its time: what was seen instead.
    pub async fn wait(self, trigger: &Trigger) -> Result<Came, String> {
        let mut seen = 0;
        let regex = match &trigger.awaited {
            Awaited::Matches { pattern, .. } => Some(expression(pattern)?),
            _ => None,
        };
        let coming = async {
            match &trigger.awaited {
                Awaited::LeaderChange(times) => self.leader_change(*times, &mut seen).await,
                Awaited::Writes(writes) => self.writes(*writes, &mut seen).await,
                Awaited::Log { text, node } => self.line(node.as_deref(), |line| line.contains(text)).await,
                Awaited::Matches { node, .. } => {
                    self.line(node.as_deref(), |line| regex.as_ref().is_some_and(|regex| regex.is_match(line))).await
                }
            }
        };
        let came = match trigger.within {
            None => Ok(coming.await),
            Some(within) => tokio::time::timeout(within.duration(), coming).await.map_err(|_| within),
        };
        match came {
            Ok(what) => {
                let behind = if trigger.wait.ms() > 0 { format!("{} after", trigger.wait) } else { "after".into() };
                Ok(Came { inject_at: Instant::now() + trigger.wait.duration(), told: format!(", {behind} {what}") })
            }
            Err(within) => Err(format!("its trigger never came: {} within {within}", missed(&trigger.awaited, seen))),
        }
    }

    async fn leader_change(&self, times: u64, seen: &mut u64) -> String {
        let mut leadership = self.leadership.clone();
        let before = leadership.borrow_and_update().changes;
        loop {
            let Leadership { now, changes } = leadership.borrow_and_update().clone();
            let changes = changes - before;
            *seen = changes;
            match now {
                Some((leader, term)) if changes >= times => return format!("{leader} came to lead in term {term}"),
                _ => {}
            }
            if leadership.changed().await.is_err() {
                // Nobody watches any more: the run is over.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn writes(&self, writes: u64, seen: &mut u64) -> String {
        let before = self.record.writes();
        loop {
            let acknowledged = self.record.writes() - before;
            if acknowledged >= writes {
                return format!("{acknowledged} writes were acknowledged");
            }
            *seen = acknowledged;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn line(&self, node: Option<&str>, is_wanted: impl Fn(&str) -> bool) -> String {
        let nodes = self.deployment.all().iter().filter(|other| node.is_none_or(|node| other.name == node));
        let logs = nodes.flat_map(|node| {
            let tail = |path: PathBuf| (node.name.clone(), LogTail::from_now(path));
            self.deployment.logs(node).into_iter().map(tail)
        });
        let mut logs: Vec<(String, LogTail)> = logs.collect();
        loop {
            let found = logs.iter_mut().find_map(|(node, log)| Some((node, log.find(&is_wanted)?)));
            if let Some((node, line)) = found {
                return format!("{node} logged `{line}`");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// What was seen instead of what was waited for.
fn missed(awaited: &Awaited, seen: u64) -> String {
    match awaited {
        Awaited::LeaderChange(_) | Awaited::Writes(_) => format!("there were {seen} of {awaited}"),
        Awaited::Log { .. } | Awaited::Matches { .. } => format!("there was no {awaited}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_come_is_told_with_what_did() {
        let log = |node: Option<&str>| Awaited::Log { text: "lost".into(), node: node.map(String::from) };
        for (awaited, seen, expected) in [
            (Awaited::LeaderChange(2), 1, "there were 1 of 2 changes of leader"),
            (Awaited::Writes(500), 12, "there were 12 of 500 acknowledged writes"),
            (log(Some("n1")), 0, "there was no line with `lost` in the log of n1"),
            (log(None), 0, "there was no line with `lost` in the log of any node"),
            (
                Awaited::Matches { pattern: "a+".into(), node: None },
                0,
                "there was no line that `a+` matches in the log of any node",
            ),
        ] {
            assert_eq!(missed(&awaited, seen), expected);
        }
    }

    #[test]
    fn a_leader_of_a_new_term_is_a_change_and_the_first_is_none() {
        let mut leadership = Leadership::default();
        for (leader, term, changes) in [
            (None, 3, 0),
            (Some("n1"), 2, 0),
            (Some("n1"), 2, 0),
            (None, 4, 0),
            (Some("n2"), 4, 1),
            (Some("n1"), 2, 1), // it was cut off
            (Some("n2"), 5, 2),
        ] {
            let before = leadership.clone();
            let changed = leadership.hears(Status { leader: leader.map(String::from), term });
            assert_eq!((leadership.changes, changed), (changes, leadership != before), "{leader:?} in {term}");
        }
        assert_eq!(leadership.now, Some(("n2".into(), 5)));
    }
}
