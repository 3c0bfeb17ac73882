//! Who can have put or appended each piece of a text that was got, where pieces are equal.
//!
//! Let a get have got the text `P1 P2 .. Pn`, the last put before it in a legal order included and nothing before that
//! one. Each of the pieces was put or appended by an operation of its own, in this order, so that an operation cannot
//! be where the piece at a place comes from if
//!
//! - it is a put, and the place is not the first: nothing is left before what was put;
//! - it was invoked after the get had returned;
//! - a put that was answered was invoked after it had returned, and returned before the get was invoked: what it left was
//!   overwritten;
//! - it returned before the invocation of every operation that the piece at an earlier place can come from, or was
//!   invoked after the return of every one of a later place;
//! - it is certain for another place;
//! - the same piece is there `m` times and the place is the `k`th, but fewer than `k - 1` of the others with that piece can
//!   stand before it, or fewer than `m - k` after it.

use super::super::{Act, BYTES_PER_ENTRY};
use crate::checker::linearizable::meter::Meter;
use crate::model::Deed;
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// The operations that a piece can come from.
pub(super) type Candidates = SmallVec<[usize; 2]>;

/// The most different lengths of pieces that are tried.
const LENGTHS: usize = 64;

/// The most operations with one piece: each is compared with each.
const ALIKE: usize = 16;

/// All pieces, and who put or appended them.
pub(super) struct Sources<'a, 'b> {
    acts: &'b [Act<'a>],
    of: FxHashMap<&'a str, Candidates>,
    lengths: Vec<usize>,
    /// The answered puts by return, each with the latest invocation of it and those before.
    puts: Vec<(u64, u64)>,
}

/// What is to be said of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Its pieces cannot be told apart, or not within the budget.
    Unclear,
    /// Nobody can have got it.
    Wrong,
}

impl<'a, 'b> Sources<'a, 'b> {
    /// `None` if there is an empty piece, or too many are alike.
    pub fn new(acts: &'b [Act<'a>]) -> Option<Sources<'a, 'b>> {
        let mut of: FxHashMap<&str, Candidates> = FxHashMap::default();
        let mut puts = Vec::new();
        for (entry, act) in acts.iter().enumerate() {
            let piece = match act.deed {
                Deed::Put(piece) | Deed::Append(piece) => piece,
                Deed::Get(_) => continue,
                _ => return None,
            };
            if act.must && matches!(act.deed, Deed::Put(_)) {
                puts.push((act.until_ns, act.from_ns));
            }
            let alike = of.entry(piece).or_default();
            alike.push(entry);
            if piece.is_empty() || alike.len() > ALIKE {
                return None;
            }
        }
        let lengths: FxHashSet<usize> = of.keys().map(|piece| piece.len()).collect();
        if lengths.len() > LENGTHS {
            return None;
        }
        puts.sort_unstable();
        let mut latest_ns = 0;
        for (_, from_ns) in &mut puts {
            latest_ns = latest_ns.max(*from_ns);
            *from_ns = latest_ns;
        }
        Some(Sources { acts, of, lengths: lengths.into_iter().collect(), puts })
    }

    /// Whether an operation puts.
    pub fn is_put(&self, entry: usize) -> bool {
        matches!(self.acts[entry].deed, Deed::Put(_))
    }

    /// The operations with each of the pieces that `text` is made of.
    pub fn pieces(&self, text: &str, meter: &mut Meter) -> Result<Vec<&Candidates>, Unfit> {
        let (mut at, mut pieces) = (0, Vec::new());
        while at < text.len() {
            meter.tick(|| self.of.len() * BYTES_PER_ENTRY).map_err(|_| Unfit::Unclear)?;
            let fit = |length: &usize| Some((*length, self.of.get(text.get(at..at + length)?)?));
            let mut fitting = self.lengths.iter().filter_map(fit);
            match (fitting.next(), fitting.next()) {
                (Some(_), Some(_)) => return Err(Unfit::Unclear),
                (Some((length, alike)), None) => {
                    pieces.push(alike);
                    at += length;
                }
                // What nobody put or appended.
                (None, _) => return Err(Unfit::Wrong),
            }
        }
        Ok(pieces)
    }

    /// Leaves those of the candidates for each place of what `got` got that the [rules](self) allow; some place may have
    /// none in the end.
    pub fn narrow(&self, got: usize, places: &mut [Candidates]) {
        let get = &self.acts[got];
        let over = self.puts.partition_point(|(until_ns, _)| *until_ns < get.from_ns);
        let overwritten_ns = over.checked_sub(1).map_or(0, |last| self.puts[last].1);
        for (place, candidates) in places.iter_mut().enumerate() {
            candidates.retain(|entry| {
                let act = &self.acts[*entry];
                let in_time = act.from_ns <= get.until_ns && act.until_ns >= overwritten_ns;
                in_time && !(place > 0 && self.is_put(*entry))
            });
        }
        while self.by_neighbours(places) | self.by_certainty(places) | self.by_number(places) {}
    }

    /// Takes away what cannot stand after all that is before, or before all that is after; whether there was anything.
    fn by_neighbours(&self, places: &mut [Candidates]) -> bool {
        let before = count(places);
        let mut after_ns = 0;
        for candidates in places.iter_mut() {
            candidates.retain(|entry| self.acts[*entry].until_ns >= after_ns);
            let first_ns = candidates.iter().map(|entry| self.acts[*entry].from_ns).min();
            after_ns = first_ns.unwrap_or(0).max(after_ns);
        }
        let mut before_ns = u64::MAX;
        for candidates in places.iter_mut().rev() {
            candidates.retain(|entry| self.acts[*entry].from_ns <= before_ns);
            let last_ns = candidates.iter().map(|entry| self.acts[*entry].until_ns).max();
            before_ns = last_ns.unwrap_or(u64::MAX).min(before_ns);
        }
        count(places) < before
    }

    /// Takes away what is certain for another place.
    fn by_certainty(&self, places: &mut [Candidates]) -> bool {
        let before = count(places);
        let mut certain = FxHashSet::default();
        let mut twice = FxHashSet::default();
        for candidates in places.iter().filter(|candidates| candidates.len() == 1) {
            if !certain.insert(candidates[0]) {
                twice.insert(candidates[0]);
            }
        }
        for candidates in &mut *places {
            let alone = candidates.len() == 1;
            candidates.retain(|entry| !(if alone { twice.contains(entry) } else { certain.contains(entry) }));
        }
        count(places) < before
    }

    /// Takes away what too few operations with the same piece can stand before or after.
    fn by_number(&self, places: &mut [Candidates]) -> bool {
        let before = count(places);
        let mut of_piece: FxHashMap<&str, Vec<usize>> = FxHashMap::default();
        for (place, candidates) in places.iter().enumerate() {
            if let [first, _, ..] = candidates.as_slice() {
                of_piece.entry(self.piece(*first)).or_default().push(place);
            }
        }
        for of_piece in of_piece.values().filter(|of_piece| of_piece.len() > 1) {
            let all: FxHashSet<usize> = of_piece.iter().flat_map(|place| places[*place].iter().copied()).collect();
            for (nth, place) in of_piece.iter().enumerate() {
                places[*place].retain(|entry| {
                    let act = &self.acts[*entry];
                    let others = || all.iter().filter(|other| *other != entry).map(|other| &self.acts[*other]);
                    let earlier = others().filter(|other| other.from_ns <= act.until_ns).count();
                    let later = others().filter(|other| other.until_ns >= act.from_ns).count();
                    earlier >= nth && later >= of_piece.len() - 1 - nth
                });
            }
        }
        count(places) < before
    }

    fn piece(&self, entry: usize) -> &'a str {
        match self.acts[entry].deed {
            Deed::Put(piece) | Deed::Append(piece) => piece,
            _ => "",
        }
    }
}

fn count(places: &[Candidates]) -> usize {
    places.iter().map(|candidates| candidates.len()).sum()
}
