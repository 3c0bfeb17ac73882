//! What is wrong with a lock, as people tell it.

use super::hold::{End, Hold};
use crate::call::Key;
use crate::checker::accusation::Accusation;
use crate::words::Instants;

/// What is wrong; the least is the clearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Two processes held the lock at the same time.
    TwoHolders,
    /// Two holders got the same token.
    TokenRepeated,
    /// A later holder got a lesser token.
    TokenNotGrown,
}

impl Kind {
    /// In the field's words.
    pub fn name(self) -> &'static str {
        match self {
            Kind::TwoHolders => "two holders",
            Kind::TokenRepeated => "token repeated",
            Kind::TokenNotGrown => "token not grown",
        }
    }
}

/// `first` held the lock when `second` got it.
pub(super) fn two_holders<'a>(key: Key, first: &Hold<'a>, second: &Hold<'a>) -> Accusation<'a, Kind> {
    let instants = Instants::new([first.from_ns, first.until_ns, second.from_ns, second.until_ns]);
    let (from, until, taken) =
        (instants.show(first.from_ns), instants.show(first.until_ns), instants.show(second.from_ns));
    let end = match first.end {
        End::Release => "when it gave it back",
        End::Learnt => "when it learnt that it had lost it",
        End::Calculated => "as long as it could rely on it",
        End::Unknown => "at least",
    };
    let told = format!(
        "process {} held the lock from {from} s, when its acquire returned, to {until} s, {end}; but process {} held it \
         from {taken} s",
        first.acquire.process, second.acquire.process
    );
    let witnesses = [Some(first.acquire), first.release, second.release].into_iter().flatten().collect();
    Accusation { kind: Kind::TwoHolders, key, told, contradiction: second.acquire, witnesses }
}

/// `second` got the token of `first`.
pub(super) fn token_repeated<'a>(key: Key, first: &Hold<'a>, second: &Hold<'a>) -> Accusation<'a, Kind> {
    let told = format!(
        "process {} and process {} both took the lock under the token {}",
        first.acquire.process, second.acquire.process, first.token
    );
    let witnesses = vec![first.acquire];
    Accusation { kind: Kind::TokenRepeated, key, told, contradiction: second.acquire, witnesses }
}

/// `second` began after `first` had its token, and got a lesser one.
pub(super) fn token_not_grown<'a>(key: Key, first: &Hold<'a>, second: &Hold<'a>) -> Accusation<'a, Kind> {
    let instants = Instants::of([first.acquire, second.acquire]);
    let told = format!(
        "process {} had taken the lock under the token {} by {} s; process {} took it later, from {} s on, under the lesser \
         token {}, so that a write of the first would pass as the newer one",
        first.acquire.process,
        first.token,
        instants.show(first.from_ns),
        second.acquire.process,
        instants.show(second.acquire.invoked_ns),
        second.token
    );
    Accusation { kind: Kind::TokenNotGrown, key, told, contradiction: second.acquire, witnesses: vec![first.acquire] }
}
