//! Locks: a node each that ends with the session of its holder, and a node whose version is the fencing token.
//!
//! A holder makes `k7` as an ephemeral node and changes `f7`, in one transaction; the version of `f7` that comes of it is its
//! token. A write that is fenced checks in its transaction that `f7` still has this version. The lock node itself would not
//! do: made again by the next holder it has the version 0 again. With `f7` the order is certain: whoever takes the lock
//! changes `f7` before it reads the list, so a write that passes the check stands before that change, and is read.
//!
//! The server ends a session of which it hears nothing, and the holder cannot know when that is: it counts from what the
//! server heard last. The holder learns it when its connection ends, or when it has heard nothing itself for two thirds of
//! the time, whichever comes first; a process that is paused learns neither.

use super::{ClientOptions, Life, ROOT, Turn, number, order, unexpected, version_of};
use crate::lock::{Locks, Trouble, Written};
use crate::zookeeper::code::Code;
use crate::zookeeper::outcome::Stop;
use crate::zookeeper::request::{ANY_VERSION, Answer, Mode, Request};
use crate::zookeeper::session::{Answered, Session, SessionError, first_refusal};
use async_trait::async_trait;
use squall_results::call::{Key, Value, Version};
use std::time::Duration;
use tokio::time::Instant;

/// A call's time is counted by its client; a request by itself may take as long as it likes.
const LONG: Duration = Duration::from_secs(3_600);

fn lock(key: Key) -> String {
    format!("{ROOT}/k{key}")
}

fn fence(key: Key) -> String {
    format!("{ROOT}/f{key}")
}

fn list(key: Key) -> String {
    format!("{ROOT}/l{key}")
}

/// One session that takes locks.
pub struct ZookeeperLocks {
    options: ClientOptions,
    life: Life,
}

/// What a transaction did: its place in the order of all, and its answers; or the part that was refused.
type Done = Result<(i64, Vec<Answer>), (usize, Code)>;

impl ZookeeperLocks {
    /// Without a session, which is opened at the first use.
    pub fn new(options: ClientOptions) -> ZookeeperLocks {
        ZookeeperLocks { options, life: Life::Before }
    }

    async fn turn(&mut self) -> Result<Turn<'_>, Stop> {
        let ClientOptions { route, session_timeout, freshness, .. } = self.options;
        let deadline = Instant::now() + LONG;
        if let Life::Before = self.life {
            self.life = Life::Over;
            self.life = Life::Open(Session::open(route, session_timeout, deadline).await.map_err(Stop::Harmless)?);
        }
        let Life::Open(session) = &self.life else { return Err(Stop::Harmless(SessionError::Over)) };
        Ok(Turn { session, deadline, freshness })
    }
}

impl Turn<'_> {
    async fn commit(&self, parts: Vec<Request>) -> Result<Done, Stop> {
        let Answered { zxid, answer } = self.ask(Request::Multi(parts)).await.map_err(Stop::Change)?;
        let Answer::Many(parts) = answer else { return Err(Stop::Change(unexpected(&answer))) };
        match first_refusal(&parts) {
            Some(refusal) => Ok(Err(refusal)),
            None => Ok(Ok((zxid, parts.into_iter().flatten().collect()))),
        }
    }

    async fn try_acquire(&self, key: Key) -> Result<Option<u64>, Stop> {
        let (lock, fence) = (lock(key), fence(key));
        match self.ask(Request::Exists { path: lock.clone(), watch: false }).await {
            Ok(_) => return Ok(None),
            Err(SessionError::Code(Code::NO_NODE)) => {}
            Err(error) => return Err(Stop::Harmless(error)),
        }
        let take = Request::Create { path: lock, data: Vec::new(), mode: Mode::Ephemeral };
        let count = Request::SetData { path: fence.clone(), data: Vec::new(), version: ANY_VERSION };
        match self.commit(vec![take, count]).await? {
            Ok((_, answers)) => match answers.last() {
                Some(Answer::Stat(stat)) => Ok(Some(u64::try_from(stat.version).unwrap_or(0))),
                _ => Err(Stop::Change(SessionError::Senseless("the fence has no version".into()))),
            },
            Err((0, Code::NODE_EXISTS)) => Ok(None),
            // Nobody has used this lock yet; the next try finds what it needs.
            Err((_, Code::NO_NODE)) => {
                self.make_root().await?;
                self.make_parent(&fence).await?;
                Ok(None)
            }
            Err((_, code)) => Err(Stop::Change(SessionError::Code(code))),
        }
    }

    async fn release(&self, key: Key, token: u64) -> Result<bool, Stop> {
        let free = Request::Delete { path: lock(key), version: ANY_VERSION };
        match self.commit(vec![is_newest(key, token), free]).await? {
            Ok(_) => Ok(true),
            Err((_, Code::BAD_VERSION | Code::NO_NODE)) => Ok(false),
            Err((_, code)) => Err(Stop::Change(SessionError::Code(code))),
        }
    }

    async fn guarded_list(&self, key: Key) -> Result<(Vec<Value>, Option<Version>), Stop> {
        match self.get(&list(key)).await? {
            Some((text, stat)) => Ok((text.split(' ').map(number).collect::<Result<_, _>>()?, Some(version_of(&stat)))),
            None => Ok((Vec::new(), Some(Version::at(0)))),
        }
    }

    async fn write_list(&self, key: Key, data: &str) -> Result<Written, Stop> {
        let path = list(key);
        let version = match self.set(&path, data.into(), ANY_VERSION).await? {
            Some(version) => Some(version),
            None => self.create(&path, data, &[ROOT]).await?.map(first_version),
        };
        let made = || Stop::Mismatch("another made the list meanwhile".into());
        version.map(|version| Written::Done(Some(version))).ok_or_else(made)
    }

    async fn write_fenced(&self, key: Key, data: &str, token: u64) -> Result<Written, Stop> {
        let path = || list(key);
        let set = Request::SetData { path: path(), data: data.into(), version: ANY_VERSION };
        let mut done = self.commit(vec![is_newest(key, token), set]).await?;
        if done == Err((1, Code::NO_NODE)) {
            // The first transaction certainly did nothing, so this is no second attempt at the same change.
            let make = Request::Create { path: path(), data: data.into(), mode: Mode::Persistent };
            done = self.commit(vec![is_newest(key, token), make]).await?;
        }
        match done {
            Ok((zxid, answers)) => Ok(Written::Done(Some(match answers.last() {
                Some(Answer::Stat(stat)) => version_of(stat),
                _ => first_version(order(zxid)),
            }))),
            Err((0, Code::BAD_VERSION)) => Ok(Written::Fenced),
            Err((_, code)) => Err(Stop::Change(SessionError::Code(code))),
        }
    }
}

/// The condition that nobody has taken the lock after the holder of this token.
fn is_newest(key: Key, token: u64) -> Request {
    // Tokens are versions; a number that is none matches no version.
    Request::Check { path: fence(key), version: i32::try_from(token).unwrap_or(i32::MIN) }
}

fn first_version(order: u64) -> Version {
    Version { order, edits: Some(1) }
}

fn trouble(stop: Stop) -> Trouble {
    Trouble::of(stop.complete())
}

#[async_trait]
impl Locks for ZookeeperLocks {
    async fn try_acquire(&mut self, key: Key) -> Result<Option<u64>, Trouble> {
        self.turn().await.map_err(trouble)?.try_acquire(key).await.map_err(trouble)
    }

    fn until(&self) -> Option<std::time::Instant> {
        match &self.life {
            Life::Open(session) => session.lost_at(),
            Life::Before | Life::Over => None,
        }
    }

    async fn release(&mut self, key: Key, token: u64) -> Result<bool, Trouble> {
        self.turn().await.map_err(trouble)?.release(key, token).await.map_err(trouble)
    }

    async fn list(&mut self, key: Key, strongest: bool) -> Result<(Vec<Value>, Option<Version>), Trouble> {
        let turn = self.turn().await.map_err(trouble)?;
        // Who holds the lock has written in this session before, and reads all that was written before that.
        if !strongest {
            turn.freshen().await.map_err(trouble)?;
        }
        turn.guarded_list(key).await.map_err(trouble)
    }

    async fn write(&mut self, key: Key, list: &[Value], fence: Option<u64>) -> Result<Written, Trouble> {
        let turn = self.turn().await.map_err(trouble)?;
        let data = list.iter().map(Value::to_string).collect::<Vec<_>>().join(" ");
        match fence {
            Some(token) => turn.write_fenced(key, &data, token).await.map_err(trouble),
            None => turn.write_list(key, &data).await.map_err(trouble),
        }
    }

    async fn close(&mut self) {
        // Dropped, a session ends politely.
        self.life = Life::Over;
    }
}
