//! What a bank must hold, and who says so.

use super::reads;
use super::tell::Kind;
use crate::call::{Account, Call, Reply};
use crate::history::Operation;
use std::collections::{BTreeMap, BTreeSet};

/// What a bank must hold.
pub(super) struct Books<'a> {
    accounts: BTreeSet<Account>,
    total: i128,
    /// Whether accounts may hold less than nothing.
    may_owe: bool,
    /// Who says so.
    pub by: &'a Operation,
    /// How: `the bank was opened with`.
    how: &'static str,
}

/// Why a bank has no books.
pub(super) enum NoBooks {
    /// Nobody can have opened it.
    NeverOpened,
    /// It may have been opened in different ways.
    Doubtful,
}

/// The calls that can have opened a bank, and with what. One that failed did not, and one that found accounts did not
/// either.
fn openings<'a>(operations: &[&'a Operation]) -> impl Iterator<Item = (&'a Operation, &'a Vec<i64>)> {
    operations.iter().filter_map(|operation| match &operation.call {
        Call::Open { balances, .. } if !operation.outcome.is_fail() => {
            (operation.reply() != Some(&Reply::NotEqual)).then_some((*operation, balances))
        }
        _ => None,
    })
}

fn total<'b>(balances: impl IntoIterator<Item = &'b i64>) -> i128 {
    balances.into_iter().map(|held| i128::from(*held)).sum()
}

/// Whether an operation shows that its bank was open when it returned.
pub(super) fn shows_open(operation: &Operation) -> bool {
    match (operation.reply(), &operation.call) {
        (Some(Reply::Accounts { balances }), _) => !balances.is_empty(),
        (Some(Reply::Opened), Call::Open { balances, .. }) => !balances.is_empty(),
        (Some(Reply::Transferred), _) => true,
        (Some(Reply::NotEqual), Call::Open { .. }) => true,
        _ => false,
    }
}

/// Whether the opening of a bank is in the history: a call says that it opened it, or may have done so before anybody saw
/// the bank open. Otherwise it was open before.
pub(super) fn is_opening_recorded(operations: &[&Operation]) -> bool {
    let first_seen_ns = operations.iter().filter(|one| shows_open(one)).filter_map(|one| one.returned_ns).min();
    openings(operations)
        .any(|(open, _)| open.outcome.is_ok() || first_seen_ns.is_none_or(|seen_ns| open.invoked_ns <= seen_ns))
}

impl<'a> Books<'a> {
    /// The books by the call that opened the bank; where nobody knows which one did, all must agree.
    pub fn of_opening(operations: &[&'a Operation], may_owe: bool) -> Result<Books<'a>, NoBooks> {
        let all: Vec<_> = openings(operations).collect();
        let opened = all.iter().find(|(open, _)| open.reply() == Some(&Reply::Opened));
        let (by, balances) = *opened.or(all.first()).ok_or(NoBooks::NeverOpened)?;
        let agree = |(_, other): &(_, &Vec<i64>)| other.len() == balances.len() && total(*other) == total(balances);
        if opened.is_none() && !all.iter().all(agree) {
            return Err(NoBooks::Doubtful);
        }
        // Who opens a bank with debts wants them.
        let owes = all.iter().any(|(_, balances)| balances.iter().any(|held| *held < 0));
        Ok(Books {
            accounts: (0..).zip(balances).map(|(account, _)| account).collect(),
            total: total(balances),
            may_owe: may_owe || owes,
            by,
            how: "the bank was opened with",
        })
    }

    /// The books of a bank that was open before the history: what was found first.
    pub fn of_first_read(operations: &[&'a Operation], may_owe: bool) -> Option<Books<'a>> {
        let (by, balances) = reads(operations.iter().copied()).find(|(_, balances)| !balances.is_empty())?;
        let (accounts, total) = (balances.keys().copied().collect(), total(balances.values()));
        Some(Books { accounts, total, may_owe, by, how: "the first read found" })
    }

    /// What is wrong with the balances that a read found, if anything is.
    pub fn complain(&self, balances: &BTreeMap<Account, i64>) -> Option<(Kind, String)> {
        let Books { how, total: right, .. } = self;
        if let Some(account) = self.accounts.iter().find(|one| !balances.contains_key(one)) {
            return Some((Kind::Missing, format!("account {account} is missing; {how} {}", self.shown())));
        }
        if let Some(account) = balances.keys().find(|one| !self.accounts.contains(one)) {
            return Some((Kind::Extra, format!("there is an account {account}; {how} {}", self.shown())));
        }
        let found = total(balances.values());
        if found != *right {
            return Some((Kind::WrongTotal, format!("that is {found} in all; {how} {right}")));
        }
        let owing = balances.iter().find(|(_, held)| **held < 0 && !self.may_owe);
        owing.map(|(account, held)| (Kind::Negative, format!("account {account} holds {held}")))
    }

    /// The accounts, for people.
    fn shown(&self) -> String {
        let (first, last, count) = (self.accounts.first(), self.accounts.last(), self.accounts.len());
        match (first, last) {
            (Some(first), Some(last)) if first == last => format!("account {first} alone"),
            (Some(first), Some(last)) if (last - first) as usize + 1 == count => format!("accounts {first} to {last}"),
            (Some(_), Some(_)) => format!("{count} others"),
            _ => "none".into(),
        }
    }
}
