//! What is wrong with versions, told.

use super::writes::{Clash, ClashKind, Placed};
use crate::call::{Call, Key, Reply};
use crate::checker::accusation::Accusation;
use crate::history::Operation;
use crate::words::Instants;

/// The kinds of contradiction, the clearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::checker) enum Kind {
    TwoWrites,
    TwoContents,
    NoWrite,
    Nothing,
    StaleRead,
    NonMonotonic,
    Future,
    AgainstTime,
    Swap,
    Comparison,
    Edits,
}

impl Kind {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::TwoWrites => "two writes of one version",
            Kind::TwoContents => "two contents of one version",
            Kind::NoWrite => "version of no write",
            Kind::Nothing => "version of nothing",
            Kind::StaleRead => "stale read",
            Kind::NonMonotonic => "non-monotonic reads",
            Kind::Future => "read from the future",
            Kind::AgainstTime => "versions against time",
            Kind::Swap => "swap of another version",
            Kind::Comparison => "wrong comparison",
            Kind::Edits => "edits miscounted",
        }
    }
}

/// An accusation that names its operations in order.
pub(in crate::checker) fn accuse<'a, K>(
    kind: K,
    key: Key,
    contradiction: &'a Operation,
    witnesses: Vec<&'a Operation>,
    tell: impl FnOnce(&Instants) -> String,
) -> Accusation<'a, K> {
    let instants = Instants::of(witnesses.iter().copied().chain([contradiction]));
    Accusation { kind, key, told: tell(&instants), contradiction, witnesses }
}

/// What an operation did, at which version: `process 4 read 3 on n1 (12.200 to 12.214 s) at version 9`.
pub(in crate::checker) fn tell(operation: &Operation, at: &Instants) -> String {
    let version = match operation.reply() {
        Some(Reply::Read { version, .. } | Reply::Written { version }) => version.map(|version| version.order),
        _ => None,
    };
    match version {
        Some(version) => format!("{} at version {version}", at.tell(operation)),
        None => at.tell(operation),
    }
}

/// A clash between answers about one version.
pub(super) fn clash<'a>(key: Key, clash: &Clash<'a>) -> Accusation<'a, Kind> {
    let Clash { why, one, other, order } = *clash;
    let kind = match why {
        ClashKind::TwoWrites => Kind::TwoWrites,
        ClashKind::TwoContents => Kind::TwoContents,
        ClashKind::NoWrite => Kind::NoWrite,
        ClashKind::Nothing => Kind::Nothing,
    };
    accuse(kind, key, one, other.into_iter().collect(), |at| {
        let (told, other) = (tell(one, at), other.map(|other| tell(other, at)));
        match (why, other) {
            (ClashKind::NoWrite, Some(other)) => {
                format!("{told}, but no call can have written that value at version {order}: {other}")
            }
            (ClashKind::NoWrite, None) => format!("{told}, but no call can have written that value"),
            (ClashKind::Nothing, _) => format!("{told}: nothing has a version, or something has none"),
            (_, Some(other)) => format!("version {order} is given twice: {other}, and {told}"),
            (_, None) => told,
        }
    })
}

/// Two operations that stand in time the other way round than by their versions: `later` in time has the smaller.
pub(super) fn against_time<'a>(key: Key, earlier: &'a Operation, later: &'a Operation) -> Accusation<'a, Kind> {
    let is_read = |operation: &Operation| matches!(operation.call, Call::Read { .. });
    let kind = match (is_read(earlier), is_read(later)) {
        (true, true) => Kind::NonMonotonic,
        (false, true) => Kind::StaleRead,
        (_, false) => Kind::AgainstTime,
    };
    accuse(kind, key, later, vec![earlier], |at| format!("{}, but later {}", tell(earlier, at), tell(later, at)))
}

/// A write that was called for after its version, or a later one, had been shown.
pub(super) fn too_late<'a>(key: Key, write: &'a Operation, order: u64, shown: &Placed<'a>) -> Accusation<'a, Kind> {
    let shown_by = shown.shown_by;
    if shown.order == order {
        return accuse(Kind::Future, key, shown_by, vec![write], |at| {
            format!("{}, which was written only later: {}", tell(shown_by, at), tell(write, at))
        });
    }
    accuse(Kind::AgainstTime, key, write, vec![shown_by], |at| {
        format!(
            "{}, but what was called for later has the smaller version {order}: {}",
            tell(shown_by, at),
            tell(write, at)
        )
    })
}
