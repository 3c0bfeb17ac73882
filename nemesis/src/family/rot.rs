//! Rot: a server dies by SIGKILL, its files rot, and it is started again on them.
//!
//! A server that refuses to serve on them is right. Its data from the moment of its death are put back then, which is sound if
//! it has promised nothing since, so that is looked at. One that serves keeps what it has, and bits that flipped without its notice flip back, lest it refuse
//! at a later start, when nobody knows why; what it has lost is its own, which [`SERVES`] says to whoever judges.

use super::kill::{self, ANSWER_TIMEOUT};
use super::{FaultError, every};
use crate::clients::Clients;
use crate::rot::Rot;
use squall_targets::Deployment;
use squall_targets::cluster::Node;
use squall_targets::deployment::{DataCopy, DeployError};
use squall_targets::remote::ProcessState;
use squall_targets::rot::Change;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Stands in what shows that a rot is healed where a server has served on rotten files.
pub const SERVES: &str = "served on rotten files";

/// How long a server must go on that was started on rotten files, to count as one that serves: what it lacks it learns of from
/// the others.
const STAYS: Duration = Duration::from_secs(2);

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How many changes are told one by one.
const TOLD_MAX: usize = 3;

/// How much of a log is looked through for the words of a server that refused.
const WORDS_BYTES_MAX: u64 = 64 << 10;

/// Kills the servers and lets their files rot, each by its seed; what shows it is what has changed.
pub async fn inject(rot: &Rot, nodes: &[String], seeds: &[u64], deployment: &Deployment) -> Result<String, FaultError> {
    let (decay, files) = (rot.decay, rot.file.as_deref());
    // What has no such files is not killed for nothing.
    for node in nodes {
        deployment.can_rot(node, files).await?;
    }
    let mut evidence = Vec::new();
    for (node, seed) in nodes.iter().zip(seeds) {
        let state = deployment.kill(node).await?;
        deployment.keep_data(node, DataCopy::Whole).await?;
        let changes = deployment.rot(node, decay, files, *seed).await?;
        evidence.push(format!("{node} {state}; {}", told(&changes)));
    }
    Ok(evidence.join("; "))
}

/// The changes for people, the first of them.
fn told(changes: &[Change]) -> String {
    let mut told: Vec<String> = changes.iter().take(TOLD_MAX).map(Change::to_string).collect();
    match changes.len().saturating_sub(TOLD_MAX) {
        0 => {}
        1 => told.push("and 1 change more".into()),
        more => told.push(format!("and {more} changes more")),
    }
    told.join(", ")
}

/// Starts the servers on what is left of their files, and sees what they do.
pub async fn heal(nodes: &[String], deployment: &Deployment, clients: &dyn Clients) -> Result<String, FaultError> {
    let healed = every(nodes, |node| async move {
        let told = heal_one(node, deployment, clients).await?;
        deployment.drop_copy(node, DataCopy::Whole).await?;
        Ok(told)
    });
    Ok(healed.await?.join("; "))
}

async fn heal_one(node: &str, deployment: &Deployment, clients: &dyn Clients) -> Result<String, FaultError> {
    if deployment.rotten(node).is_empty() {
        return kill::heal(&[node.to_owned()], deployment).await;
    }
    let logs: Vec<(PathBuf, u64)> = node_of(node, deployment).map_or(Vec::new(), |at| ends(&deployment.logs(at)));
    // The server is dead: nobody adds to either now.
    let before = Deeds { promised: deployment.promised(node).await?, answered: clients.calls(node).answered };
    deployment.start(node).await?;
    let what = match watch(node, deployment).await? {
        Does::Serves(after) => {
            let undone = deployment.flip_back(node).await?;
            let back = if undone.is_empty() { "" } else { ", and did not notice: what had flipped is flipped back" };
            return Ok(format!("{node} answers after {} ms: it {SERVES}{back}", after.as_millis()));
        }
        Does::Refuses(state) => {
            let now = Deeds { promised: deployment.promised(node).await?, answered: clients.calls(node).answered };
            format!("{} ({state}{})", now.since(before), words(&logs))
        }
        Does::Stops(state) => format!("{SERVES}, then stopped itself ({state}{})", words(&logs)),
        Does::Hangs => {
            deployment.kill(node).await?;
            format!("did not answer for {} s, and may have {SERVES}{}", ANSWER_TIMEOUT.as_secs(), words(&logs))
        }
    };
    deployment.put_back(node, DataCopy::Whole).await?;
    deployment.start(node).await?;
    let after = deployment.await_answer(node, ANSWER_TIMEOUT).await?;
    let after = after.as_millis();
    Ok(format!("{node} {what}; with its files from before, put back, it answers after {after} ms"))
}

fn node_of<'a>(node: &str, deployment: &'a Deployment) -> Option<&'a Node> {
    deployment.all().iter().find(|other| other.name == node)
}

/// What a server has done for others: what it has written of its promises to them, and how many calls it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Deeds {
    promised: u64,
    answered: u64,
}

impl Deeds {
    /// What one that ended by itself before anybody saw it serve has done since it was started, for people. One that notices the damage
    /// late, like an etcd at the first look at a page of its database, has served until then, and what it has promised goes with what it
    /// wrote when its files are put back.
    fn since(self, before: Deeds) -> String {
        match self {
            now if now.answered > before.answered => format!("answered clients and {SERVES}, then stopped itself"),
            now if now.promised != before.promised => {
                format!("wrote to its journal, so it may have {SERVES}, and stopped itself")
            }
            _ => "refused to serve on them".into(),
        }
    }
}

/// What a server does that was started on rotten files.
enum Does {
    /// It answered after this time, and goes on.
    Serves(Duration),
    /// It ended without an answer.
    Refuses(ProcessState),
    /// It answered, and then ended.
    Stops(ProcessState),
    /// It neither answers nor ends.
    Hangs,
}

async fn watch(node: &str, deployment: &Deployment) -> Result<Does, DeployError> {
    let begin = Instant::now();
    let mut answered: Option<Duration> = None;
    loop {
        if let state @ ProcessState::Gone { .. } = deployment.state(node).await? {
            return Ok(if answered.is_some() { Does::Stops(state) } else { Does::Refuses(state) });
        }
        match answered {
            Some(after) if begin.elapsed() >= after + STAYS => return Ok(Does::Serves(after)),
            None if begin.elapsed() >= ANSWER_TIMEOUT => return Ok(Does::Hangs),
            Some(_) => {}
            None => {
                let answers = match node_of(node, deployment) {
                    Some(at) => deployment.status(at).await.is_ok(),
                    None => false,
                };
                answered = answers.then(|| begin.elapsed());
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Where the logs end now.
fn ends(logs: &[PathBuf]) -> Vec<(PathBuf, u64)> {
    let length = |log: &PathBuf| std::fs::metadata(log).map_or(0, |log| log.len());
    logs.iter().map(|log| (log.clone(), length(log))).collect()
}

/// What a server said in the end, behind these places in its logs: `: WAL error: crc mismatch`.
fn words(logs: &[(PathBuf, u64)]) -> String {
    let mut text = Vec::new();
    for (log, from) in logs {
        // Without its words the end of a server is still what it is.
        let _ = File::open(log).and_then(|mut file| {
            file.seek(SeekFrom::Start(*from))?;
            file.take(WORDS_BYTES_MAX).read_to_end(&mut text)
        });
    }
    reason(&String::from_utf8_lossy(&text)).map(|line| format!(": `{line}`")).unwrap_or_default()
}

/// The line that tells best why a server ended: one about damage, else about any failure, else the last one.
fn reason(text: &str) -> Option<String> {
    const DAMAGE: [&str; 6] = ["corrupt", "crc", "checksum", "damage", "mismatch", "out of range"];
    const FAILURE: [&str; 5] = ["panic", "fatal", "unable", "exception", "error"];
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let about = |words: &[&str]| {
        let says = |line: &&str| words.iter().any(|word| line.to_ascii_lowercase().contains(word));
        lines().find(says)
    };
    about(&DAMAGE).or_else(|| about(&FAILURE)).or_else(|| lines().next_back()).map(crate::conduct::told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_targets::rot::What;

    #[test]
    fn the_line_that_says_most_is_told() {
        for (text, expected) in [
            ("starting\nerror: cannot go on\nread: crc mismatch\nbye\n", Some("read: crc mismatch")),
            ("starting\n  Unable to load database  \nbye\n", Some("Unable to load database")),
            ("starting\n\nbye\n\n", Some("bye")),
            ("", None),
        ] {
            assert_eq!(reason(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn who_did_something_before_it_ended_has_not_refused() {
        let deeds = |promised, answered| Deeds { promised, answered };
        let before = deeds(7, 100);
        assert_eq!(before.since(before), "refused to serve on them");
        for after in [deeds(7, 101), deeds(8, 100), deeds(8, 101)] {
            let told = after.since(before);
            assert!(told.contains(SERVES) && !told.contains("refused"), "{after:?}: {told}");
        }
    }

    #[test]
    fn only_some_of_many_changes_are_told() {
        let gone = |file: &str| Change { file: file.into(), what: What::Length { before: Some(9), after: None } };
        let changes = ["a", "b", "c", "d", "e"].map(gone);
        assert_eq!(told(&changes[..1]), "a is gone and had 9 bytes");
        assert!(told(&changes[..4]).ends_with("c is gone and had 9 bytes, and 1 change more"));
        assert!(told(&changes).ends_with(", and 2 changes more"));
    }
}
