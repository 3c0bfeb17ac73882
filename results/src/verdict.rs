//! What the checkers say, with their evidence: the contents of `verdict.json`.

use crate::history::Operation;
use crate::isolation::Level;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The consistency that a target claims, and that a verdict is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Promise {
    /// Every operation takes effect at one instant between its invocation and its return (Herlihy and Wing, 1990).
    Linearizable,
    /// Some order of all operations is legal and keeps each process's own order (Lamport, 1979). Reads may be old.
    Sequential,
}

impl Promise {
    /// All promises that can be asked for, the strongest first.
    pub const ALL: [Promise; 2] = [Promise::Linearizable, Promise::Sequential];
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Promise::Linearizable => "linearizable",
            Promise::Sequential => "sequential",
        })
    }
}

/// The answer of a checker. The order is that of precedence: the worst of several answers is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// The promise was kept.
    Valid,
    /// The checker cannot tell; the verdict says why.
    Unknown,
    /// The promise was broken; the verdict holds the evidence.
    Invalid,
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Validity::Valid => "valid",
            Validity::Unknown => "unknown",
            Validity::Invalid => "invalid",
        })
    }
}

/// What one checker says about a history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The checker's name.
    pub checker: String,
    /// Its answer.
    pub validity: Validity,
    /// One sentence: why unknown, what is wrong, or what was established.
    pub reason: String,
    /// The evidence of an invalid history, the clearest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Anomaly>,
    /// Figures worth keeping: keys, operations, configurations, seconds. For people.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, f64>,
}

/// A set of operations that no legal order explains, with what a person needs to see that it is so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// The kind, in the field's words: `stale read`, `lost update`, `not linearizable`, ...
    pub kind: String,
    /// The contradiction told in a sentence or two, with processes, values and times in seconds.
    pub told: String,
    /// The key it is about.
    pub key: u64,
    /// Where the contradiction lies: from the first to the last instant that matters.
    pub from_ns: u64,
    /// See `from_ns`.
    pub to_ns: u64,
    /// The operations around the contradiction, by invocation.
    pub operations: Vec<AnomalyOperation>,
    /// Longest legal orders: each explains all that could be explained, and stops. Checkers that look for no order have
    /// none.
    #[serde(default)]
    pub prefixes: Vec<LegalPrefix>,
    /// The smallest set of operations that is still a violation; `None`: the checker does not look for one, or its
    /// budget did not suffice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimal: Option<Minimal>,
    /// Of transactions that each come before the next, and the last before the first: why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
}

/// Why one transaction comes before another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dependency {
    /// The operation that comes first.
    pub from: u64,
    /// The operation that comes after it.
    pub to: u64,
    /// How, in a few characters: `rw 4: 7`, `real time: 12.000 ms`.
    pub label: String,
}

/// A smallest set of operations that is still a violation: every legal order of the whole history would give a legal
/// order of these alone, and they have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Minimal {
    /// The operations, by invocation.
    pub operations: Vec<u64>,
    /// Those of them of which only the effect counts, whatever they found: a swap that stands here as a mere write.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effect_only: Vec<u64>,
    /// What the object may have held before them, for people: `7`, `nil`. From each of these they contradict each other.
    pub starts: Vec<String>,
    /// Everything up to this instant is accounted for by `starts`; `None`: they begin with the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ns: Option<u64>,
    /// Whether it was shown that no single one can be taken away. Otherwise the budget ended before.
    pub smallest: bool,
    /// Whether the bare search of the checker, without any reduction, found that they have no legal order.
    pub verified: bool,
}

/// One operation around a contradiction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnomalyOperation {
    /// The operation itself, so that the evidence stands alone.
    pub operation: Operation,
    /// Its part in the story.
    pub role: Role,
}

/// The part of an operation in an anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The operation that cannot be placed in any legal order.
    Contradiction,
    /// An operation that the told contradiction rests on.
    Witness,
    /// Went on at the same time.
    Context,
}

/// A longest legal order of operations, and why each operation that would have to come next cannot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegalPrefix {
    /// How many operations the order holds in all.
    pub length: usize,
    /// Its last operations, by number, oldest first.
    pub last: Vec<u64>,
    /// The state after them, for people: `7`, `nil`.
    pub state: String,
    /// Why each operation that is still to be placed cannot come next.
    pub refused: Vec<Refusal>,
}

/// Why an operation cannot come next in a legal order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The operation.
    pub op: u64,
    /// Why: `it read 3, but the register holds 7`.
    pub why: String,
}

/// What all checkers together say: the contents of `verdict.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The worst answer.
    pub validity: Validity,
    /// The promise that the history was judged at.
    pub promise: Promise,
    /// The isolation level, where transactions were judged at one: it stands in the place of the promise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Each checker's answer.
    pub verdicts: Vec<Verdict>,
    /// Whether the target served when it had to: a verdict of its own, which decides nothing about the promise. `None`: there was
    /// no storm, or the record states no bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<Verdict>,
    /// The same history at a stronger promise, which the target does not give: for people to know, it decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Box<Judgement>>,
}

impl Judgement {
    /// Puts the verdicts together; the worst decides. Without any verdict nothing is known.
    pub fn new(promise: Promise, verdicts: Vec<Verdict>) -> Judgement {
        let validity = verdicts.iter().map(|verdict| verdict.validity).max().unwrap_or(Validity::Unknown);
        Judgement { validity, promise, level: None, verdicts, liveness: None, beside: None }
    }

    /// What a run comes to in one word: the promise, or [`Validity::Invalid`] if the target did not serve when it had to.
    pub fn worst(&self) -> Validity {
        let is_dead = self.liveness.as_ref().is_some_and(|verdict| verdict.validity == Validity::Invalid);
        if is_dead { Validity::Invalid } else { self.validity }
    }

    /// What the judgement says in two or three words: `linearizable`, `not linearizable`, `whether linearizable`. Of locks
    /// it says whether they exclude, whatever was promised for reads.
    pub fn about(&self) -> String {
        let locks = self.verdicts.iter().any(|verdict| verdict.checker == crate::checker::mutex::NAME);
        let promise = self.level.map_or_else(|| self.promise.to_string(), |level| level.to_string());
        match (self.validity, locks) {
            (Validity::Valid, false) => promise,
            (Validity::Invalid, false) => format!("not {promise}"),
            (Validity::Unknown, false) => format!("whether {promise}"),
            (Validity::Valid, true) => "mutual exclusion".into(),
            (Validity::Invalid, true) => "no mutual exclusion".into(),
            (Validity::Unknown, true) => "whether mutual exclusion".into(),
        }
    }

    /// All anomalies of all verdicts, the clearest of each checker first.
    pub fn anomalies(&self) -> impl Iterator<Item = &Anomaly> {
        self.verdicts.iter().flat_map(|verdict| verdict.anomalies.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_judgement_is_about_its_promise_or_about_locks() {
        let verdict = |checker: &str, validity| {
            let (checker, reason) = (checker.into(), String::new());
            Verdict { checker, validity, reason, anomalies: Vec::new(), figures: BTreeMap::new() }
        };
        let about = |checker, validity| Judgement::new(Promise::Sequential, vec![verdict(checker, validity)]).about();
        assert_eq!(about("set", Validity::Valid), "sequential");
        assert_eq!(about("set", Validity::Invalid), "not sequential");
        assert_eq!(about("set", Validity::Unknown), "whether sequential");
        assert_eq!(about("mutex", Validity::Valid), "mutual exclusion");
        assert_eq!(about("mutex", Validity::Invalid), "no mutual exclusion");
        assert_eq!(about("mutex", Validity::Unknown), "whether mutual exclusion");
    }

    #[test]
    fn anomalies_of_older_builds_are_read() {
        let old = r#"{"kind":"stale read","told":"","key":3,"from_ns":1,"to_ns":2,"operations":[],"prefixes":[]}"#;
        let anomaly: Anomaly = serde_json::from_str(old).unwrap();
        assert_eq!(anomaly.minimal, None);
        assert_eq!(serde_json::to_string(&anomaly).unwrap(), old);
    }
}
