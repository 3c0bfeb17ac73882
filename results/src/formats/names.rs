//! How a foreign history names what squall numbers, for who writes it down again.

use super::datum::Datum;
use super::numbering::Numbering;
use crate::call::{Account, Key, Value};

/// The names of a history. A number that has none stands for itself.
#[derive(Clone, Copy, Default)]
pub struct Names<'a> {
    pub(super) numberings: Option<Numberings<'a>>,
}

/// What is numbered.
#[derive(Clone, Copy)]
pub(super) struct Numberings<'a> {
    pub values: &'a Numbering,
    pub keys: &'a Numbering,
    pub accounts: &'a Numbering,
    pub processes: &'a Numbering,
}

impl Names<'_> {
    pub(super) fn value(&self, value: Value) -> Datum {
        self.name(value, |all| all.values)
    }

    pub(super) fn key(&self, key: Key) -> Datum {
        i64::try_from(key).map_or_else(|_| Datum::Number(key.to_string().into()), |key| self.name(key, |all| all.keys))
    }

    pub(super) fn account(&self, account: Account) -> Datum {
        self.name(account.into(), |all| all.accounts)
    }

    pub(super) fn process(&self, process: u64) -> Datum {
        let number = || Datum::Number(process.to_string().into());
        i64::try_from(process).map_or_else(|_| number(), |process| self.name(process, |all| all.processes))
    }

    fn name<'b>(&'b self, number: i64, which: impl Fn(&Numberings<'b>) -> &'b Numbering) -> Datum {
        let named = self.numberings.as_ref().and_then(|all| which(all).name(number));
        named.cloned().unwrap_or(Datum::Int(number))
    }
}
