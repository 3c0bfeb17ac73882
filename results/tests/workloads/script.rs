//! Histories as text.
//!
//! ```text
//! == name: what it is
//! linearizable valid
//! sequential invalid lost element
//! 0 | add 1      | 0 10  | ok
//! final
//! 1 | elements   | 20 30 | 1 2
//! ```
//!
//! A line is process, call, invocation and return in milliseconds (`-`: none), outcome. A call may begin with its key
//! (`k3 read`; 0 where it is missing). Outcomes: `ok`, `ok@7` with a version, `ok@7,2` with edits too, `fail`, `?`, and
//! what was read. After `final` the final reads begin.

use squall_results::call::{Key, Value, Version};
use squall_results::event::{Phase, PhaseName};
use squall_results::{Call, History, Operation, Outcome, Promise, Reply};

/// A history and what is expected of it.
pub struct Golden {
    pub name: String,
    /// For each promise the validity and, of an invalid one, the kind of its only or first anomaly.
    pub expected: Vec<(Promise, String, String)>,
    pub history: History,
}

/// All histories of a text.
pub fn parse(text: &str) -> Vec<Golden> {
    let blocks = text.split("\n== ").skip(1);
    blocks.map(golden).collect()
}

fn golden(block: &str) -> Golden {
    let mut lines = block.lines();
    let title = lines.next().expect("a title");
    let (name, about) = title.split_once(": ").unwrap_or_else(|| panic!("`{title}` says what it is"));
    assert!(!about.is_empty());
    let mut golden = Golden { name: name.into(), expected: Vec::new(), history: History::default() };
    for line in lines.map(str::trim).filter(|line| !line.is_empty()) {
        let promise = Promise::ALL.into_iter().find(|promise| line.starts_with(&promise.to_string()));
        if let Some(promise) = promise {
            let mut words = line.splitn(3, ' ').skip(1);
            let validity = words.next().expect("a validity").to_owned();
            golden.expected.push((promise, validity, words.next().unwrap_or_default().to_owned()));
        } else if line == "final" {
            let last = golden.history.operations.iter().map(|operation| operation.invoked_ns).max().unwrap_or(0);
            golden.history.phases.push(Phase { at_ns: last + 1, name: PhaseName::FinalReads });
        } else {
            let id = golden.history.operations.len() as u64;
            golden.history.operations.push(operation(id, line));
        }
    }
    golden.history.operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    golden
}

fn operation(id: u64, line: &str) -> Operation {
    let parts: Vec<&str> = line.split('|').map(str::trim).collect();
    let [process, call, times, outcome] = parts[..] else { panic!("`{line}` has four parts") };
    let process = number(process) as u64;
    let call = self::call(call);
    let (invoked, returned) = times.split_once(' ').expect("two instants");
    let ms = |text: &str| number(text) as u64 * 1_000_000;
    let invoked_ns = ms(invoked);
    let returned_ns = (returned.trim() != "-").then(|| ms(returned.trim()));
    let outcome = self::outcome(&call, outcome);
    let node = format!("n{}", process % 3 + 1);
    Operation { id, process, node, call, due_ns: invoked_ns, invoked_ns, returned_ns, outcome }
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is a number"))
}

fn optional(text: &str) -> Option<Value> {
    (text != "nil").then(|| number(text))
}

fn call(text: &str) -> Call {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let mut key: Key = 0;
    if let Some(named) = words[0].strip_prefix('k') {
        key = number(named) as Key;
        words.remove(0);
    }
    let numbers = || words[1..].iter().map(|word| number(word));
    match (words[0], &words[1..]) {
        ("read", []) => Call::Read { key },
        ("write", [value]) => Call::Write { key, value: number(value) },
        ("cas", [expect, value]) => Call::Cas { key, expect: optional(expect), value: number(value) },
        ("add", [element]) => Call::Add { key, element: number(element) },
        ("elements", []) => Call::Elements { key },
        ("open", _) => Call::Open { key, balances: numbers().collect() },
        ("move", [amount, from, to]) => {
            Call::Transfer { key, amount: number(amount), from: number(from) as u32, to: number(to) as u32 }
        }
        ("accounts", []) => Call::Accounts { key },
        _ => panic!("`{text}` is no call"),
    }
}

fn outcome(call: &Call, text: &str) -> Outcome {
    let (body, version) = match text.split_once('@') {
        Some((body, version)) => (body, Some(self::version(version))),
        None => (text, None),
    };
    if body == "fail" {
        return Outcome::Fail("refused".into());
    }
    if body == "?" {
        return Outcome::Unknown("no answer".into());
    }
    let words = || body.split_whitespace();
    Outcome::Ok(match (call, body) {
        (_, "ne") => Reply::NotEqual,
        (_, "little") => Reply::TooLittle,
        (Call::Read { .. }, value) => Reply::Read { value: optional(value), version },
        (Call::Write { .. } | Call::Cas { .. }, "ok") => Reply::Written { version },
        (Call::Add { .. }, "ok") => Reply::Added { version },
        (Call::Elements { .. }, _) => Reply::Elements { elements: words().map(number).collect(), version },
        (Call::Open { .. }, "ok") => Reply::Opened,
        (Call::Transfer { .. }, "ok") => Reply::Transferred,
        (Call::Accounts { .. }, _) => {
            let pairs = words().map(|pair| pair.split_once(':').expect("account:balance"));
            Reply::Accounts { balances: pairs.map(|(account, held)| (number(account) as u32, number(held))).collect() }
        }
        _ => panic!("`{text}` is no outcome of {call}"),
    })
}

fn version(text: &str) -> Version {
    match text.split_once(',') {
        Some((order, edits)) => Version { order: number(order) as u64, edits: Some(number(edits) as u64) },
        None => Version::at(number(text) as u64),
    }
}
