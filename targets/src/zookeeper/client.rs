//! The client of `zookeeper`: calls composed of ZooKeeper's requests.
//!
//! Where things are, below `/squall`:
//!
//! | object | node | holds |
//! |---|---|---|
//! | register 7 | `r7` | the value |
//! | set 7 | `s7` | a child for each element, named by it |
//! | list 7 | `l7` | the elements, a blank between two |
//! | bank 7 | `b7` | a child for each account, which holds its balance |
//! | lock 7 | `k7`, `f7` | nothing; see `lock` |
//!
//! **Fresh reads.** A server answers reads by itself, from what it has applied so far; that may be old. After a *sync* it has
//! applied what its leader had committed; but a leader does not ask others whether it still leads, so a cut-off one may not
//! know of newer commits. After a *write* in the same session it has applied that write, since it answers a change only then.
//! The write went through a quorum and stands, in the one order of all writes, behind every write that was acknowledged or
//! read anywhere before it was asked for; servers apply that order without gaps. So a read behind it at the same server misses
//! nothing that was complete before the call began, and is linearizable. It would not be if the read went to another server;
//! a session of squall never moves.

mod bank;
mod list;
mod lock;
mod register;
mod set;
mod transactions;

pub use lock::ZookeeperLocks;

use super::code::Code;
use super::outcome::Stop;
use super::request::{ANY_VERSION, Answer, Mode, Request, Stat};
use super::session::{Answered, Session, SessionError};
use crate::client::{Client, Completion, Session as SessionEnd};
use crate::route::Route;
use async_trait::async_trait;
use squall_results::call::{Account, Key, Version};
use squall_results::{Call, Outcome, Reply};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// The parent of all nodes.
const ROOT: &str = "/squall";

/// What a client does before it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing.
    Local,
    /// It asks the server to catch up with its leader.
    Sync,
    /// It writes.
    AfterWrite,
}

/// How a client is made.
#[derive(Debug, Clone, Copy)]
pub struct ClientOptions {
    /// Its server.
    pub route: Route,
    /// How long a call may take.
    pub call_timeout: Duration,
    /// How long the servers shall keep its session when they hear nothing of it.
    pub session_timeout: Duration,
    /// What it does before it reads.
    pub freshness: Freshness,
}

/// The one session of a client.
enum Life {
    /// It was not opened yet.
    Before,
    /// It goes on.
    Open(Session),
    /// It is over, or could not be opened. There is no other.
    Over,
}

/// A client of one server.
pub struct ZookeeperClient {
    options: ClientOptions,
    life: Life,
    /// The accounts of each bank that it has seen. They are made all at once and never deleted.
    banks: BTreeMap<Key, Vec<Account>>,
}

impl ZookeeperClient {
    /// A client without a session, which it opens at its first call.
    pub fn new(options: ClientOptions) -> ZookeeperClient {
        ZookeeperClient { options, life: Life::Before, banks: BTreeMap::new() }
    }

    async fn attempt(&mut self, call: &Call) -> Result<Reply, Stop> {
        let ClientOptions { route, call_timeout, session_timeout, freshness } = self.options;
        let deadline = Instant::now() + call_timeout;
        if let Life::Before = self.life {
            let opened = Session::open(route, session_timeout, deadline).await;
            self.life = Life::Open(opened.map_err(Stop::Harmless)?);
        }
        let Life::Open(session) = &self.life else { return Err(Stop::Harmless(SessionError::Over)) };
        let turn = Turn { session, deadline, freshness };
        match call {
            Call::Read { key } => turn.read_register(*key).await,
            Call::Write { key, value } => turn.write_register(*key, *value).await,
            Call::Cas { key, expect, value } => turn.swap_register(*key, *expect, *value).await,
            Call::Add { key, element } => turn.add_to_set(*key, *element).await,
            Call::Elements { key } => turn.read_set(*key).await,
            Call::AddToList { key, element } => turn.add_to_list(*key, *element).await,
            Call::List { key } => turn.read_list(*key).await,
            Call::Open { key, balances } => turn.open_bank(*key, balances).await,
            Call::Transfer { key, from, to, amount } => turn.transfer(*key, *from, *to, *amount).await,
            Call::Accounts { key } => turn.read_bank(*key, self.banks.entry(*key).or_default()).await,
            Call::Transaction { steps } => turn.register_transaction(steps, call.only_observes()).await,
            Call::ListTransaction { steps } => turn.list_transaction(steps, call.only_observes()).await,
            call => unreachable!("zookeeper does not support {call}, and the plan was checked"),
        }
    }
}

#[async_trait]
impl Client for ZookeeperClient {
    async fn call(&mut self, call: &Call) -> Completion {
        let completion = match self.attempt(call).await {
            Ok(reply) => Completion { outcome: Outcome::Ok(reply), session: SessionEnd::Kept },
            Err(stop) => stop.complete(),
        };
        if completion.session != SessionEnd::Kept {
            self.life = Life::Over;
        }
        completion
    }
}

/// One call in a session: the requests that it is composed of.
pub struct Turn<'a> {
    session: &'a Session,
    deadline: Instant,
    freshness: Freshness,
}

impl Turn<'_> {
    async fn ask(&self, request: Request) -> Result<Answered, SessionError> {
        self.session.ask(&request, self.deadline).await
    }

    /// Makes reads that follow as fresh as this client wants them.
    async fn freshen(&self) -> Result<(), Stop> {
        let asked = match self.freshness {
            Freshness::Local => return Ok(()),
            Freshness::Sync => self.ask(Request::Sync { path: ROOT.into() }).await,
            Freshness::AfterWrite => {
                let write = || Request::SetData { path: ROOT.into(), data: Vec::new(), version: ANY_VERSION };
                match self.ask(write()).await {
                    // The creation of the root, or the news that it exists, is no less a write.
                    Err(SessionError::Code(Code::NO_NODE)) => return self.make_root().await,
                    asked => asked,
                }
            }
        };
        asked.map(drop).map_err(Stop::Harmless)
    }

    /// Makes the parent of all nodes, where it is missing.
    async fn make_root(&self) -> Result<(), Stop> {
        self.make_parent(ROOT).await
    }

    /// Makes a node that no call observes, where it is missing; its own parent must exist.
    async fn make_parent(&self, path: &str) -> Result<(), Stop> {
        match self.ask(Request::Create { path: path.into(), data: Vec::new(), mode: Mode::Persistent }).await {
            Ok(_) | Err(SessionError::Code(Code::NODE_EXISTS)) => Ok(()),
            Err(error) => Err(Stop::Harmless(error)),
        }
    }

    /// What a node holds, and its state; `None`: there is no such node.
    async fn get(&self, path: &str) -> Result<Option<(String, Stat)>, Stop> {
        match self.ask(Request::GetData { path: path.into() }).await {
            Ok(Answered { answer: Answer::Data { data, stat }, .. }) => Ok(Some((text(data)?, stat))),
            Ok(other) => Err(Stop::Harmless(unexpected(&other.answer))),
            Err(SessionError::Code(Code::NO_NODE)) => Ok(None),
            Err(error) => Err(Stop::Harmless(error)),
        }
    }

    /// Changes a node that has this version; `None`: there is no such node.
    async fn set(&self, path: &str, data: String, version: i32) -> Result<Option<Version>, Stop> {
        match self.ask(Request::SetData { path: path.into(), data: data.into(), version }).await {
            Ok(Answered { answer: Answer::Stat(stat), .. }) => Ok(Some(version_of(&stat))),
            Ok(other) => Err(Stop::Change(unexpected(&other.answer))),
            Err(SessionError::Code(Code::NO_NODE)) => Ok(None),
            Err(error) => Err(Stop::Change(error)),
        }
    }

    /// Makes a node, and before it `parents` where it has none; returns the transaction. `None`: it exists already.
    async fn create(&self, path: &str, data: &str, parents: &[&str]) -> Result<Option<u64>, Stop> {
        let request = || Request::Create { path: path.into(), data: data.into(), mode: Mode::Persistent };
        let mut asked = self.ask(request()).await;
        if let Err(SessionError::Code(Code::NO_NODE)) = asked {
            for parent in parents {
                self.make_parent(parent).await?;
            }
            // The first request certainly did nothing, so this is no second attempt at the same change.
            asked = self.ask(request()).await;
        }
        match asked {
            Ok(Answered { zxid, .. }) => Ok(Some(order(zxid))),
            Err(SessionError::Code(Code::NODE_EXISTS)) => Ok(None),
            Err(error) => Err(Stop::Change(error)),
        }
    }
}

/// The place of a transaction in the order of all.
fn order(zxid: i64) -> u64 {
    u64::try_from(zxid).unwrap_or(0)
}

fn version_of(stat: &Stat) -> Version {
    // The server counts changes from 0, and the count may come round to the negative numbers; then it is of no use.
    let edits = u64::try_from(stat.version).ok().map(|version| version + 1);
    Version { order: order(stat.mzxid), edits }
}

fn text(data: Vec<u8>) -> Result<String, Stop> {
    let senseless = |_| Stop::Harmless(SessionError::Senseless("a node holds no text".into()));
    String::from_utf8(data).map_err(senseless)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Stop> {
    text.parse().map_err(|_| Stop::Harmless(SessionError::Senseless(format!("`{text}` is no number"))))
}

fn unexpected(answer: &Answer) -> SessionError {
    SessionError::Senseless(format!("{answer:?} answers another request"))
}
