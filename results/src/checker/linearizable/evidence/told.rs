//! The contradiction in the words of a register: which kind it is, and the sentence that tells it.
//!
//! Every sentence states recorded facts, their order, and that no legal order holds them; the last is re-checked by the
//! search on the witnesses alone.

use super::smallest::Small;
use super::witness::{Piece, Shrink, can_be_source, overwriter, writers_of};
use crate::call::{Shown, Value};
use crate::checker::linearizable::entry::OperationOf;
use crate::history::Operation;
use crate::model::{Access, AnyCall, AnyReply, Demand, Model};
use crate::verdict::{LegalPrefix, Minimal};
use crate::words::Instants;

/// The kinds of contradiction, the clearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::checker::linearizable) enum Kind {
    NeverWritten,
    FailedWrite,
    Future,
    StaleRead,
    StaleSwap,
    NonMonotonicReads,
    LostUpdate,
    FailedCompare,
    NotLinearizable,
}

impl Kind {
    /// As people read it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::NeverWritten => "read of a value never written",
            Kind::FailedWrite => "read of a failed write",
            Kind::Future => "read from the future",
            Kind::StaleRead => "stale read",
            Kind::StaleSwap => "swap of an overwritten value",
            Kind::NonMonotonicReads => "non-monotonic reads",
            Kind::LostUpdate => "lost update",
            Kind::FailedCompare => "wrong comparison",
            Kind::NotLinearizable => "not linearizable",
        }
    }
}

/// A contradiction that was told.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub kind: Kind,
    pub sentence: String,
    /// The operations that it rests on, by position among the operations of the key; without the contradiction.
    pub witnesses: Vec<usize>,
    /// What of them, and of the contradiction, has no legal order: the smallest set.
    pub kept: Vec<Piece>,
}

/// The operations of the key and what the search knows of them.
pub(super) struct Story<'a, C, R> {
    pub operations: &'a [&'a Operation<C, R>],
    /// How each operation, answered or not, acts on the value; `None`: it is no access.
    pub accesses: &'a [Option<Access>],
    /// The pieces that matter; their entries are positions among the operations.
    pub all: &'a [Piece],
    /// The contradiction.
    pub failed: Piece,
    /// What the register holds before the first write.
    pub start: Option<Value>,
}

impl<C: AnyCall, R: AnyReply> Story<'_, C, R> {
    /// Tells the contradiction; `None` if the budget did not allow to find what it rests on.
    pub fn tell(&self, shrink: &mut Shrink) -> Option<Told> {
        if let Demand::Is(value) = self.failed.access.demands
            && !self.all.iter().any(|piece| can_be_source(self.all, piece, &self.failed))
            && let Some(told) = self.tell_sourceless(value)
        {
            return Some(told);
        }
        Some(self.tell_by_witnesses(&shrink.run()?))
    }

    /// The value had no possible source: the contradiction needs no other demand.
    fn tell_sourceless(&self, value: Option<Value>) -> Option<Told> {
        // What was there from the beginning needs no writer as long as nothing overwrote it.
        if value == self.start && self.first_overwrite().is_none() {
            return None;
        }
        let (operation, shown) = (self.operation(&self.failed), Shown(value));
        let overwritten = value
            .into_iter()
            .flat_map(|value| writers_of(self.all, value))
            .filter(|writer| writer.entry != self.failed.entry)
            .filter_map(|writer| Some((writer, overwriter(self.all, writer, &self.failed)?)))
            .max_by_key(|(writer, _)| writer.until_ns);
        if let Some((writer, by)) = overwritten {
            let (wrote, over) = (self.operation(writer), self.operation(by));
            let instants = Instants::of([operation, wrote, over]);
            let sentence = format!(
                "{}, but {shown} had been overwritten: {}, the last to leave {shown} there, and after that {}",
                instants.tell(operation),
                instants.tell(wrote),
                instants.tell(over),
            );
            return Some(self.told(self.stale(), sentence, [writer.entry, by.entry]));
        }
        if value == self.start {
            return self.tell_overwritten_start();
        }
        let sets = |at: &usize| {
            let left = self.accesses[*at].and_then(|access| access.sets);
            left.is_some() && left == value && *at != self.failed.entry
        };
        let writers: Vec<usize> = (0..self.operations.len()).filter(sets).collect();
        let happened = writers.iter().copied().find(|at| !self.operations[*at].outcome.is_fail());
        if let Some(first) = happened {
            let instants = Instants::of([operation, self.operations[first]]);
            let sentence = format!(
                "{}, but nothing left {shown} before that call had returned; the first that did was {}",
                instants.tell(operation),
                instants.tell(self.operations[first])
            );
            return Some(self.told(Kind::Future, sentence, [first]));
        }
        let instants = Instants::of(writers.iter().map(|at| self.operations[*at]).chain([operation]));
        let Some(first) = writers.first() else {
            let sentence = format!("{}, but nobody ever wrote {shown}", instants.tell(operation));
            return Some(self.told(Kind::NeverWritten, sentence, []));
        };
        let only = if writers.len() == 1 { "the only call" } else { "every call" };
        let sentence = format!(
            "{}, but {only} that would leave {shown} had failed: {}",
            instants.tell(operation),
            instants.tell(self.operations[*first])
        );
        Some(self.told(Kind::FailedWrite, sentence, [*first]))
    }

    /// The value before the first write was gone, if some write was over when the call began.
    fn tell_overwritten_start(&self) -> Option<Told> {
        let first = self.first_overwrite()?;
        let (operation, wrote) = (self.operation(&self.failed), self.operation(first));
        let instants = Instants::of([operation, wrote]);
        let sentence = format!("{}, but before that {}", instants.tell(operation), instants.tell(wrote));
        Some(self.told(self.stale(), sentence, [first.entry]))
    }

    /// Of the writes that were over when the contradiction began, the first that returned.
    fn first_overwrite(&self) -> Option<&Piece> {
        let over =
            |piece: &&Piece| piece.must && piece.access.sets.is_some() && piece.until_ns < self.failed.invoked_ns;
        self.all.iter().filter(over).min_by_key(|piece| piece.until_ns)
    }

    fn stale(&self) -> Kind {
        if self.failed.access.only_observes() { Kind::StaleRead } else { Kind::StaleSwap }
    }

    fn tell_by_witnesses(&self, kept: &[Piece]) -> Told {
        let others: Vec<&Piece> = kept.iter().filter(|piece| piece.entry != self.failed.entry).collect();
        let operation = self.operation(&self.failed);
        let instants = Instants::of(others.iter().map(|piece| self.operation(piece)).chain([operation]));
        let (kind, opening) = (self.kind(&others), instants.tell(operation));
        let (joint, foremost) = match kind {
            Kind::NonMonotonicReads => (", although by then ", self.earlier_read(&others)),
            Kind::LostUpdate => (", and from the same value ", self.other_swap(&others)),
            Kind::StaleRead | Kind::StaleSwap => (", although by then ", self.overwrite(&others)),
            _ => ("", None),
        };
        let foremost_told = foremost.map(|piece| instants.tell(self.operation(piece))).unwrap_or_default();
        let rest = others.iter().filter(|piece| foremost.is_none_or(|foremost| foremost.entry != piece.entry));
        let rest: Vec<String> = rest.map(|piece| instants.tell(self.operation(piece))).collect();
        let sentence = if others.is_empty() {
            format!("{opening}, but nothing else can have been written by then")
        } else {
            let rest = if rest.is_empty() { String::new() } else { format!("; {}", rest.join("; ")) };
            let count = kept.len();
            format!(
                "{opening}{joint}{foremost_told}{rest}. No order of these {count} operations is legal, and no other can \
                 have left what they found"
            )
        };
        Told { kept: kept.to_vec(), ..self.told(kind, sentence, others.iter().map(|piece| piece.entry)) }
    }

    fn kind(&self, others: &[&Piece]) -> Kind {
        let (Demand::Is(_), reads) = (self.failed.access.demands, self.failed.access.only_observes()) else {
            return Kind::FailedCompare;
        };
        if !reads && self.other_swap(others).is_some() {
            Kind::LostUpdate
        } else if reads && self.earlier_read(others).is_some() {
            Kind::NonMonotonicReads
        } else if self.overwrite(others).is_some() {
            self.stale()
        } else {
            Kind::NotLinearizable
        }
    }

    /// Among the witnesses the last answered swap from the value that the contradiction swapped.
    fn other_swap<'a>(&self, others: &[&'a Piece]) -> Option<&'a Piece> {
        let swaps = |piece: &&Piece| {
            piece.must && piece.access.demands == self.failed.access.demands && !piece.access.only_observes()
        };
        others.iter().copied().filter(swaps).max_by_key(|piece| piece.until_ns)
    }

    /// Among the witnesses the last write of another value that was over before the contradiction began.
    fn overwrite<'a>(&self, others: &[&'a Piece]) -> Option<&'a Piece> {
        let demands = self.failed.access.demands;
        let overwrites = |piece: &&Piece| {
            let writes_other = piece.access.sets.is_some_and(|value| !demands.accepts(Some(value)));
            piece.must && writes_other && piece.until_ns < self.failed.invoked_ns
        };
        others.iter().copied().filter(overwrites).max_by_key(|piece| piece.until_ns)
    }

    /// Among the witnesses the last read of another value that was over before the contradiction began.
    fn earlier_read<'a>(&self, others: &[&'a Piece]) -> Option<&'a Piece> {
        let earlier = |piece: &&Piece| {
            let reads = piece.access.sets.is_none() && matches!(piece.access.demands, Demand::Is(_));
            reads && piece.access.demands != self.failed.access.demands && piece.until_ns < self.failed.invoked_ns
        };
        others.iter().copied().filter(earlier).max_by_key(|piece| piece.until_ns)
    }

    fn operation(&self, piece: &Piece) -> &Operation<C, R> {
        self.operations[piece.entry]
    }

    fn told(&self, kind: Kind, sentence: String, witnesses: impl IntoIterator<Item = usize>) -> Told {
        let witnesses: Vec<usize> = witnesses.into_iter().collect();
        // What failed, or came too late, is told, but is nothing that could be placed. Of what others left only that
        // counts, not what they found.
        let rests_on = self.all.iter().filter(|piece| witnesses.contains(&piece.entry));
        let mut kept: Vec<Piece> = rests_on.filter_map(|piece| piece.weakened()).chain([self.failed]).collect();
        kept.sort_by_key(|piece| (piece.invoked_ns, piece.entry));
        Told { kind, sentence, witnesses, kept }
    }
}

/// The most operations that a sentence names.
const NAMED: usize = 4;

/// The contradiction in the words of any model: from the longest legal order, and from the smallest set.
pub(super) fn tell_plainly<M: Model>(
    operations: &[&OperationOf<M>],
    contradiction: usize,
    longest: Option<&LegalPrefix>,
    smallest: Option<(&Small<M>, &Minimal)>,
) -> Told {
    let operation = operations[contradiction];
    let witnesses = smallest.iter().flat_map(|(small, _)| small.entries.iter().map(|entry| entry.position));
    let witnesses: Vec<usize> = witnesses.filter(|position| *position != contradiction).collect();
    let named = if witnesses.len() <= NAMED { &witnesses[..] } else { &[] };
    let told = named.iter().map(|position| operations[*position]).chain([operation]);
    let after_ns = smallest.and_then(|(_, minimal)| minimal.after_ns);
    let instants = Instants::new(told.flat_map(Instants::ends).chain(after_ns));
    let end = match longest {
        Some(prefix) => {
            let why = prefix.refused.iter().find(|refusal| refusal.op == operation.id);
            let why = why.map(|refusal| format!(": {}", refusal.why)).unwrap_or_default();
            format!("the longest legal order holds {} operations and ends at {}{why}", prefix.length, prefix.state)
        }
        None => "no legal order has room for it".into(),
    };
    let mut sentence = format!("{}, but {end}", instants.tell(operation));
    if let Some((_, minimal)) = smallest {
        let named: Vec<String> = named.iter().map(|position| instants.tell(operations[*position])).collect();
        let with = match (witnesses.len(), named.is_empty()) {
            (0, _) => String::new(),
            (count, true) => format!(" with {count} others"),
            (_, false) => format!(" with {}", named.join("; ")),
        };
        let from = match after_ns {
            Some(at_ns) => format!("from {}, as it was at {} s", minimal.starts.join(" or "), instants.show(at_ns)),
            None => "from the beginning".into(),
        };
        sentence.push_str(&format!(". It has no legal order{with}, {from}; nothing else can have mattered"));
    }
    Told { kind: Kind::NotLinearizable, sentence, witnesses, kept: Vec::new() }
}
