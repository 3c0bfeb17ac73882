//! What raftd's answers mean to a call.

use super::request::{self, Mode, Request};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use squall_results::call::{Account, Value, Version};
use squall_results::{Call, Reply};
use std::collections::BTreeMap;

/// What follows from what was seen.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// The call is answered.
    Reply(Reply),
    /// Something more has to be looked at.
    Look(Request),
    /// Now the change can be asked for.
    Change(Request),
    /// The call cannot be carried out; nothing has happened.
    Nothing(String),
}

/// What follows from a change that was answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Changed {
    /// The call is answered.
    Reply(Reply),
    /// What the call had seen before was no longer so, and nothing was changed. It observed nothing at one moment.
    Nothing(String),
}

#[derive(Deserialize)]
struct ReadAnswer {
    value: Option<String>,
    version: u64,
}

#[derive(Deserialize)]
struct ElementsAnswer {
    elements: Vec<String>,
    version: u64,
}

#[derive(Deserialize)]
struct WriteAnswer {
    version: u64,
}

#[derive(Deserialize)]
struct CasAnswer {
    swapped: bool,
    version: u64,
}

#[derive(Deserialize)]
struct AddAnswer {
    added: bool,
    version: u64,
}

#[derive(Deserialize)]
struct TransactionAnswer {
    committed: bool,
    results: Vec<Done>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Read {
        key: String,
        #[serde(flatten)]
        answer: ReadAnswer,
    },
    Write {},
}

/// What follows from the answer to the look of `call`.
///
/// # Errors
/// Why the answer makes no sense.
pub fn seen(call: &Call, mode: Mode, body: &[u8]) -> Result<Seen, String> {
    let reply = |reply| Ok(Seen::Reply(reply));
    match call {
        Call::Read { .. } => {
            let ReadAnswer { value, version } = parse(body)?;
            let value = value.as_deref().map(number::<Value>).transpose()?;
            reply(Reply::Read { value, version: Some(Version::at(version)) })
        }
        Call::Elements { .. } => {
            let ElementsAnswer { elements, version } = parse(body)?;
            let elements = elements.iter().map(|text| number(text)).collect::<Result<_, _>>()?;
            reply(Reply::Elements { elements, version: Some(Version::at(version)) })
        }
        Call::List { .. } => {
            let (elements, version) = list_read(body)?;
            reply(Reply::Elements { elements, version })
        }
        Call::AddToList { key, element } => {
            let ReadAnswer { value, .. } = parse(body)?;
            let mut elements = list(value.as_deref())?;
            elements.push(*element);
            let longer = serde_json::to_string(&elements).map_err(|error| error.to_string())?;
            Ok(Seen::Change(request::cas(&request::list(*key), value.as_deref(), &longer)))
        }
        Call::Transfer { key, from, to, amount } => {
            transfer(body, *amount, [*from, *to].map(|at| request::account(*key, at)))
        }
        Call::Accounts { key } => accounts(*key, mode, body),
        Call::Transaction { .. } => reply(committed(call, body)?),
        Call::ListTransaction { .. } if call.only_observes() => reply(committed(call, body)?),
        Call::ListTransaction { steps } => {
            let read = reads(body)?;
            if !read.iter().map(|(key, _)| key).eq(&request::appended(steps)) {
                return Err("it tells of other lists".into());
            }
            let held = |(key, ReadAnswer { value, version })| Ok((key, (version, list(value.as_deref())?)));
            let held: BTreeMap<_, _> = read.into_iter().map(held).collect::<Result<_, String>>()?;
            Ok(Seen::Change(request::append_all(steps, &held)?))
        }
        call => Err(format!("raft does not look before {call}")),
    }
}

/// The answer says how many accounts there are, or already what they hold.
fn accounts(key: u64, mode: Mode, body: &[u8]) -> Result<Seen, String> {
    if let Ok(ReadAnswer { value, .. }) = parse(body) {
        let count = value.as_deref().map_or(Ok(0), number::<Account>)?;
        // How many there are never changes, so that the balances alone have to be read at one moment.
        let keys: Vec<String> = (0..count).map(|number| request::account(key, number)).collect();
        return Ok(match count {
            0 => Seen::Reply(Reply::Accounts { balances: BTreeMap::new() }),
            _ => Seen::Look(request::snapshot(&keys, mode)),
        });
    }
    let results = (0..).zip(reads(body)?);
    let held =
        results.filter_map(|(at, (_, answer))| answer.value.map(|value| number(&value).map(|value| (at, value))));
    Ok(Seen::Reply(Reply::Accounts { balances: held.collect::<Result<_, _>>()? }))
}

fn transfer(body: &[u8], amount: i64, keys: [String; 2]) -> Result<Seen, String> {
    let read = reads(body)?;
    if read.len() != 2 || read.iter().zip(&keys).any(|((found, _), key)| found != key) {
        return Err("it tells of other accounts".into());
    }
    let mut held = Vec::new();
    for (key, answer) in read {
        let Some(value) = answer.value else { return Ok(Seen::Nothing(format!("the account {key} does not exist"))) };
        held.push((answer.version, number::<i64>(&value)?));
    }
    let [(from_version, from), (to_version, to)] = held[..] else { return Err("it tells of other accounts".into()) };
    if from < amount {
        return Ok(Seen::Reply(Reply::TooLittle));
    }
    if keys[0] == keys[1] {
        // Both writes would start from the same balance, and the second one would stay.
        let unchanged = (keys[0].as_str(), from_version, from.to_string());
        return Ok(Seen::Change(request::write_all(std::iter::once(unchanged))));
    }
    let Some(sum) = to.checked_add(amount) else { return Ok(Seen::Nothing("no account can hold so much".into())) };
    let after = [
        (keys[0].as_str(), from_version, (from - amount).to_string()),
        (keys[1].as_str(), to_version, sum.to_string()),
    ];
    Ok(Seen::Change(request::write_all(after.into_iter())))
}

/// What follows from the answer to the change of `call`.
///
/// # Errors
/// Why the answer makes no sense.
pub fn changed(call: &Call, body: &[u8]) -> Result<Changed, String> {
    let at = |version| Some(Version::at(version));
    let reply = match call {
        Call::Write { .. } => Reply::Written { version: at(parse::<WriteAnswer>(body)?.version) },
        Call::Cas { .. } => match parse(body)? {
            CasAnswer { swapped: true, version } => Reply::Written { version: at(version) },
            CasAnswer { swapped: false, .. } => Reply::NotEqual,
        },
        Call::Add { .. } => {
            let AddAnswer { added, version } = parse(body)?;
            // Where the element was there before, the version is that of another addition.
            Reply::Added { version: at(version).filter(|_| added) }
        }
        Call::AddToList { .. } => match parse(body)? {
            CasAnswer { swapped: true, version } => Reply::Added { version: at(version) },
            CasAnswer { swapped: false, .. } => return Ok(Changed::Nothing("the list was changed meanwhile".into())),
        },
        Call::Transaction { .. } => committed(call, body)?,
        Call::ListTransaction { .. } if !parse::<TransactionAnswer>(body)?.committed => {
            return Ok(Changed::Nothing("a list was changed meanwhile".into()));
        }
        Call::ListTransaction { .. } => committed(call, body)?,
        Call::Open { .. } if parse::<TransactionAnswer>(body)?.committed => Reply::Opened,
        Call::Open { .. } => Reply::NotEqual,
        Call::Transfer { .. } if parse::<TransactionAnswer>(body)?.committed => Reply::Transferred,
        Call::Transfer { .. } => return Ok(Changed::Nothing("an account was changed meanwhile".into())),
        call => return Err(format!("{call} changes nothing in raft")),
    };
    Ok(Changed::Reply(reply))
}

/// What the reads of a transaction found that took place.
fn committed(call: &Call, body: &[u8]) -> Result<Reply, String> {
    let read = reads(body)?;
    if !read.iter().map(|(key, _)| key).eq(&request::read_in(call)) {
        return Err("it tells of other reads".into());
    }
    let values = read.iter().map(|(_, answer)| answer.value.as_deref());
    Ok(match call {
        Call::ListTransaction { .. } => Reply::CommittedLists { found: values.map(list).collect::<Result<_, _>>()? },
        _ => Reply::Committed { found: values.map(|value| value.map(number).transpose()).collect::<Result<_, _>>()? },
    })
}

/// The results of the reads of a transaction.
fn reads(body: &[u8]) -> Result<Vec<(String, ReadAnswer)>, String> {
    let TransactionAnswer { committed, results } = parse(body)?;
    let read = results.into_iter().filter_map(|done| match done {
        Done::Read { key, answer } => Some((key, answer)),
        Done::Write {} => None,
    });
    if committed { Ok(read.collect()) } else { Err("a transaction without conditions must take place".into()) }
}

/// The elements and the version of a list that was read.
///
/// # Errors
/// Why the answer makes no sense.
pub fn list_read(body: &[u8]) -> Result<(Vec<Value>, Option<Version>), String> {
    let ReadAnswer { value, version } = parse(body)?;
    Ok((list(value.as_deref())?, Some(Version::at(version))))
}

fn list(value: Option<&str>) -> Result<Vec<Value>, String> {
    value.map_or(Ok(Vec::new()), |text| {
        serde_json::from_str(text).map_err(|error| format!("`{text}` is no list: {error}"))
    })
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Call = Call::Read { key: 1 };
    const LIST: Call = Call::List { key: 1 };
    const MORE: Call = Call::AddToList { key: 1, element: 9 };
    const MOVE: Call = Call::Transfer { key: 1, from: 0, to: 2, amount: 5 };
    const ACCOUNTS: Call = Call::Accounts { key: 1 };

    fn look(call: &Call, body: &str) -> Result<Seen, ()> {
        seen(call, Mode::Local, body.as_bytes()).map_err(|_| ())
    }

    fn read(value: Option<Value>, version: u64) -> Result<Seen, ()> {
        Ok(Seen::Reply(Reply::Read { value, version: Some(Version::at(version)) }))
    }

    #[test]
    fn what_is_read_becomes_a_reply() {
        assert_eq!(look(&READ, r#"{"value":"7","version":3}"#), read(Some(7), 3));
        assert_eq!(look(&READ, r#"{"value":null,"version":0}"#), read(None, 0));
        assert_eq!(look(&READ, r#"{"value":"seven","version":3}"#), Err(()));
        let elements = |elements: &[Value], version| {
            Ok(Seen::Reply(Reply::Elements { elements: elements.to_vec(), version: Some(Version::at(version)) }))
        };
        let set = Call::Elements { key: 1 };
        assert_eq!(look(&set, r#"{"elements":["1","10","2"],"version":8}"#), elements(&[1, 10, 2], 8));
        assert_eq!(look(&set, r#"{"elements":["one"],"version":8}"#), Err(()));
        assert_eq!(look(&LIST, r#"{"value":"[3,1,3]","version":8}"#), elements(&[3, 1, 3], 8));
        assert_eq!(look(&LIST, r#"{"value":null,"version":0}"#), elements(&[], 0));
        assert_eq!(look(&LIST, r#"{"value":"3","version":8}"#), Err(()));
    }

    #[test]
    fn a_list_is_swapped_for_a_longer_one() {
        let swap = |expect: Option<&str>, value| Ok(Seen::Change(request::cas("l1", expect, value)));
        assert_eq!(look(&MORE, r#"{"value":"[3, 1]","version":8}"#), swap(Some("[3, 1]"), "[3,1,9]"));
        assert_eq!(look(&MORE, r#"{"value":null,"version":0}"#), swap(None, "[9]"));
    }

    /// A read of the accounts 0 and 2 of bank 1, with versions 4 and 6.
    fn both(from: &str, to: &str) -> String {
        let account = |number, value, version| {
            format!(r#"{{"read":{{"key":"b1.{number}","value":{value},"version":{version}}}}}"#)
        };
        format!(r#"{{"committed":true,"results":[{},{}]}}"#, account(0, from, 4), account(2, to, 6))
    }

    #[test]
    fn a_transfer_is_made_of_what_the_accounts_hold() {
        let after = [("b1.0", 4, "3".to_owned()), ("b1.2", 6, "6".to_owned())].into_iter();
        assert_eq!(look(&MOVE, &both(r#""8""#, r#""1""#)), Ok(Seen::Change(request::write_all(after))));
        assert_eq!(look(&MOVE, &both(r#""4""#, r#""1""#)), Ok(Seen::Reply(Reply::TooLittle)));
        assert!(matches!(look(&MOVE, &both(r#""8""#, "null")), Ok(Seen::Nothing(_))));
        assert!(matches!(look(&MOVE, &both(r#""8""#, r#""9223372036854775807""#)), Ok(Seen::Nothing(_))));
        assert_eq!(look(&Call::Transfer { key: 1, from: 1, to: 2, amount: 5 }, &both(r#""8""#, r#""1""#)), Err(()));
        // From an account to itself nothing moves, and nothing is made.
        let to_itself = Call::Transfer { key: 1, from: 0, to: 0, amount: 5 };
        let twice = both(r#""8""#, r#""8""#).replace("b1.2", "b1.0").replace("\"version\":6", "\"version\":4");
        let unchanged = std::iter::once(("b1.0", 4, "8".to_owned()));
        assert_eq!(look(&to_itself, &twice), Ok(Seen::Change(request::write_all(unchanged))));
        assert_eq!(look(&MOVE, r#"{"committed":false,"results":[]}"#), Err(()));
    }

    #[test]
    fn accounts_are_counted_and_then_read_at_one_moment() {
        let balances =
            |held: &[(Account, i64)]| Ok(Seen::Reply(Reply::Accounts { balances: held.iter().copied().collect() }));
        assert_eq!(look(&ACCOUNTS, r#"{"value":null,"version":0}"#), balances(&[]));
        let keys = ["b1.0".to_owned(), "b1.1".to_owned()];
        let reads = Ok(Seen::Look(request::snapshot(&keys, Mode::Local)));
        assert_eq!(look(&ACCOUNTS, r#"{"value":"2","version":5}"#), reads);
        assert_eq!(look(&ACCOUNTS, &both(r#""8""#, r#""1""#)), balances(&[(0, 8), (1, 1)]));
        assert_eq!(look(&ACCOUNTS, &both(r#""8""#, "null")), balances(&[(0, 8)]));
    }

    #[test]
    fn what_was_changed_becomes_a_reply() {
        let version = |version| Some(Version::at(version));
        let open = Call::Open { key: 1, balances: vec![5] };
        let (write, cas) = (Call::Write { key: 1, value: 5 }, Call::Cas { key: 1, expect: Some(4), value: 5 });
        let add = Call::Add { key: 1, element: 5 };
        let reply = |reply| Ok(Changed::Reply(reply));
        let nothing = |why: &str| Ok(Changed::Nothing(why.into()));
        for (call, body, expected) in [
            (&write, r#"{"version":4}"#, reply(Reply::Written { version: version(4) })),
            (&write, "{}", Err(())),
            (&cas, r#"{"swapped":true,"version":5}"#, reply(Reply::Written { version: version(5) })),
            (&cas, r#"{"swapped":false,"value":"9","version":5}"#, reply(Reply::NotEqual)),
            (&cas, "", Err(())),
            (&add, r#"{"added":true,"version":7}"#, reply(Reply::Added { version: version(7) })),
            (&add, r#"{"added":false,"version":7}"#, reply(Reply::Added { version: None })),
            (&MORE, r#"{"swapped":true,"version":5}"#, reply(Reply::Added { version: version(5) })),
            (&MORE, r#"{"swapped":false,"value":"[1]","version":5}"#, nothing("the list was changed meanwhile")),
            (&open, r#"{"committed":true,"results":[{"write":{"key":"b1.0","version":5}}]}"#, reply(Reply::Opened)),
            (&open, r#"{"committed":false,"results":[]}"#, reply(Reply::NotEqual)),
            (&MOVE, r#"{"committed":true,"results":[]}"#, reply(Reply::Transferred)),
            (&MOVE, r#"{"committed":false,"results":[]}"#, nothing("an account was changed meanwhile")),
            (&READ, r#"{"version":4}"#, Err(())),
        ] {
            assert_eq!(changed(call, body.as_bytes()).map_err(|_| ()), expected, "{call}: {body}");
        }
    }
}
