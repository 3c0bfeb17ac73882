//! A small set of operations that contradict each other, found by taking away from the whole history what the
//! contradiction does not need.
//!
//! What may be taken away? Let a legal order of the whole history be given, and keep of it a set S, where a swap may be
//! kept as a mere write (nothing is asked what it found). Each operation of S that demands a value finds in the whole
//! order either the initial value or what its *source* left, the last operation before it that writes. If S has that
//! source, the demand is met in S too: what stands between the two in S stood there before, so writes nothing. So as
//! long as S has every operation that can be the source of any of its demands, a legal order of the whole gives one of
//! S, and a contradiction in S is one of the whole. A write `w` cannot be the source of a demand of `d` when
//!
//! - it leaves what `d` does not accept, or
//! - it was invoked after `d` returned, or
//! - it was overwritten for certain: some answered write was invoked after `w` returned, and returned before `d` was
//!   invoked.
//!
//! Taking away any other write could make up a contradiction: without the second write of 1 in `write 1 [0, 1]`,
//! `write 2 [2, 3]`, `write 1 [4, 5]`, `read 1 [6, 7]` the read looks stale.

use crate::call::{Call, Reply, Value};
use crate::checker::linearizable::entry::Entry;
use crate::checker::linearizable::meter::{Allowance, Meter};
use crate::checker::linearizable::reductions::Reductions;
use crate::checker::linearizable::search::{Ended, Search};
use crate::model::{Access, Demand, Register};
use rustc_hash::FxHashSet;

/// One entry of the history, or what is kept of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// The entry, by index.
    pub entry: usize,
    pub invoked_ns: u64,
    pub until_ns: u64,
    pub access: Access,
    pub must: bool,
}

impl Piece {
    /// Whether it demands something of the value that it finds.
    pub fn demands(&self) -> bool {
        self.access.demands != Demand::Anything
    }

    /// Without what it demands; nothing is left of one that writes nothing.
    pub fn weakened(self) -> Option<Piece> {
        self.access.sets?;
        Some(Piece { access: Access { demands: Demand::Anything, ..self.access }, ..self })
    }

    /// As an entry for the search by the model [`Register`], to which an access is all that there is.
    pub fn to_entry(self) -> Entry {
        let written = self.must.then_some(Reply::Written { version: None });
        let (call, reply) = match (self.access.demands, self.access.sets) {
            (Demand::Anything, Some(value)) => (Call::Write { key: 0, value }, written),
            (Demand::Is(expect), Some(value)) => (Call::Cas { key: 0, expect, value }, written),
            (Demand::Is(value), None) => (Call::Read { key: 0 }, Some(Reply::Read { value, version: None })),
            (Demand::IsNot(expect), _) => (Call::Cas { key: 0, expect, value: 0 }, Some(Reply::NotEqual)),
            (Demand::Anything, None) => (Call::Read { key: 0 }, None),
        };
        let Piece { entry: position, invoked_ns, until_ns, must, .. } = self;
        Entry { position, invoked_ns, until_ns, call, reply, must }
    }
}

/// Everything that matters to the contradiction at the return of `failed`: what was invoked by then. What had not
/// returned by then may but need not have taken effect. `None` if some entry is no access.
pub(super) fn pieces<C, R>(entries: &[Entry<C, R>], accesses: &[Option<Access>], failed: usize) -> Option<Vec<Piece>> {
    let end_ns = entries[failed].until_ns;
    let in_time = entries.iter().zip(accesses).enumerate().filter(|(_, (entry, _))| entry.invoked_ns <= end_ns);
    let mut pieces = Vec::new();
    for (index, (entry, access)) in in_time {
        let (must, access) = (entry.must && entry.until_ns <= end_ns, (*access)?);
        if must || access.sets.is_some() {
            let until_ns = if must { entry.until_ns } else { u64::MAX };
            pieces.push(Piece { entry: index, invoked_ns: entry.invoked_ns, until_ns, access, must });
        }
    }
    Some(pieces)
}

/// Whether `writer` can be the source of the demand of `reader`, in a history whose pieces are `all`.
pub(super) fn can_be_source(all: &[Piece], writer: &Piece, reader: &Piece) -> bool {
    writer.entry != reader.entry
        && writer.access.sets.is_some_and(|value| reader.access.demands.accepts(Some(value)))
        && writer.invoked_ns <= reader.until_ns
        && overwriter(all, writer, reader).is_none()
}

/// An operation that certainly overwrote what `writer` left before `reader` began; the first that returned.
pub(super) fn overwriter<'a>(all: &'a [Piece], writer: &Piece, reader: &Piece) -> Option<&'a Piece> {
    let certain = |other: &&Piece| {
        let between = writer.until_ns < other.invoked_ns && other.until_ns < reader.invoked_ns;
        writer.must && other.must && other.access.sets.is_some() && between
    };
    all.iter().filter(certain).min_by_key(|other| other.until_ns)
}

/// How many configurations each trial may expand.
const STEPS_PER_TRIAL: u64 = 50_000;

/// The most trials for one key.
const TRIALS: usize = 1_000;

/// Searches for a small contradiction.
pub(super) struct Shrink<'a> {
    pub allowance: &'a Allowance<'a>,
    pub all: &'a [Piece],
    pub failed: usize,
    /// What the register holds before all of it.
    pub start: Option<Value>,
    pub trials: usize,
    /// Whether the budget left a trial without an answer.
    pub cut_short: bool,
}

impl<'a> Shrink<'a> {
    /// Takes away from `all`, which contradicts itself at the return of `failed`.
    pub fn new(allowance: &'a Allowance<'a>, all: &'a [Piece], failed: usize, start: Option<Value>) -> Shrink<'a> {
        Shrink { allowance, all, failed, start, trials: 0, cut_short: false }
    }

    /// A subset without a legal order from which nothing more can be taken; by invocation. `None` if the budget does
    /// not suffice to show that even the whole has none.
    pub fn run(&mut self) -> Option<Vec<Piece>> {
        let mut kept = self.all.to_vec();
        if !self.contradicts(&kept) {
            return None;
        }
        loop {
            let before = kept.clone();
            // A contradiction with fewer demands is one with more: each needs to be tried only once, the oldest first.
            self.take_away(&mut kept, |piece, failed| piece.demands() && piece.entry != failed, Piece::weakened);
            let demands: Vec<Piece> = kept.iter().copied().filter(Piece::demands).collect();
            let is_source = |piece: &Piece| demands.iter().any(|reader| can_be_source(self.all, piece, reader));
            let free = kept.iter().filter(|piece| !piece.demands() && !is_source(piece));
            let free: FxHashSet<usize> = free.map(|piece| piece.entry).collect();
            self.take_away(&mut kept, |piece, _| free.contains(&piece.entry), |_| None);
            // With fewer writes a demand may no longer be needed, and with fewer demands a write.
            if kept == before {
                return Some(kept);
            }
        }
    }

    /// Applies `less` to as many pieces that are `free` as the contradiction survives: all, halves, quarters, ... one.
    fn take_away(
        &mut self,
        kept: &mut Vec<Piece>,
        free: impl Fn(&Piece, usize) -> bool,
        less: impl Fn(Piece) -> Option<Piece>,
    ) {
        let mut chunk = kept.len().max(1);
        loop {
            let candidates: Vec<usize> =
                kept.iter().filter(|piece| free(piece, self.failed)).map(|piece| piece.entry).collect();
            for entries in candidates.chunks(chunk) {
                let (first, last) = (entries[0], entries[entries.len() - 1]);
                let chosen = |piece: &Piece| (first..=last).contains(&piece.entry) && free(piece, self.failed);
                let without = |piece: &Piece| if chosen(piece) { less(*piece) } else { Some(*piece) };
                let trial: Vec<Piece> = kept.iter().filter_map(without).collect();
                if self.contradicts(&trial) {
                    *kept = trial;
                }
            }
            if chunk == 1 {
                return;
            }
            chunk = chunk.div_ceil(2);
        }
    }

    /// Whether the search proves that `pieces` have no legal order.
    pub fn contradicts(&mut self, pieces: &[Piece]) -> bool {
        self.trials += 1;
        if self.trials > TRIALS {
            self.cut_short = true;
            return false;
        }
        let entries: Vec<Entry> = pieces.iter().map(|piece| piece.to_entry()).collect();
        let mut meter = Meter::new(self.allowance, STEPS_PER_TRIAL);
        let ended = Search::from_states(&Register, &[self.start], &entries, Reductions::ALL).run(&mut meter);
        self.cut_short |= ended.is_err();
        matches!(ended, Ok(Ended::NoOrder { .. }))
    }
}

/// The writers of a value.
pub(super) fn writers_of(pieces: &[Piece], value: Value) -> impl Iterator<Item = &Piece> {
    pieces.iter().filter(move |piece| piece.access.sets == Some(value))
}
