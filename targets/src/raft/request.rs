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
use squall_results::call::{Account, Key, ListStep, Step, Value};
use std::collections::{BTreeMap, BTreeSet};

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
        Call::Transaction { steps } => {
            let parts: Vec<Json> = steps.iter().map(register_step).collect();
            match call.only_observes() {
                true => First::Look(post(looking("/v1/txn".into(), mode), json!({ "operations": parts }))),
                false => First::Change(post("/v1/txn".into(), json!({ "operations": parts }))),
            }
        }
        Call::ListTransaction { steps } if call.only_observes() => {
            let keys: Vec<String> = steps.iter().map(|step| list(step.key())).collect();
            First::Look(snapshot(&keys, mode))
        }
        // What is appended to has to be known first.
        Call::ListTransaction { steps } => First::Look(snapshot(&appended(steps), Mode::ReadIndex)),
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

fn register_step(step: &Step) -> Json {
    match step {
        Step::Read { key } => reading(&register(*key)),
        Step::Write { key, value } => writing(&register(*key), &value.to_string()),
    }
}

fn reading(key: &str) -> Json {
    json!({ "read": { "key": key } })
}

fn writing(key: &str, value: &str) -> Json {
    json!({ "write": { "key": key, "value": value } })
}

/// The keys that the steps of a transaction read, in order.
pub fn read_in(call: &Call) -> Vec<String> {
    match call {
        Call::Transaction { steps } => {
            steps.iter().filter(|step| matches!(step, Step::Read { .. })).map(|step| register(step.key())).collect()
        }
        Call::ListTransaction { steps } => {
            steps.iter().filter(|step| matches!(step, ListStep::Read { .. })).map(|step| list(step.key())).collect()
        }
        _ => Vec::new(),
    }
}

/// The keys of the lists that are appended to, each once.
pub fn appended(steps: &[ListStep]) -> Vec<String> {
    let keys: BTreeSet<Key> =
        steps.iter().filter(|step| matches!(step, ListStep::Append { .. })).map(ListStep::key).collect();
    keys.into_iter().map(list).collect()
}

/// The steps of a transaction on lists, where each list that is appended to held these elements at this version, and has it
/// still. Reads are made by the same transaction, and each sees the appends before it.
///
/// # Errors
/// When a list cannot be written as text.
pub fn append_all(steps: &[ListStep], held: &BTreeMap<String, (u64, Vec<Value>)>) -> Result<Request, String> {
    let conditions: Vec<Json> =
        held.iter().map(|(key, (version, _))| json!({ "key": key, "version": version })).collect();
    let mut lists: BTreeMap<&str, Vec<Value>> =
        held.iter().map(|(key, (_, elements))| (key.as_str(), elements.clone())).collect();
    let mut operations = Vec::new();
    for step in steps {
        let key = list(step.key());
        operations.push(match step {
            ListStep::Read { .. } => reading(&key),
            ListStep::Append { element, .. } => {
                let elements = lists.get_mut(key.as_str()).ok_or_else(|| format!("{key} was not read"))?;
                elements.push(*element);
                writing(&key, &serde_json::to_string(elements).map_err(|error| error.to_string())?)
            }
        });
    }
    Ok(post("/v1/txn".into(), json!({ "conditions": conditions, "operations": operations })))
}

/// Reads several keys at one moment.
pub fn snapshot(keys: &[String], mode: Mode) -> Request {
    let reads: Vec<Json> = keys.iter().map(|key| reading(key)).collect();
    post(looking("/v1/txn".into(), mode), json!({ "operations": reads }))
}

/// Writes several keys, if each of them still has this version; 0: it is absent.
pub fn write_all<'a>(keys: impl Iterator<Item = (&'a str, u64, String)>) -> Request {
    let (mut conditions, mut operations) = (Vec::new(), Vec::new());
    for (key, version, value) in keys {
        conditions.push(json!({ "key": key, "version": version }));
        operations.push(writing(key, &value));
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
    fn a_transaction_of_reads_is_a_look_and_others_are_changes() {
        let read = Step::Read { key: 1 };
        let reads = Call::Transaction { steps: vec![read.clone(), read.clone()] };
        let First::Look(look) = first(&reads, Mode::Local) else { panic!("a look") };
        assert_eq!(look.path, "/v1/txn?local=true");
        let mixed = Call::Transaction { steps: vec![read, Step::Write { key: 2, value: 5 }] };
        let First::Change(change) = first(&mixed, Mode::Local) else { panic!("a change") };
        assert_eq!(change.path, "/v1/txn");
        let operations = json!([{ "read": { "key": "r1" } }, { "write": { "key": "r2", "value": "5" } }]);
        assert_eq!(change.body, Some(json!({ "operations": operations })));
        let appends = ListStep::Append { key: 3, element: 1 };
        let lists = Call::ListTransaction { steps: vec![ListStep::Read { key: 4 }, appends] };
        assert_eq!(first(&lists, Mode::Local), First::Look(snapshot(&["l3".into()], Mode::ReadIndex)));
    }

    #[test]
    fn appends_are_written_in_their_order_between_the_reads() {
        let append = |element| ListStep::Append { key: 3, element };
        let read = |key| ListStep::Read { key };
        let steps = [append(7), read(3), append(8), read(4)];
        let held = BTreeMap::from([("l3".to_owned(), (12, vec![6]))]);
        let body = append_all(&steps, &held).unwrap().body.unwrap();
        assert_eq!(body["conditions"], json!([{ "key": "l3", "version": 12 }]));
        let written = |value: &str| json!({ "write": { "key": "l3", "value": value } });
        let read = |key: &str| json!({ "read": { "key": key } });
        assert_eq!(body["operations"], json!([written("[6,7]"), read("l3"), written("[6,7,8]"), read("l4")]));
        assert!(append_all(&steps, &BTreeMap::new()).is_err(), "nobody read it");
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
