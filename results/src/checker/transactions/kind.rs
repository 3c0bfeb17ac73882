//! The kinds of anomalies, and which isolation levels each rules out.
//!
//! The cycles are those of Adya's thesis (see [`isolation`](crate::isolation)); G-nonadjacent is the cycle that snapshot
//! isolation forbids by its other definition, in which no two anti-dependencies follow each other: Cerone and Gotsman,
//! *Analysing Snapshot Isolation*, JACM 2018. The names of what a single read shows: Kingsbury and Alvaro, *Elle: Inferring
//! Isolation Anomalies from Experimental Observations*, VLDB 2020.

use crate::isolation::{Base, Level, Order};

/// What a cycle of dependencies is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Writes after writes alone.
    G0,
    /// Writes and reads of what was written.
    G1c,
    /// One read of what was then overwritten.
    GSingle,
    /// Several such reads, no two of them next to each other.
    GNonadjacent,
    /// Such reads anywhere.
    G2,
}

/// A kind of anomaly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A list with an element in it twice.
    Duplicate,
    /// A value that nobody wrote.
    Phantom,
    /// A cycle, which rests on the data and perhaps on an order beside it.
    Cycle(Class, Order),
    /// A read of what a failed transaction wrote.
    AbortedRead,
    /// A read of what its writer wrote over in the same transaction.
    IntermediateRead,
    /// A committed write over that of a failed transaction.
    DirtyUpdate,
    /// Two reads of a list of which neither begins with the other.
    IncompatibleOrder,
    /// Two transactions that both read the same version and both wrote the next.
    LostUpdate,
    /// A transaction that contradicts itself.
    Internal,
}

impl Kind {
    /// Its name in the literature, or in words.
    pub fn name(self) -> &'static str {
        use {Class as C, Order as O};
        match self {
            Kind::Duplicate => "duplicate elements",
            Kind::Phantom => "phantom value",
            Kind::AbortedRead => "aborted read (G1a)",
            Kind::IntermediateRead => "intermediate read (G1b)",
            Kind::DirtyUpdate => "dirty update",
            Kind::IncompatibleOrder => "incompatible orders",
            Kind::LostUpdate => "lost update",
            Kind::Internal => "internal inconsistency",
            Kind::Cycle(C::G0, O::Data) => "G0",
            Kind::Cycle(C::G0, O::Session) => "G0-process",
            Kind::Cycle(C::G0, O::RealTime) => "G0-realtime",
            Kind::Cycle(C::G1c, O::Data) => "G1c",
            Kind::Cycle(C::G1c, O::Session) => "G1c-process",
            Kind::Cycle(C::G1c, O::RealTime) => "G1c-realtime",
            Kind::Cycle(C::GSingle, O::Data) => "G-single",
            Kind::Cycle(C::GSingle, O::Session) => "G-single-process",
            Kind::Cycle(C::GSingle, O::RealTime) => "G-single-realtime",
            Kind::Cycle(C::GNonadjacent, O::Data) => "G-nonadjacent",
            Kind::Cycle(C::GNonadjacent, O::Session) => "G-nonadjacent-process",
            Kind::Cycle(C::GNonadjacent, O::RealTime) => "G-nonadjacent-realtime",
            Kind::Cycle(C::G2, O::Data) => "G2-item",
            Kind::Cycle(C::G2, O::Session) => "G2-item-process",
            Kind::Cycle(C::G2, O::RealTime) => "G2-item-realtime",
        }
    }

    /// The weakest levels that it rules out, and with them all that imply one of them.
    fn rules_out_from(self) -> (&'static [Base], Order) {
        const BELOW_SERIALIZABLE: &[Base] = &[Base::SnapshotIsolation, Base::RepeatableRead];
        match self {
            Kind::Duplicate | Kind::Phantom => (&[Base::ReadUncommitted], Order::Data),
            Kind::AbortedRead | Kind::IntermediateRead | Kind::DirtyUpdate | Kind::IncompatibleOrder => {
                (&[Base::ReadCommitted], Order::Data)
            }
            Kind::LostUpdate | Kind::Internal => (BELOW_SERIALIZABLE, Order::Data),
            Kind::Cycle(Class::G0, order) => (&[Base::ReadUncommitted], order),
            Kind::Cycle(Class::G1c, order) => (&[Base::ReadCommitted], order),
            Kind::Cycle(Class::GSingle | Class::GNonadjacent, order) => (BELOW_SERIALIZABLE, order),
            Kind::Cycle(Class::G2, order) => (&[Base::RepeatableRead], order),
        }
    }

    /// Whether a history with this anomaly does not keep to `level`.
    pub fn rules_out(self, level: Level) -> bool {
        let (bases, order) = self.rules_out_from();
        bases.iter().any(|base| level.implies(Level { base: *base, order }))
    }

    /// Whether this one says at least as much as `other`, which need not be told beside it.
    pub(super) fn covers(self, other: Kind) -> bool {
        match (self, other) {
            (Kind::Cycle(one, order), Kind::Cycle(class, other)) => one <= class && order <= other,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anomalies_rule_levels_out() {
        let check = |kind: Kind, level: &str, expected: bool| {
            assert_eq!(kind.rules_out(level.parse().unwrap()), expected, "{} at {level}", kind.name());
        };
        let cycle = |class| Kind::Cycle(class, Order::Data);
        check(cycle(Class::G0), "read-uncommitted", true);
        check(cycle(Class::G1c), "read-uncommitted", false);
        check(cycle(Class::G1c), "read-committed", true);
        check(cycle(Class::GSingle), "read-committed", false);
        check(cycle(Class::GSingle), "snapshot-isolation", true);
        check(cycle(Class::GNonadjacent), "snapshot-isolation", true);
        check(cycle(Class::G2), "snapshot-isolation", false);
        check(cycle(Class::G2), "strong-snapshot-isolation", false);
        check(cycle(Class::G2), "repeatable-read", true);
        check(cycle(Class::G2), "serializable", true);
        check(Kind::Cycle(Class::GSingle, Order::RealTime), "serializable", false);
        check(Kind::Cycle(Class::GSingle, Order::RealTime), "strong-session-serializable", false);
        check(Kind::Cycle(Class::GSingle, Order::Session), "strict-serializable", true);
        check(Kind::AbortedRead, "read-uncommitted", false);
        check(Kind::Internal, "read-committed", false);
        check(Kind::LostUpdate, "repeatable-read", true);
    }
}
