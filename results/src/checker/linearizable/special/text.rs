//! Texts whose pieces were put or appended by one operation each, as far as can be told: registers to which every value is
//! written once.
//!
//! What was got tells which pieces it is made of, and, as no two are equal or only one of the equal ones can be
//! meant ([`sources`]), by which operations. So each text that was ever got, and each beginning of one by whole pieces, is
//! a value of its own, named by the operations that led to it: it is there after the last of them and not before or
//! again. Then
//!
//! - a put writes the value of its piece alone;
//! - an append whose piece was got swaps the value before the piece for the value with it: what stood before the piece in
//!   the text that was got was there when it was appended, because nothing but a put ever takes a piece away;
//! - an append whose piece nobody got writes a value that is never read. Whoever gets the text after it, up to the next put,
//!   would get its piece; so nothing that was got, and no append whose piece was got, comes between. If nobody saw its
//!   answer either, it can be left out, as nothing depends on it;
//! - a get reads.
//!
//! A legal order of these is one of the texts, and the other way round: after each operation the register holds the value of
//! the text, or, where the text is one that nobody got, a value that nobody reads. So zones decide
//! ([`zones`]).
//!
//! Where equal pieces can be meant, one text tells of the other: something was appended to a value at most once, as with it
//! the value is over for good. So texts that leave no doubt come first, then those that what is known makes clear.
//!
//! The pieces of a text are told apart from its beginning on: where two fit at the same place, one of them a beginning of
//! the other, the search decides; and so it does where a piece is empty, or where it stays open whose piece it is.

use super::{Act, NEVER, Ruling};
use crate::call::{Call, Reply, Value};
use crate::checker::linearizable::entry::Entry;
use crate::checker::linearizable::meter::Meter;
use crate::checker::linearizable::register::zones;
use crate::model::{Deed, Register};
use rustc_hash::{FxHashMap, FxHashSet};
use sources::{Candidates, Sources, Unfit};

/// A text, by number.
type Id = u32;

/// The text before anything was put or appended.
const NOTHING: Id = 0;

mod core;
mod sources;

/// A legal order, or why there is none; see the [module](self).
pub(super) fn rule(acts: &[Act], meter: &mut Meter) -> Ruling {
    match decide(acts, meter).unwrap_or_else(|ruling| ruling) {
        Ruling::NoOrder { entry, .. } => core::find(acts, entry, meter),
        ruling => ruling,
    }
}

/// [`Ruling::Open`] too if the budget does not suffice: then neither does it for the search, which says so.
fn decide(acts: &[Act], meter: &mut Meter) -> Result<Ruling, Ruling> {
    let mut texts = Texts::new(Sources::new(acts).ok_or(Ruling::Open)?);
    let mut gets: Vec<(usize, &str)> = Vec::new();
    for (entry, act) in acts.iter().enumerate() {
        if let Deed::Get(text) = act.deed {
            gets.push((entry, text));
        }
    }
    // So that what contradicts itself is told of by the return at which it first did.
    gets.sort_unstable_by_key(|(entry, _)| (acts[*entry].until_ns, *entry));
    let last = gets.last().map(|(entry, _)| *entry);
    let mut got: FxHashMap<usize, Id> = FxHashMap::default();
    let mut rounds = 0;
    while !gets.is_empty() {
        let mut unclear = Vec::new();
        for (entry, text) in &gets {
            let wrong = || Ruling::NoOrder { entry: last.filter(|_| rounds > 0).unwrap_or(*entry), core: None };
            match texts.id(text, *entry, meter) {
                Ok(Some(id)) => drop(got.insert(*entry, id)),
                Ok(None) => unclear.push((*entry, *text)),
                Err(Unfit::Unclear) => return Err(Ruling::Open),
                Err(Unfit::Wrong) => return Err(wrong()),
            }
        }
        if unclear.len() == gets.len() {
            return Err(Ruling::Open);
        }
        rounds += 1;
        gets = unclear;
    }
    let (mut entries, mut of) = (Vec::with_capacity(acts.len()), Vec::with_capacity(acts.len()));
    for (entry, act) in acts.iter().enumerate() {
        let written = Reply::Written { version: None };
        let (call, reply) = match act.deed {
            Deed::Put(_) => (write(texts.after(NOTHING, entry)), written),
            Deed::Append(_) => match texts.seen.get(&entry) {
                Some((before, after)) => {
                    (Call::Cas { key: 0, expect: value(*before), value: Value::from(*after) }, written)
                }
                None if act.must => (write(texts.fresh()), written),
                None => continue,
            },
            _ => {
                let held = got.get(&entry).copied().unwrap_or(NOTHING);
                (Call::Read { key: 0 }, Reply::Read { value: value(held), version: None })
            }
        };
        let until_ns = if act.must { act.until_ns } else { NEVER };
        let reply = act.must.then_some(reply);
        let position = entries.len();
        entries.push(Entry { position, invoked_ns: act.from_ns, until_ns, call, reply, must: act.must });
        of.push(entry as u32);
    }
    Ok(match zones(&Register, &entries) {
        Some(Ok(order)) => Ruling::Order(order.into_iter().map(|entry| of[entry as usize]).collect()),
        Some(Err(entry)) => {
            let entry = of[entry] as usize;
            Ruling::NoOrder { entry: last.filter(|_| rounds > 1).unwrap_or(entry), core: None }
        }
        None => Ruling::Open,
    })
}

fn write(id: Id) -> Call {
    Call::Write { key: 0, value: Value::from(id) }
}

/// What the register holds where the text is this.
fn value(id: Id) -> Option<Value> {
    (id != NOTHING).then_some(Value::from(id))
}

/// The texts that were got, and their beginnings.
struct Texts<'a, 'b> {
    sources: Sources<'a, 'b>,
    /// The text that the piece of each operation leads to from another one.
    after: FxHashMap<(Id, usize), Id>,
    /// Between which texts each piece was got that was appended.
    seen: FxHashMap<usize, (Id, Id)>,
    /// What was appended to each text, where that was got.
    next: FxHashMap<Id, usize>,
    count: Id,
    /// The texts that were got whose pieces no others are equal to.
    known: FxHashMap<&'a str, Id>,
}

impl<'a, 'b> Texts<'a, 'b> {
    fn new(sources: Sources<'a, 'b>) -> Texts<'a, 'b> {
        let known = FxHashMap::from_iter([("", NOTHING)]);
        let (after, seen, next) = (FxHashMap::default(), FxHashMap::default(), FxHashMap::default());
        Texts { sources, after, seen, next, count: NOTHING, known }
    }

    /// The number of a text that nobody gets.
    fn fresh(&mut self) -> Id {
        self.count += 1;
        self.count
    }

    /// The text that the piece of `entry` leads to from `before`.
    fn after(&mut self, before: Id, entry: usize) -> Id {
        let next = self.count + 1;
        let after = *self.after.entry((before, entry)).or_insert(next);
        self.count = self.count.max(after);
        after
    }

    /// The number of a text that `got` got, or why it cannot have; `None` if it is not clear by now who put and appended
    /// its pieces.
    fn id(&mut self, text: &'a str, got: usize, meter: &mut Meter) -> Result<Option<Id>, Unfit> {
        if let Some(id) = self.known.get(text) {
            return Ok(Some(*id));
        }
        let pieces = self.sources.pieces(text, meter)?;
        let is_clear = pieces.iter().all(|alike| alike.len() == 1);
        let mut places: Vec<Candidates> = pieces.into_iter().cloned().collect();
        if !is_clear {
            self.sources.narrow(got, &mut places);
            if self.follow(&mut places) {
                self.sources.narrow(got, &mut places);
            }
            if places.iter().any(|candidates| candidates.len() > 1) {
                return if places.iter().any(|candidates| candidates.is_empty()) {
                    Err(Unfit::Wrong)
                } else {
                    Ok(None)
                };
            }
        }
        let mut used = FxHashSet::default();
        let mut id = NOTHING;
        for (at, candidates) in places.iter().enumerate() {
            let entry = *candidates.first().ok_or(Unfit::Wrong)?;
            let is_put = self.sources.is_put(entry);
            // What was appended once is there twice, or something is left before what was put.
            if !used.insert(entry) || is_put && at > 0 {
                return Err(Unfit::Wrong);
            }
            let before = id;
            id = self.after(before, entry);
            // A piece that was appended was so to one text: by the return of this one another was got.
            if !is_put && *self.seen.entry(entry).or_insert((before, id)) != (before, id) {
                return Err(Unfit::Wrong);
            }
            if !is_put {
                self.next.entry(before).or_insert(entry);
            }
        }
        if is_clear {
            self.known.insert(text, id);
        }
        Ok(Some(id))
    }

    /// Along the beginning that is clear: what is known to have been appended to it is what comes next. Whether that told
    /// anything.
    fn follow(&self, places: &mut [Candidates]) -> bool {
        let (mut id, mut told) = (NOTHING, false);
        for candidates in places {
            if candidates.len() > 1 {
                // A text may be put over and over, each time by another operation.
                let may_be_put = candidates.iter().any(|entry| self.sources.is_put(*entry));
                match self.next.get(&id).filter(|_| !may_be_put) {
                    Some(next) => candidates.retain(|entry| *entry == *next),
                    None => return told,
                }
                told = true;
            }
            let Some(after) = candidates.first().and_then(|entry| self.after.get(&(id, *entry))) else { return told };
            id = *after;
        }
        told
    }
}
