//! What is wrong with a bank, and what was seen of all of them, for people.

use crate::call::{Account, Key, Reply};
use crate::checker::accusation::{self, Accusation};
use crate::history::Operation;
use crate::verdict::{Validity, Verdict};
use crate::words::{Instants, counted, on};
use std::collections::BTreeMap;

/// The kinds of contradiction, the clearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
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

/// For people.
#[derive(Default)]
pub(super) struct Counts {
    banks: usize,
    reads: usize,
    transfers: usize,
    refused: usize,
}

impl Counts {
    /// Counts one more bank.
    pub fn add(&mut self, operations: &[&Operation]) {
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

/// What is said of all banks; `open`: why some could not be judged.
pub(super) fn verdict(checker: &str, accusations: Vec<Accusation<Kind>>, open: &[String], counts: &Counts) -> Verdict {
    let name = |kind: Kind| kind.name();
    let banks = counted(counts.banks, "bank");
    let (validity, reason) = match (accusations.is_empty(), open) {
        (false, _) => {
            let told = accusation::counted(&accusations, name);
            (Validity::Invalid, format!("{told}, in {} of {banks}", counted(counts.reads, "read")))
        }
        (true, [first, rest @ ..]) if !rest.is_empty() => {
            (Validity::Unknown, format!("{first}; {} more are undecided", rest.len()))
        }
        (true, [first, ..]) => (Validity::Unknown, first.clone()),
        (true, []) if counts.banks > 0 && counts.reads == 0 => (Validity::Unknown, "no bank was ever read".into()),
        (true, []) => (Validity::Valid, format!("every read of {banks} has the right total")),
    };
    let anomalies = accusation::anomalies(accusations, name);
    Verdict { checker: checker.into(), validity, reason, anomalies, figures: counts.figures() }
}

/// Accuses a read of one bank.
pub(super) fn accuse<'a>(
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
pub(super) fn tell(read: &Operation, balances: &BTreeMap<Account, i64>, at: &Instants) -> String {
    let found = match balances.is_empty() {
        true => "no accounts".into(),
        false => balances.iter().map(|(account, held)| format!("{account}: {held}")).collect::<Vec<_>>().join(", "),
    };
    format!("process {} read {found}{} ({})", read.process, on(&read.node), at.span(read))
}
