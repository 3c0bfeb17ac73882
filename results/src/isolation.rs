//! Isolation levels of transactions, and which of them imply which.
//!
//! The base levels are those of Adya, *Weak Consistency: A Generalized Theory and Optimistic Implementations for Distributed
//! Transactions* (MIT, 1999): read uncommitted is his PL-1, read committed PL-2, repeatable read PL-2.99, serializable PL-3,
//! snapshot isolation PL-SI. Each may also keep the order of every session (*strong session*: Daudjee and Salem, *Lazy
//! Database Replication with Ordering Guarantees*, ICDE 2004) or real time (*strong*); strong serializable is called strict
//! serializable. How they lie to each other: Bailis et al., *Highly Available Transactions: Virtues and Limitations*, VLDB 2014.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a level says of single transactions, without any order beside that of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Base {
    /// No dirty writes.
    ReadUncommitted,
    /// Nor dirty reads.
    ReadCommitted,
    /// All reads from one snapshot, and no two writers of one object at the same time.
    SnapshotIsolation,
    /// What was read stays as it was until the end.
    RepeatableRead,
    /// As if one transaction came after the other.
    Serializable,
}

/// Which order between transactions a level keeps, beside that of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    /// None.
    Data,
    /// That of every session.
    Session,
    /// Real time: what ended comes before what began later.
    RealTime,
}

impl Order {
    /// All orders, the weakest first.
    pub const ALL: [Order; 3] = [Order::Data, Order::Session, Order::RealTime];
}

/// An isolation level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Level {
    /// What it says of single transactions.
    pub base: Base,
    /// Which order it keeps.
    pub order: Order,
}

impl Level {
    /// The strongest level.
    pub const STRICT_SERIALIZABLE: Level = Level { base: Base::Serializable, order: Order::RealTime };

    const BASES: [Base; 5] =
        [Base::ReadUncommitted, Base::ReadCommitted, Base::SnapshotIsolation, Base::RepeatableRead, Base::Serializable];

    /// All levels, each after those that it implies.
    pub fn all() -> impl Iterator<Item = Level> {
        Order::ALL.into_iter().flat_map(|order| Level::BASES.into_iter().map(move |base| Level { base, order }))
    }

    /// Whether whatever keeps to this level keeps to `other` too.
    pub fn implies(self, other: Level) -> bool {
        let base = match (self.base, other.base) {
            // Neither implies the other.
            (Base::RepeatableRead, Base::SnapshotIsolation) => false,
            (one, other) => one >= other,
        };
        base && self.order >= other.order
    }

    /// The levels out of `levels` that no other one of them implies.
    pub fn strongest(levels: &[Level]) -> Vec<Level> {
        let is_implied = |level: &Level| levels.iter().any(|other| other != level && other.implies(*level));
        levels.iter().copied().filter(|level| !is_implied(level)).collect()
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = match self.base {
            Base::ReadUncommitted => "read-uncommitted",
            Base::ReadCommitted => "read-committed",
            Base::SnapshotIsolation => "snapshot-isolation",
            Base::RepeatableRead => "repeatable-read",
            Base::Serializable => "serializable",
        };
        match (self.order, self.base) {
            (Order::Data, _) => f.pad(base),
            (Order::Session, _) => f.pad(&format!("strong-session-{base}")),
            (Order::RealTime, Base::Serializable) => f.pad("strict-serializable"),
            (Order::RealTime, _) => f.pad(&format!("strong-{base}")),
        }
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Level, String> {
        Level::all().find(|level| level.to_string() == text).ok_or_else(|| {
            let known: Vec<String> = Level::all().map(|level| level.to_string()).collect();
            format!("there is no isolation level called `{text}`; there are: {}", known.join(", "))
        })
    }
}

impl TryFrom<String> for Level {
    type Error = String;

    fn try_from(text: String) -> Result<Level, String> {
        text.parse()
    }
}

impl From<Level> for String {
    fn from(level: Level) -> String {
        level.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_has_its_name() {
        for level in Level::all() {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert!("serialisable".parse::<Level>().unwrap_err().contains("strict-serializable"));
    }

    #[test]
    fn levels_imply_those_below_them() {
        let check = |one: &str, other: &str, expected: bool| {
            let [a, b]: [Level; 2] = [one, other].map(|name| name.parse().unwrap());
            assert_eq!(a.implies(b), expected, "{one} implies {other}");
        };
        check("strict-serializable", "read-uncommitted", true);
        check("strict-serializable", "strong-snapshot-isolation", true);
        check("serializable", "repeatable-read", true);
        check("serializable", "snapshot-isolation", true);
        check("repeatable-read", "snapshot-isolation", false);
        check("snapshot-isolation", "repeatable-read", false);
        check("serializable", "strong-session-serializable", false);
        check("strong-session-read-committed", "read-committed", true);
    }

    #[test]
    fn only_the_strongest_remain() {
        let all: Vec<Level> = Level::all().collect();
        assert_eq!(Level::strongest(&all), [Level::STRICT_SERIALIZABLE]);
        let plain: Vec<Level> = all.into_iter().filter(|level| level.base < Base::Serializable).collect();
        let names: Vec<String> = Level::strongest(&plain).iter().map(Level::to_string).collect();
        assert_eq!(names, ["strong-snapshot-isolation", "strong-repeatable-read"]);
    }
}
