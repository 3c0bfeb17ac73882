//! What a call asks of raftd: one request, or a look first and then a change that depends on what was seen.
//!
//! | object | where it is kept |
//! |---|---|
//! | register 7 | key `r7` |
//! | set 7 | set `s7` |
//! | list 7 | key `l7`: a JSON array |
//! | lock 7 | lock `k7` |
//! | bank 7 | key `b7`: how many accounts; keys `b7.0`, `b7.1`, ...: their balances |

use crate::client::Reads;
use hyper::Method;
use serde_json::{Value as Json, json};
use squall_results::Call;
use squall_results::call::{Account, Key};

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// The body.
    pub body: Option<Json>,
}

/// How a call begins.
#[derive(Debug, Clone, PartialEq)]
pub enum First {
    /// With a question, which changes nothing.
    Look(Request),
    /// With a change, which may be repeated in a session.
    Change(Request),
}

/// How a client looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Linearizably.
    ReadIndex,
    /// Linearizably, by the leader's lease while it has one.
    Lease,
    /// As the member asked has applied it.
    Local,
}

impl Mode {
    /// What the way to read called `name` means to a client that reads so.
    pub fn of(name: &str, reads: Reads) -> Mode {
        match (reads, name) {
            (Reads::Chosen, super::LOCAL) => Mode::Local,
            (Reads::Chosen, super::LEASE) => Mode::Lease,
            (Reads::Chosen | Reads::Strongest, _) => Mode::ReadIndex,
        }
    }
}

/// The first request of `call`. What a change builds on is always read linearizably.
pub fn first(call: &Call, mode: Mode) -> First {
    match call {
        Call::Read { key } => First::Look(get(register(*key), mode)),
        Call::Write { key, value } => {
            let body = json!({ "value": value.to_string() });
            First::Change(Request { method: Method::PUT, path: format!("/v1/kv/{}", register(*key)), body: Some(body) })
        }
        Call::Cas { key, expect, value } => {
            let expect = expect.map(|expect| expect.to_string());
            First::Change(cas(&register(*key), expect.as_deref(), &value.to_string()))
        }
        Call::Add { key, element } => {
            First::Change(post(format!("/v1/sets/s{key}/add"), json!({ "element": element.to_string() })))
        }
        Call::Elements { key } => {
            First::Look(Request { method: Method::GET, path: looking(format!("/v1/sets/s{key}"), mode), body: None })
        }
        Call::AddToList { key, .. } => First::Look(get(list(*key), Mode::ReadIndex)),
        Call::List { key } => First::Look(get(list(*key), mode)),
        Call::Open { key, balances } => First::Change(open(*key, balances)),
        Call::Transfer { key, from, to, .. } => {
            First::Look(snapshot(&[account(*key, *from), account(*key, *to)], Mode::ReadIndex))
        }
        Call::Accounts { key } => First::Look(get(format!("b{key}"), mode)),
        call => unreachable!("raft does not support {call}, and the plan was checked"),
    }
}

/// The key of a register.
fn register(key: Key) -> String {
    format!("r{key}")
}

/// The key of a list.
pub fn list(key: Key) -> String {
    format!("l{key}")
}

/// The key of an account.
pub fn account(bank: Key, account: Account) -> String {
    format!("b{bank}.{account}")
}

/// Swaps the value of a key.
pub fn cas(key: &str, expect: Option<&str>, value: &str) -> Request {
    post(format!("/v1/kv/{key}/cas"), json!({ "expect": expect, "value": value }))
}

/// Reads several keys at one moment.
pub fn snapshot(keys: &[String], mode: Mode) -> Request {
    let reads: Vec<Json> = keys.iter().map(|key| json!({ "read": { "key": key } })).collect();
    post(looking("/v1/txn".into(), mode), json!({ "operations": reads }))
}

/// Writes several keys, if each of them still has this version; 0: it is absent.
pub fn write_all<'a>(keys: impl Iterator<Item = (&'a str, u64, String)>) -> Request {
    let (mut conditions, mut operations) = (Vec::new(), Vec::new());
    for (key, version, value) in keys {
        conditions.push(json!({ "key": key, "version": version }));
        operations.push(json!({ "write": { "key": key, "value": value } }));
    }
    post("/v1/txn".into(), json!({ "conditions": conditions, "operations": operations }))
}

fn open(key: Key, balances: &[i64]) -> Request {
    let accounts = (0..).zip(balances).map(|(number, balance)| (account(key, number), balance.to_string()));
    let all: Vec<(String, String)> =
        [(format!("b{key}"), balances.len().to_string())].into_iter().chain(accounts).collect();
    write_all(all.iter().map(|(key, value)| (key.as_str(), 0, value.clone())))
}

/// Reads a key.
pub fn get(key: String, mode: Mode) -> Request {
    Request { method: Method::GET, path: looking(format!("/v1/kv/{key}"), mode), body: None }
}

fn post(path: String, body: Json) -> Request {
    Request { method: Method::POST, path, body: Some(body) }
}

fn looking(path: String, mode: Mode) -> String {
    match mode {
        Mode::ReadIndex => path,
        Mode::Lease => format!("{path}?lease=true"),
        Mode::Local => format!("{path}?local=true"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_read_holds_for_what_only_observes() {
        let calls =
            [Call::Read { key: 1 }, Call::Elements { key: 1 }, Call::List { key: 1 }, Call::Accounts { key: 1 }];
        for call in calls {
            assert!(call.kind().only_observes());
            let path = |mode| match first(&call, mode) {
                First::Look(request) => request.path,
                First::Change(request) => panic!("{call} asks for {request:?}"),
            };
            assert!(path(Mode::of("local", Reads::Chosen)).ends_with("?local=true"), "{call}");
            assert!(path(Mode::of("lease", Reads::Chosen)).ends_with("?lease=true"), "{call}");
            let strongest = ["local", "lease"].map(|name| Mode::of(name, Reads::Strongest));
            for mode in strongest.into_iter().chain([Mode::of("read-index", Reads::Chosen)]) {
                assert!(!path(mode).contains('?'), "{call}");
            }
        }
    }

    #[test]
    fn a_change_builds_on_what_is_linearizable() {
        let transfer = Call::Transfer { key: 1, from: 0, to: 2, amount: 5 };
        for call in [Call::AddToList { key: 1, element: 3 }, transfer] {
            for mode in [Mode::Local, Mode::Lease] {
                assert_eq!(first(&call, mode), first(&call, Mode::ReadIndex), "{call}");
            }
        }
    }
}
