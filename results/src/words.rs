//! Operations and instants as people tell them, wherever they are told: by checkers, pictures, the page, the terminal.

use crate::call::{Call, Reply, Shown};
use crate::history::Operation;
use crate::model::{AnyCall, AnyReply};
use crate::outcome::Outcome;

/// Instants in seconds, with milliseconds, or with as many digits more as it takes to tell the given ones apart.
#[derive(Debug, Clone, Copy)]
pub struct Instants {
    digits: usize,
}

impl Instants {
    /// Instants that are told together.
    pub fn new(instants_ns: impl IntoIterator<Item = u64>) -> Instants {
        let mut all: Vec<u64> = instants_ns.into_iter().filter(|at_ns| *at_ns != u64::MAX).collect();
        all.sort_unstable();
        all.dedup();
        let told_apart = |digits: &usize| {
            let shown = |at_ns: u64| round(at_ns, *digits);
            all.windows(2).all(|pair| shown(pair[0]) != shown(pair[1]))
        };
        Instants { digits: [3, 6].into_iter().find(told_apart).unwrap_or(9) }
    }

    /// The instants of operations.
    pub fn of<'a, C: 'a, R: 'a>(operations: impl IntoIterator<Item = &'a Operation<C, R>>) -> Instants {
        Instants::new(operations.into_iter().flat_map(Instants::ends))
    }

    /// When an operation began, and when it returned.
    pub fn ends<C, R>(operation: &Operation<C, R>) -> [u64; 2] {
        [operation.invoked_ns, operation.returned_ns.unwrap_or(operation.invoked_ns)]
    }

    /// One instant, without the unit.
    pub fn show(&self, at_ns: u64) -> String {
        let unit = 10_u64.pow(9 - self.digits as u32);
        let parts = round(at_ns, self.digits);
        let whole = 1_000_000_000 / unit;
        format!("{}.{:0digits$}", parts / whole, parts % whole, digits = self.digits)
    }

    /// When an operation was under way: `12.200 to 12.214 s`.
    pub fn span<C, R>(&self, operation: &Operation<C, R>) -> String {
        match (&operation.outcome, operation.returned_ns) {
            (Outcome::Ok(_) | Outcome::Fail(_), Some(returned_ns)) => {
                format!("{} to {} s", self.show(operation.invoked_ns), self.show(returned_ns))
            }
            _ => format!("from {} s on", self.show(operation.invoked_ns)),
        }
    }

    /// What an operation did, and when: `process 4 read 3 on n1 (12.200 to 12.214 s)`.
    pub fn tell<C: AnyCall, R: AnyReply>(&self, operation: &Operation<C, R>) -> String {
        format!("{} ({})", deed(&operation.recorded()), self.span(operation))
    }
}

/// In parts of a second, so that the order of instants is kept (cut off, not rounded).
fn round(at_ns: u64, digits: usize) -> u64 {
    at_ns / 10_u64.pow(9 - digits as u32)
}

/// What an operation did: `process 4 read 3 on n1`.
fn deed(operation: &Operation) -> String {
    let Operation { process, node, call, outcome, .. } = operation;
    let did = match (call, outcome) {
        (Call::Read { .. }, Outcome::Ok(Reply::Read { value, .. })) => format!("read {}", Shown(*value)),
        (Call::Write { value, .. }, Outcome::Ok(Reply::Written { .. })) => format!("wrote {value}"),
        (Call::Cas { expect, value, .. }, Outcome::Ok(Reply::Written { .. })) => {
            format!("swapped {} for {value}", Shown(*expect))
        }
        (Call::Cas { expect, .. }, Outcome::Ok(Reply::NotEqual)) => format!("found no {} to swap", Shown(*expect)),
        (Call::Add { element, .. } | Call::AddToList { element, .. }, Outcome::Ok(Reply::Added { .. })) => {
            format!("added {element}")
        }
        (Call::Elements { .. } | Call::List { .. } | Call::Accounts { .. }, Outcome::Ok(reply)) => {
            format!("read {reply}")
        }
        (Call::Transfer { from, to, amount, .. }, Outcome::Ok(Reply::Transferred)) => {
            format!("moved {amount} from {from} to {to}")
        }
        (call, Outcome::Ok(reply)) => format!("called {call} and got {reply}"),
        (call, Outcome::Fail(_) | Outcome::Unknown(_)) => format!("called {call}"),
    };
    let end = match outcome {
        Outcome::Ok(_) => "",
        Outcome::Fail(_) => ", which failed",
        Outcome::Unknown(_) => " and got no answer",
    };
    format!("process {process} {did}{}{end}", on(node))
}

/// ` on n1`; nothing where nobody noted the node.
pub(crate) fn on(node: &str) -> String {
    if node.is_empty() { String::new() } else { format!(" on {node}") }
}

/// A count and its noun: `1 bank`, `2 banks`.
pub(crate) fn counted(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// The most characters of an operation in short.
const SHORT_MAX: usize = 72;

impl Operation {
    /// What was asked and answered, in a few words: `read → 3`, `write 7`, `cas 3→7: not equal`, `write 7 → ?`.
    pub fn in_short(&self) -> String {
        let asked = match &self.call {
            Call::Cas { expect, value, .. } => format!("cas {}→{value}", Shown(*expect)),
            call => call.to_string(),
        };
        let short = match &self.outcome {
            Outcome::Unknown(_) => format!("{asked} → ?"),
            Outcome::Fail(_) => format!("{asked}: failed"),
            Outcome::Ok(reply) if self.kind().only_observes() => format!("{asked} → {reply}"),
            Outcome::Ok(reply) => match (reply.to_string(), &self.call) {
                (reply, Call::Cas { .. }) if reply == "ok" => format!("{asked} ok"),
                (reply, _) if reply == "ok" => asked,
                (reply, _) => format!("{asked}: {reply}"),
            },
        };
        cut(&short, SHORT_MAX)
    }
}

/// `text`, or as many characters of its beginning as there may be, with an ellipsis.
pub fn cut(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn in_short(call: Call, outcome: Outcome) -> String {
        let (invoked_ns, returned_ns) = (1, Some(2));
        Operation { id: 0, process: 0, node: "n1".into(), call, due_ns: 1, invoked_ns, returned_ns, outcome }.in_short()
    }

    #[test]
    fn operations_are_told_in_a_few_words() {
        let (key, version) = (0, None);
        let unknown = || Outcome::Unknown("no answer".into());
        let cas = || Call::Cas { key, expect: Some(3), value: 7 };
        let balances: BTreeMap<u32, i64> = (0..20).map(|account| (account, 1_000)).collect();
        let cases = [
            (Call::Read { key }, Outcome::Ok(Reply::Read { value: Some(3), version }), "read → 3"),
            (Call::Read { key }, Outcome::Fail("refused".into()), "read: failed"),
            (Call::Write { key, value: 7 }, Outcome::Ok(Reply::Written { version }), "write 7"),
            (Call::Write { key, value: 7 }, unknown(), "write 7 → ?"),
            (cas(), Outcome::Ok(Reply::Written { version }), "cas 3→7 ok"),
            (cas(), Outcome::Ok(Reply::NotEqual), "cas 3→7: not equal"),
            (Call::Add { key, element: 5 }, Outcome::Ok(Reply::Added { version }), "add 5"),
            (
                Call::Elements { key },
                Outcome::Ok(Reply::Elements { elements: vec![1, 5], version }),
                "read all → {1, 5}",
            ),
            (Call::Acquire { key }, Outcome::Ok(Reply::Acquired { token: 9, until_ns: None }), "acquire: token 9"),
        ];
        for (call, outcome, expected) in cases {
            assert_eq!(in_short(call, outcome), expected);
        }
        let long = in_short(Call::Accounts { key }, Outcome::Ok(Reply::Accounts { balances }));
        assert!(long.starts_with("read accounts → 0: 1000, ") && long.ends_with('…'), "{long}");
        assert_eq!(long.chars().count(), SHORT_MAX + 1);
    }
}
