//! Whether the money of each bank stays in it: the total of all accounts never changes, no balance is negative, no
//! account is missing and none comes from nowhere.
//!
//! A read of all accounts is made at one moment, so at every promise it shows a bank as it was at some time, and each of
//! these holds at every time. What differs by promise is only whether a bank may look unopened: not to a read that begins
//! after somebody saw it open ([`Promise::Linearizable`], and final reads), or to the process that saw it
//! ([`Promise::Sequential`]). Whether each balance is right is the business of
//! [`Linearizable`] with the model [`Bank`].

mod books;
mod rules;
mod tell;

use crate::call::{Account, Call, Key, Reply};
use crate::checker::linearizable::Linearizable;
use crate::checker::{Budget, Checker};
use crate::event::PhaseName;
use crate::history::{History, Operation};
use crate::model::Bank;
use crate::verdict::{Promise, Verdict};
use rules::Rules;
use std::collections::{BTreeMap, BTreeSet};

/// The checker's name.
pub const NAME: &str = "bank";

/// Judges the transactions of each bank where reads may be old: whether all that was opened and transferred, and what the
/// final reads saw, has a legal order. A transfer that was acknowledged and rolled back leaves every total right, and
/// shows only here. As in [`versions`](super::versions), changes are taken to be made in real time at every promise; and
/// so are the final reads, which use the target's strongest way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Transactions;

impl Checker for Transactions {
    fn name(&self) -> &'static str {
        "transactions"
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let final_ns = history.phase_ns(PhaseName::FinalReads).unwrap_or(u64::MAX);
        let may_be_old =
            |operation: &&Operation| matches!(operation.call, Call::Accounts { .. }) && operation.invoked_ns < final_ns;
        let judged = history.operations.iter().filter(|operation| !may_be_old(operation)).cloned();
        let history = History { operations: judged.collect(), ..History::default() };
        let verdict = Linearizable::new(Bank).check(&history, budget);
        Verdict { checker: self.name().into(), ..verdict }
    }
}

/// Judges totals and balances; see the [module](self). No bank has accounts before the history.
#[derive(Debug, Clone, Copy)]
pub struct Totals {
    /// What the target promises.
    pub promise: Promise,
}

impl Checker for Totals {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        Rules { promise: self.promise, may_owe: false, may_be_older: false }.judge(history, budget)
    }
}

/// Judges totals and balances of banks of which some may have been open before the history. What such a bank must hold is
/// what its first read found: the same accounts, the same total. That is what Jepsen's bank test judges, and what snapshot
/// isolation promises. A bank whose opening is in the history must hold what it was opened with.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForeignTotals {
    /// Whether accounts may hold less than nothing.
    pub allow_negative: bool,
}

impl Checker for ForeignTotals {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let (promise, may_owe) = (Promise::Linearizable, self.allow_negative);
        Rules { promise, may_owe, may_be_older: true }.judge(history, budget)
    }
}

/// The banks of which the history says how they were opened.
pub(crate) fn opened_in(history: &History) -> BTreeSet<Key> {
    let of_key = by_key(history).into_iter();
    of_key.filter(|(_, operations)| books::is_opening_recorded(operations)).map(|(key, _)| key).collect()
}

fn by_key(history: &History) -> BTreeMap<Key, Vec<&Operation>> {
    let mut by_key: BTreeMap<Key, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        by_key.entry(operation.call.key()).or_default().push(operation);
    }
    by_key
}

/// The reads of accounts among `operations`, with what each found.
pub(crate) fn reads<'a>(
    operations: impl IntoIterator<Item = &'a Operation>,
) -> impl Iterator<Item = (&'a Operation, &'a BTreeMap<Account, i64>)> {
    operations.into_iter().filter_map(|operation| match operation.reply() {
        Some(Reply::Accounts { balances }) => Some((operation, balances)),
        _ => None,
    })
}
