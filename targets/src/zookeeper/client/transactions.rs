//! Transactions over several registers or lists.
//!
//! A transaction of ZooKeeper changes and checks, but does not read. So all that a transaction is about is read first, by one
//! request, which a server answers from one state; that may be old. Then one transaction changes what is to be changed, where
//! it still has the version that was read, and checks the versions of the rest: when it takes place, all that was read is
//! as it was. What does not exist cannot be checked, so an empty node is made for it before, which stands for nothing.
//! A transaction that only reads is what one request tells, as fresh as reads of the run are.

use super::{Answer, Answered, Code, Mode, ROOT, Request, SessionError, Stat, Turn, number, text, unexpected};
use crate::zookeeper::outcome::Stop;
use crate::zookeeper::session::first_refusal;
use squall_results::Reply;
use squall_results::call::{Key, ListStep, Step, Value};
use std::collections::BTreeMap;

/// What is under a key while a transaction is composed.
struct Held {
    text: String,
    version: i32,
    changed: bool,
}

impl Turn<'_> {
    pub(super) async fn register_transaction(&self, steps: &[Step], only_reads: bool) -> Result<Reply, Stop> {
        let paths: Vec<String> = steps.iter().map(|step| node('r', step.key())).collect();
        let mut held = self.read_nodes(&paths, only_reads).await?;
        let mut found = Vec::new();
        for (step, path) in steps.iter().zip(&paths) {
            let node = held.get_mut(path);
            match (step, node) {
                (Step::Read { .. }, None) => found.push(None),
                (Step::Read { .. }, Some(node)) => found.push(register(&node.text)?),
                (Step::Write { value, .. }, Some(node)) => (node.text, node.changed) = (value.to_string(), true),
                (Step::Write { .. }, None) => return Err(missing(path)),
            }
        }
        self.take_place(held, only_reads).await?;
        Ok(Reply::Committed { found })
    }

    pub(super) async fn list_transaction(&self, steps: &[ListStep], only_reads: bool) -> Result<Reply, Stop> {
        let paths: Vec<String> = steps.iter().map(|step| node('l', step.key())).collect();
        let mut held = self.read_nodes(&paths, only_reads).await?;
        let mut found = Vec::new();
        for (step, path) in steps.iter().zip(&paths) {
            match (step, held.get_mut(path)) {
                (ListStep::Read { .. }, None) => found.push(Vec::new()),
                (ListStep::Read { .. }, Some(node)) => found.push(list(&node.text)?),
                (ListStep::Append { element, .. }, Some(node)) => {
                    let separator = if node.text.is_empty() { "" } else { " " };
                    node.text.push_str(&format!("{separator}{element}"));
                    node.changed = true;
                }
                (ListStep::Append { .. }, None) => return Err(missing(path)),
            }
        }
        self.take_place(held, only_reads).await?;
        Ok(Reply::CommittedLists { found })
    }

    /// Reads nodes at one moment. Unless only reads follow, those that are missing are made first.
    async fn read_nodes(&self, paths: &[String], only_reads: bool) -> Result<BTreeMap<String, Held>, Stop> {
        if only_reads {
            self.freshen().await?;
            return self.read_at_once(paths).await;
        }
        let held = self.read_at_once(paths).await?;
        let absent: Vec<&String> = paths.iter().filter(|path| !held.contains_key(*path)).collect();
        if absent.is_empty() {
            return Ok(held);
        }
        for path in absent {
            self.make_empty(path).await?;
        }
        // The server has applied what it has just acknowledged in this session. What is missing all the same could not be checked.
        let held = self.read_at_once(paths).await?;
        match paths.iter().find(|path| !held.contains_key(*path)) {
            Some(path) => Err(missing(path)),
            None => Ok(held),
        }
    }

    async fn read_at_once(&self, paths: &[String]) -> Result<BTreeMap<String, Held>, Stop> {
        let reads = paths.iter().map(|path| Request::GetData { path: path.clone() }).collect();
        let answered = self.ask(Request::MultiRead(reads)).await.map_err(Stop::Harmless)?;
        let Answer::Many(answers) = answered.answer else { return Err(Stop::Harmless(unexpected(&answered.answer))) };
        let mut held = BTreeMap::new();
        for (path, answer) in paths.iter().zip(answers) {
            match answer {
                Ok(Answer::Data { data, stat: Stat { version, .. } }) => {
                    held.insert(path.clone(), Held { text: text(data)?, version, changed: false });
                }
                Ok(other) => return Err(Stop::Harmless(unexpected(&other))),
                Err(Code::NO_NODE) => {}
                Err(code) => return Err(Stop::Harmless(SessionError::Code(code))),
            }
        }
        Ok(held)
    }

    /// Makes an empty node, where it is missing, and before it the parent of all.
    async fn make_empty(&self, path: &str) -> Result<(), Stop> {
        let create = || Request::Create { path: path.into(), data: Vec::new(), mode: Mode::Persistent };
        if let Err(SessionError::Code(Code::NO_NODE)) = self.ask(create()).await {
            self.make_root().await?;
        }
        self.make_parent(path).await
    }

    /// Changes what was changed and checks the rest, all or nothing.
    async fn take_place(&self, held: BTreeMap<String, Held>, only_reads: bool) -> Result<(), Stop> {
        if only_reads {
            return Ok(());
        }
        let part = |(path, Held { text, version, changed }): (String, Held)| match changed {
            true => Request::SetData { path, data: text.into(), version },
            false => Request::Check { path, version },
        };
        match self.ask(Request::Multi(held.into_iter().map(part).collect())).await {
            Ok(Answered { answer: Answer::Many(answers), .. }) => match first_refusal(&answers) {
                None => Ok(()),
                Some((_, code)) => Err(Stop::Change(SessionError::Code(code))),
            },
            Ok(other) => Err(Stop::Change(unexpected(&other.answer))),
            Err(error) => Err(Stop::Change(error)),
        }
    }
}

fn node(kind: char, key: Key) -> String {
    format!("{ROOT}/{kind}{key}")
}

/// What a register holds; an empty node: nothing was ever written.
fn register(text: &str) -> Result<Option<Value>, Stop> {
    if text.is_empty() { Ok(None) } else { number(text).map(Some) }
}

fn list(text: &str) -> Result<Vec<Value>, Stop> {
    text.split_whitespace().map(number).collect()
}

fn missing(path: &str) -> Stop {
    Stop::Mismatch(format!("{path} seems to be missing"))
}
