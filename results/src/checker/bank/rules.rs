//! The judgement of each bank by its books.

use super::books::{Books, NoBooks, is_opening_recorded, shows_open};
use super::tell::{Counts, Kind, accuse, tell, verdict};
use super::{NAME, by_key, reads};
use crate::call::{Call, Key};
use crate::checker::Budget;
use crate::checker::accusation::Accusation;
use crate::checker::patience::Patience;
use crate::event::PhaseName;
use crate::history::{History, Operation};
use crate::verdict::{Promise, Verdict};

/// By what banks are judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub promise: Promise,
    /// Whether accounts may hold less than nothing.
    pub may_owe: bool,
    /// Whether banks may have been open before the history.
    pub may_be_older: bool,
}

/// What was found out about all banks.
#[derive(Default)]
struct Found<'a> {
    accusations: Vec<Accusation<'a, Kind>>,
    /// Why some banks could not be judged.
    open: Vec<String>,
    counts: Counts,
}

impl Rules {
    /// Judges every bank.
    pub fn judge(&self, history: &History, budget: &Budget) -> Verdict {
        let patience = Patience::new(budget);
        let final_ns = history.phase_ns(PhaseName::FinalReads);
        let mut found = Found::default();
        for (key, operations) in &by_key(history) {
            if let Some(why) = patience.ended() {
                found.open.push(format!("{why} before bank {key}; a larger budget would help"));
                break;
            }
            self.judge_bank(*key, operations, final_ns, &mut found);
            found.counts.add(operations);
        }
        verdict(NAME, found.accusations, &found.open, &found.counts)
    }

    fn judge_bank<'a>(&self, key: Key, operations: &[&'a Operation], final_ns: Option<u64>, found: &mut Found<'a>) {
        let open: Vec<&Operation> = operations.iter().copied().filter(|one| shows_open(one)).collect();
        if reads(operations.iter().copied()).next().is_none() {
            found.open.extend((!open.is_empty()).then(|| format!("bank {key} was never read")));
            return;
        }
        let is_older = self.may_be_older && !is_opening_recorded(operations);
        let books = match is_older {
            true => Books::of_first_read(operations, self.may_owe).ok_or(NoBooks::NeverOpened),
            false => Books::of_opening(operations, self.may_owe),
        };
        let books = match books {
            Ok(books) => Some(books),
            Err(NoBooks::NeverOpened) => None,
            Err(NoBooks::Doubtful) => {
                found.open.push(format!("bank {key} may have been opened with different balances"));
                return;
            }
        };
        let accused = found.accusations.len();
        for (read, balances) in reads(operations.iter().copied()) {
            found.accusations.extend(match &books {
                _ if balances.is_empty() => self.closed(key, read, &open, final_ns),
                Some(books) => books.complain(balances).map(|(kind, why)| {
                    let witnesses = if read.id == books.by.id { vec![] } else { vec![books.by] };
                    accuse(kind, key, read, witnesses, |at| format!("{}: {why}", tell(read, balances, at)))
                }),
                None => Some(accuse(Kind::NeverOpened, key, read, vec![], |at| {
                    format!("{}, but nobody had opened the bank", tell(read, balances, at))
                })),
            });
        }
        if is_older && found.accusations.len() == accused {
            found.open.extend(nothing_shown(key, operations, &open));
        }
    }

    /// Accuses a read that found no accounts, if it had to know that the bank was open, as `open` show.
    fn closed<'a>(
        &self,
        key: Key,
        read: &'a Operation,
        open: &[&'a Operation],
        final_ns: Option<u64>,
    ) -> Option<Accusation<'a, Kind>> {
        let is_final = final_ns.is_some_and(|final_ns| read.invoked_ns >= final_ns);
        let by_time = is_final || self.promise == Promise::Linearizable;
        let before = |one: &Operation| {
            let returned = one.returned_ns.is_some_and(|returned_ns| returned_ns < read.invoked_ns);
            let own = one.process == read.process && (one.invoked_ns, one.id) < (read.invoked_ns, read.id);
            if by_time { returned } else { own }
        };
        let seen = open.iter().copied().find(|one| before(one))?;
        Some(accuse(Kind::Closed, key, read, vec![seen], |at| {
            format!("{}, but the bank was open before: {}", tell(read, &Default::default(), at), at.tell(seen))
        }))
    }
}

/// Why the reads of a bank that was open before the history say nothing of it, if they do not: what the first one found is
/// no news of itself once money may have moved. Where an opening failed, no accounts are what there is.
fn nothing_shown(key: Key, operations: &[&Operation], open: &[&Operation]) -> Option<String> {
    let full = reads(operations.iter().copied()).filter(|(_, balances)| !balances.is_empty());
    let in_vain = || open.is_empty() && operations.iter().any(|one| matches!(one.call, Call::Open { .. }));
    let may_move = |one: &&Operation| matches!(one.call, Call::Transfer { .. }) && !one.outcome.is_fail();
    match full.take(2).count() {
        0 if !in_vain() => Some(format!("no read of bank {key} found any accounts")),
        1 if operations.iter().any(may_move) => {
            Some(format!("bank {key} was read once, so that there is nothing to compare that with"))
        }
        _ => None,
    }
}
