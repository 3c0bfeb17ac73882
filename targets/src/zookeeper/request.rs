//! The requests of ZooKeeper's wire protocol that squall makes, and their answers.

use super::code::Code;
use super::jute::{Put, Senseless, Take};

/// Matches every version of a node.
pub const ANY_VERSION: i32 = -1;

/// What a node is made as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It stays until it is deleted.
    Persistent = 0,
    /// It ends with its session.
    Ephemeral = 1,
    /// It ends with its session, and the server appends a number to its name that grows with each child of its parent.
    EphemeralSequential = 3,
}

/// A request. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Make a node that everybody may read and change.
    Create {
        /// Its path.
        path: String,
        /// What it holds.
        data: Vec<u8>,
        /// As what it is made.
        mode: Mode,
    },
    /// Delete a node that has this version, or any.
    Delete {
        /// Its path.
        path: String,
        /// The version that it must have.
        version: i32,
    },
    /// Tell the state of a node; with `watch`, tell later when it is made, changed or deleted.
    Exists {
        /// Its path.
        path: String,
        /// Whether to watch it.
        watch: bool,
    },
    /// Tell what a node holds.
    GetData {
        /// Its path.
        path: String,
    },
    /// Replace what a node holds, if it has this version, or any.
    SetData {
        /// Its path.
        path: String,
        /// What it shall hold.
        data: Vec<u8>,
        /// The version that it must have.
        version: i32,
    },
    /// Tell the names of a node's children.
    GetChildren {
        /// Its path.
        path: String,
    },
    /// Let the server catch up with all that the leader had committed when it learned of this request.
    Sync {
        /// Any path.
        path: String,
    },
    /// Within a transaction: a node has this version.
    Check {
        /// Its path.
        path: String,
        /// The version that it must have.
        version: i32,
    },
    /// Change the members: some join, or leave.
    Reconfig {
        /// Those that join, as lines of a configuration with commas between them.
        joining: Option<String>,
        /// The numbers of those that leave, likewise.
        leaving: Option<String>,
    },
    /// All of these, or none: creations, deletions, changes and checks.
    Multi(Vec<Request>),
    /// All of these reads at one moment.
    MultiRead(Vec<Request>),
}

/// What the server says about a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stat {
    /// The transaction that made it.
    pub czxid: i64,
    /// The transaction that changed it last.
    pub mzxid: i64,
    /// How often it was changed.
    pub version: i32,
    /// The session that it ends with; 0: none.
    pub ephemeral_owner: i64,
    /// The transaction that made or deleted one of its children last.
    pub pzxid: i64,
}

/// The answer to a request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To [`Request::Create`].
    Created {
        /// The node's path, with its number.
        path: String,
    },
    /// To [`Request::Delete`], [`Request::Sync`] and [`Request::Check`].
    Done,
    /// To [`Request::Exists`] and [`Request::SetData`].
    Stat(Stat),
    /// To [`Request::GetData`] and [`Request::Reconfig`].
    Data {
        /// What the node holds.
        data: Vec<u8>,
        /// Its state.
        stat: Stat,
    },
    /// To [`Request::GetChildren`]; within a [`Request::MultiRead`] the state is not told.
    Children {
        /// Their names, in no order.
        names: Vec<String>,
        /// The state of their parent.
        stat: Stat,
    },
    /// To [`Request::Multi`] and [`Request::MultiRead`]: an answer each.
    Many(Vec<Result<Answer, Code>>),
}

const CHECK: i32 = 13;
const CREATE: i32 = 1;
const DELETE: i32 = 2;
const ERROR: i32 = -1;
const GET_CHILDREN: i32 = 8;
const GET_DATA: i32 = 4;
const SET_DATA: i32 = 5;

impl Request {
    /// The number of its kind.
    pub fn number(&self) -> i32 {
        match self {
            Request::Create { .. } => CREATE,
            Request::Delete { .. } => DELETE,
            Request::Exists { .. } => 3,
            Request::GetData { .. } => GET_DATA,
            Request::SetData { .. } => SET_DATA,
            Request::GetChildren { .. } => 12,
            Request::Sync { .. } => 9,
            Request::Check { .. } => CHECK,
            Request::Reconfig { .. } => 16,
            Request::Multi(_) => 14,
            Request::MultiRead(_) => 22,
        }
    }

    /// Appends its arguments.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Request::Create { path, data, mode } => {
                out.put_text(path);
                out.put_bytes(data);
                // One entry: everybody may do everything.
                out.put_int(1);
                out.put_int(0x1f);
                out.put_text("world");
                out.put_text("anyone");
                out.put_int(*mode as i32);
            }
            Request::Delete { path, version } | Request::Check { path, version } => {
                out.put_text(path);
                out.put_int(*version);
            }
            Request::Exists { path, watch } => {
                out.put_text(path);
                out.put_bool(*watch);
            }
            Request::GetData { path } | Request::GetChildren { path } => {
                out.put_text(path);
                out.put_bool(false);
            }
            Request::SetData { path, data, version } => {
                out.put_text(path);
                out.put_bytes(data);
                out.put_int(*version);
            }
            Request::Sync { path } => out.put_text(path),
            Request::Reconfig { joining, leaving } => {
                // The third would be all members; the number says of which configuration the change starts: of any.
                for text in [joining, leaving, &None] {
                    match text {
                        Some(text) => out.put_text(text),
                        None => out.put_int(-1),
                    }
                }
                out.put_long(-1);
            }
            Request::Multi(parts) | Request::MultiRead(parts) => {
                for part in parts {
                    // Transactions know children without the state of their parent only.
                    let number = if let Request::GetChildren { .. } = part { GET_CHILDREN } else { part.number() };
                    put_part_header(out, number, false);
                    part.put(out);
                }
                put_part_header(out, -1, true);
            }
        }
    }

    /// Reads the answer to it.
    ///
    /// # Errors
    /// When the bytes are no such answer.
    pub fn answer(&self, body: &[u8]) -> Result<Answer, Senseless> {
        let mut take = Take(body);
        Ok(match self {
            Request::Create { .. } => Answer::Created { path: take.text()? },
            Request::Delete { .. } | Request::Sync { .. } | Request::Check { .. } => Answer::Done,
            Request::Exists { .. } | Request::SetData { .. } => Answer::Stat(stat(&mut take)?),
            Request::GetData { .. } | Request::Reconfig { .. } => {
                Answer::Data { data: take.bytes()?.to_vec(), stat: stat(&mut take)? }
            }
            Request::GetChildren { .. } => Answer::Children { names: take.texts()?, stat: stat(&mut take)? },
            Request::Multi(parts) | Request::MultiRead(parts) => Answer::Many(many(parts.len(), &mut take)?),
        })
    }
}

fn put_part_header(out: &mut Vec<u8>, number: i32, done: bool) {
    out.put_int(number);
    out.put_bool(done);
    out.put_int(-1);
}

fn many(count: usize, take: &mut Take) -> Result<Vec<Result<Answer, Code>>, Senseless> {
    let mut answers = Vec::new();
    loop {
        let (number, done, _) = (take.int()?, take.bool()?, take.int()?);
        if done {
            let complete = answers.len() == count;
            return if complete { Ok(answers) } else { Err(Senseless("an answer is missing")) };
        }
        answers.push(match number {
            ERROR => Err(Code(take.int()?)),
            CREATE => Ok(Answer::Created { path: take.text()? }),
            DELETE | CHECK => Ok(Answer::Done),
            SET_DATA => Ok(Answer::Stat(stat(take)?)),
            GET_DATA => Ok(Answer::Data { data: take.bytes()?.to_vec(), stat: stat(take)? }),
            GET_CHILDREN => Ok(Answer::Children { names: take.texts()?, stat: Stat::default() }),
            _ => return Err(Senseless("an answer of an unknown kind")),
        });
    }
}

fn stat(take: &mut Take) -> Result<Stat, Senseless> {
    let (czxid, mzxid, _ctime, _mtime) = (take.long()?, take.long()?, take.long()?, take.long()?);
    let (version, _cversion, _aversion) = (take.int()?, take.int()?, take.int()?);
    let (ephemeral_owner, _length, _children) = (take.long()?, take.int()?, take.int()?);
    Ok(Stat { czxid, mzxid, version, ephemeral_owner, pzxid: take.long()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(out: &mut Vec<u8>, number: i32, code: i32) {
        out.put_int(number);
        out.put_bool(number == -1 && code == -1);
        out.put_int(code);
    }

    #[test]
    fn a_refused_transaction_tells_which_part_is_at_fault() {
        let set = |path: &str| Request::SetData { path: path.into(), data: vec![], version: 3 };
        let request = Request::Multi(vec![set("/a"), set("/b"), set("/c")]);
        let mut body = Vec::new();
        for code in [0, -103, -2] {
            body.put_int(ERROR);
            body.put_bool(false);
            body.put_int(code);
            body.put_int(code);
        }
        part(&mut body, -1, -1);
        let codes = [0, -103, -2].map(|code| Err(Code(code)));
        assert_eq!(request.answer(&body), Ok(Answer::Many(codes.into())));
    }

    #[test]
    fn an_answer_that_is_cut_short_makes_no_sense() {
        let request = Request::MultiRead(vec![Request::GetData { path: "/a".into() }]);
        let mut body = Vec::new();
        part(&mut body, -1, -1);
        assert_eq!(request.answer(&body), Err(Senseless("an answer is missing")));
        assert!(Request::GetData { path: "/a".into() }.answer(&[0, 0, 0, 0, 1]).is_err());
    }
}
