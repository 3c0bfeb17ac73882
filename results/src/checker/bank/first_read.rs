//! Banks whose opening is not in the history: what they must hold follows from the first read.

use super::{Counts, Kind, NAME, accuse, reads, tell, verdict};
use crate::call::{Account, Key};
use crate::checker::patience::Patience;
use crate::checker::{Budget, Checker};
use crate::history::{History, Operation};
use crate::verdict::Verdict;
use std::collections::BTreeMap;

/// Judges every read of a bank by the first: the same accounts, the same total. That is what Jepsen's bank test judges, and
/// what snapshot isolation promises.
#[derive(Debug, Clone, Copy, Default)]
pub struct FromFirstRead {
    /// Whether accounts may hold less than nothing.
    pub allow_negative: bool,
}

impl Checker for FromFirstRead {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let patience = Patience::new(budget);
        let mut by_key: BTreeMap<Key, Vec<&Operation>> = BTreeMap::new();
        for operation in &history.operations {
            by_key.entry(operation.call.key()).or_default().push(operation);
        }
        let (mut accusations, mut open, mut counts) = (Vec::new(), Vec::new(), Counts::default());
        for (key, operations) in &by_key {
            if let Some(why) = patience.ended() {
                open.push(format!("{why} before bank {key}; a larger budget would help"));
                break;
            }
            counts.add(operations);
            let mut found = reads(operations.iter().copied()).filter(|(_, balances)| !balances.is_empty());
            let Some((first, balances)) = found.next() else {
                open.push(format!("bank {key} was never read"));
                continue;
            };
            let rest = found.chain([(first, balances)]);
            accusations.extend(rest.filter_map(|(read, held)| {
                let (kind, why) = self.complain(balances, held)?;
                let witnesses = if read.id == first.id { vec![] } else { vec![first] };
                Some(accuse(kind, *key, read, witnesses, |at| format!("{}: {why}", tell(read, held, at))))
            }));
        }
        verdict(self.name(), accusations, &open, &counts)
    }
}

impl FromFirstRead {
    /// What is wrong with the balances that a read found, if anything is; `first` was found at first.
    fn complain(&self, first: &BTreeMap<Account, i64>, held: &BTreeMap<Account, i64>) -> Option<(Kind, String)> {
        if let Some(account) = first.keys().find(|account| !held.contains_key(account)) {
            return Some((Kind::Missing, format!("account {account} is missing, which the first read has")));
        }
        if let Some(account) = held.keys().find(|account| !first.contains_key(account)) {
            return Some((Kind::Extra, format!("there is an account {account}, which the first read has not")));
        }
        let total = |of: &BTreeMap<Account, i64>| of.values().map(|held| i128::from(*held)).sum::<i128>();
        if total(held) != total(first) {
            let (found, right) = (total(held), total(first));
            return Some((Kind::WrongTotal, format!("that is {found} in all; the first read has {right}")));
        }
        let negative = held.iter().find(|(_, held)| **held < 0 && !self.allow_negative);
        negative.map(|(account, held)| (Kind::Negative, format!("account {account} holds {held}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::{Call, Reply};
    use crate::outcome::Outcome;
    use crate::verdict::Validity;

    fn read(id: u64, balances: &[(Account, i64)]) -> Operation {
        let reply = Reply::Accounts { balances: balances.iter().copied().collect() };
        let (invoked_ns, returned_ns) = (id * 10, Some(id * 10 + 5));
        let (node, call, due_ns) = ("n1".into(), Call::Accounts { key: 0 }, invoked_ns);
        Operation { id, process: 0, node, call, due_ns, invoked_ns, returned_ns, outcome: Outcome::Ok(reply) }
    }

    #[test]
    fn every_read_holds_what_the_first_one_holds() {
        let check = |allow_negative, later: &[(Account, i64)], expected: Result<(), &str>| {
            let operations = vec![read(0, &[(1, 7), (2, 3)]), read(1, later)];
            let history = History { operations, ..History::default() };
            let found = FromFirstRead { allow_negative }.check(&history, &Budget::default());
            let kinds: Vec<&str> = found.anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect();
            match expected {
                Ok(()) => assert_eq!(found.validity, Validity::Valid, "{later:?}: {kinds:?}"),
                Err(kind) => assert_eq!((found.validity, kinds), (Validity::Invalid, vec![kind]), "{later:?}"),
            }
        };
        check(false, &[(1, 0), (2, 10)], Ok(()));
        check(false, &[(1, 0), (2, 9)], Err("wrong total"));
        check(false, &[(1, 10)], Err("missing account"));
        check(false, &[(1, 7), (2, 3), (3, 0)], Err("extra account"));
        check(false, &[(1, -1), (2, 11)], Err("negative balance"));
        check(true, &[(1, -1), (2, 11)], Ok(()));
    }

    #[test]
    fn without_a_read_nothing_is_known() {
        let history = History { operations: vec![read(0, &[])], ..History::default() };
        let found = FromFirstRead::default().check(&history, &Budget::default());
        assert_eq!(found.validity, Validity::Unknown, "{}", found.reason);
    }
}
