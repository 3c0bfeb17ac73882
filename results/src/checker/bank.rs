//! Whether the money of each bank stays in it: the total of all accounts never changes, no balance is negative, no
//! account is missing and none comes from nowhere.
//!
//! A read of all accounts is made at one moment, so at every promise it shows a bank as it was at some time, and each of
//! these holds at every time. What differs by promise is only whether a bank may look unopened: not to a read that begins
//! after somebody saw it open ([`Promise::Linearizable`], and final reads), or to the process that saw it
//! ([`Promise::Sequential`]). Whether each balance is right is the business of
//! [`Linearizable`] with the model [`Bank`].

mod first_read;

pub use first_read::FromFirstRead;

use crate::call::{Account, Call, Key, Reply};
use crate::checker::accusation::{self, Accusation};
use crate::checker::linearizable::Linearizable;
use crate::checker::patience::Patience;
use crate::checker::{Budget, Checker};
use crate::event::PhaseName;
use crate::history::{History, Operation};
use crate::model::Bank;
use crate::verdict::{Promise, Validity, Verdict};
use crate::words::{Instants, on};
use std::collections::BTreeMap;

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

/// Judges totals and balances; see the [module](self).
#[derive(Debug, Clone, Copy)]
pub struct Totals {
    /// What the target promises.
    pub promise: Promise,
}

/// The kinds of contradiction, the clearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    WrongTotal,
    Negative,
    Missing,
    Extra,
    Closed,
    NeverOpened,
}

impl Kind {
    /// As people read it.
    fn name(self) -> &'static str {
        match self {
            Kind::WrongTotal => "wrong total",
            Kind::Negative => "negative balance",
            Kind::Missing => "missing account",
            Kind::Extra => "extra account",
            Kind::Closed => "bank without accounts",
            Kind::NeverOpened => "bank never opened",
        }
    }
}

/// What a bank must hold.
struct Books<'a> {
    accounts: usize,
    total: i128,
    open: &'a Operation,
}

/// Why a bank has no books.
enum NoBooks {
    /// Nobody can have opened it.
    NeverOpened,
    /// It may have been opened in different ways.
    Doubtful,
}

impl<'a> Books<'a> {
    /// The books by the call that opened the bank; where nobody knows which one did, all must agree.
    fn new(operations: &[&'a Operation]) -> Result<Books<'a>, NoBooks> {
        let opens = operations.iter().filter_map(|operation| match &operation.call {
            Call::Open { balances, .. } => Some((*operation, balances)),
            _ => None,
        });
        let all: Vec<_> = opens.filter(|(open, _)| !open.outcome.is_fail()).collect();
        let opened = all.iter().find(|(open, _)| open.reply() == Some(&Reply::Opened));
        let (open, balances) = opened.or(all.first()).ok_or(NoBooks::NeverOpened)?;
        let total = |balances: &[i64]| balances.iter().map(|held| i128::from(*held)).sum::<i128>();
        let books = Books { accounts: balances.len(), total: total(balances), open };
        let agree = |(_, other): &(_, &Vec<i64>)| other.len() == books.accounts && total(other) == books.total;
        if opened.is_some() || all.iter().all(agree) { Ok(books) } else { Err(NoBooks::Doubtful) }
    }

    /// What is wrong with the balances that a read found, if anything is.
    fn complain(&self, balances: &BTreeMap<Account, i64>) -> Option<(Kind, String)> {
        let total: i128 = balances.values().map(|held| i128::from(*held)).sum();
        let last = self.accounts.saturating_sub(1);
        let missing = (0..self.accounts).map(|account| account as Account).find(|one| !balances.contains_key(one));
        let extra = balances.keys().find(|account| **account as usize >= self.accounts);
        let negative = balances.iter().find(|(_, held)| **held < 0);
        if let Some(account) = missing {
            return Some((Kind::Missing, format!("account {account} is missing; there are accounts 0 to {last}")));
        }
        if let Some(account) = extra {
            return Some((Kind::Extra, format!("there is an account {account}; there are accounts 0 to {last}")));
        }
        if total != self.total {
            return Some((
                Kind::WrongTotal,
                format!("that is {total} in all; the bank was opened with {}", self.total),
            ));
        }
        negative.map(|(account, held)| (Kind::Negative, format!("account {account} holds {held}")))
    }
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

/// Whether an operation shows that its bank was open when it returned.
fn shows_open(operation: &Operation) -> bool {
    match operation.reply() {
        Some(Reply::Accounts { balances }) => !balances.is_empty(),
        Some(Reply::Opened | Reply::Transferred) => true,
        Some(Reply::NotEqual) => matches!(operation.call, Call::Open { .. }),
        _ => false,
    }
}

impl Checker for Totals {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let patience = Patience::new(budget);
        let mut by_key: BTreeMap<Key, Vec<&Operation>> = BTreeMap::new();
        for operation in &history.operations {
            by_key.entry(operation.call.key()).or_default().push(operation);
        }
        let final_ns = history.phase_ns(PhaseName::FinalReads);
        let (mut accusations, mut open, mut counts) = (Vec::new(), Vec::new(), Counts::default());
        for (key, operations) in &by_key {
            if let Some(why) = patience.ended() {
                open.push(format!("{why} before bank {key}; a larger budget would help"));
                break;
            }
            self.judge(*key, operations, final_ns, &mut accusations, &mut open);
            counts.add(operations);
        }
        verdict(self.name(), accusations, &open, &counts)
    }
}

/// For people.
#[derive(Default)]
struct Counts {
    banks: usize,
    reads: usize,
    transfers: usize,
    refused: usize,
}

impl Counts {
    fn add(&mut self, operations: &[&Operation]) {
        let count = |wanted: fn(&Reply) -> bool| {
            operations.iter().filter_map(|operation| operation.reply()).filter(|reply| wanted(reply)).count()
        };
        self.banks += 1;
        self.reads += count(|reply| matches!(reply, Reply::Accounts { .. }));
        self.transfers += count(|reply| matches!(reply, Reply::Transferred));
        self.refused += count(|reply| matches!(reply, Reply::TooLittle));
    }

    fn figures(&self) -> BTreeMap<String, f64> {
        let counts = [
            ("banks", self.banks),
            ("reads", self.reads),
            ("transfers", self.transfers),
            ("transfers_of_too_much", self.refused),
        ];
        counts.map(|(name, count)| (name.into(), count as f64)).into()
    }
}

impl Totals {
    fn judge<'a>(
        &self,
        key: Key,
        operations: &[&'a Operation],
        final_ns: Option<u64>,
        accusations: &mut Vec<Accusation<'a, Kind>>,
        open: &mut Vec<String>,
    ) {
        let mut found = reads(operations.iter().copied()).peekable();
        if found.peek().is_none() {
            let was_open = operations.iter().any(|operation| shows_open(operation));
            open.extend(was_open.then(|| format!("bank {key} was never read")));
            return;
        }
        let books = match Books::new(operations) {
            Ok(books) => books,
            Err(NoBooks::Doubtful) => {
                open.push(format!("bank {key} may have been opened with different balances"));
                return;
            }
            Err(NoBooks::NeverOpened) => {
                accusations.extend(found.find(|(_, balances)| !balances.is_empty()).map(|(read, balances)| {
                    accuse(Kind::NeverOpened, key, read, vec![], |at| {
                        format!("{}, but nobody had opened the bank", tell(read, balances, at))
                    })
                }));
                return;
            }
        };
        for (read, balances) in found {
            let is_final = final_ns.is_some_and(|final_ns| read.invoked_ns >= final_ns);
            if !balances.is_empty() {
                accusations.extend(books.complain(balances).map(|(kind, why)| {
                    accuse(kind, key, read, vec![books.open], |at| format!("{}: {why}", tell(read, balances, at)))
                }));
            } else if let Some(seen) = self.seen_open(operations, read, is_final) {
                accusations.push(accuse(Kind::Closed, key, read, vec![seen], |at| {
                    format!("{}, but the bank was open before: {}", tell(read, balances, at), at.tell(seen))
                }));
            }
        }
    }

    /// What shows that a bank was open before a read that found it unopened, and that the read had to know.
    fn seen_open<'a>(&self, operations: &[&'a Operation], read: &Operation, is_final: bool) -> Option<&'a Operation> {
        let by_time = is_final || self.promise == Promise::Linearizable;
        let before = |one: &Operation| {
            let returned = one.returned_ns.is_some_and(|returned_ns| returned_ns < read.invoked_ns);
            let own = one.process == read.process && (one.invoked_ns, one.id) < (read.invoked_ns, read.id);
            if by_time { returned } else { own }
        };
        operations.iter().copied().find(|one| shows_open(one) && before(one))
    }
}

fn verdict(checker: &str, accusations: Vec<Accusation<Kind>>, open: &[String], counts: &Counts) -> Verdict {
    let name = |kind: Kind| kind.name();
    let (validity, reason) = match (accusations.is_empty(), open) {
        (false, _) => {
            let told = accusation::counted(&accusations, name);
            (Validity::Invalid, format!("{told}, in {} reads of {} banks", counts.reads, counts.banks))
        }
        (true, [first, rest @ ..]) if !rest.is_empty() => {
            (Validity::Unknown, format!("{first}; {} more are undecided", rest.len()))
        }
        (true, [first, ..]) => (Validity::Unknown, first.clone()),
        (true, []) => (Validity::Valid, format!("every read of {} banks has the right total", counts.banks)),
    };
    let anomalies = accusation::anomalies(accusations, name);
    Verdict { checker: checker.into(), validity, reason, anomalies, figures: counts.figures() }
}

fn accuse<'a>(
    kind: Kind,
    key: Key,
    contradiction: &'a Operation,
    witnesses: Vec<&'a Operation>,
    told: impl FnOnce(&Instants) -> String,
) -> Accusation<'a, Kind> {
    let instants = Instants::of(witnesses.iter().copied().chain([contradiction]));
    Accusation { kind, key, told: told(&instants), contradiction, witnesses }
}

/// What a read found.
fn tell(read: &Operation, balances: &BTreeMap<Account, i64>, at: &Instants) -> String {
    let found = match balances.is_empty() {
        true => "no accounts".into(),
        false => balances.iter().map(|(account, held)| format!("{account}: {held}")).collect::<Vec<_>>().join(", "),
    };
    format!("process {} read {found}{} ({})", read.process, on(&read.node), at.span(read))
}
