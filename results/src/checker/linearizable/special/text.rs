//! Texts whose pieces are put or appended once each: registers to which every value is written once.
//!
//! What was got tells which pieces it is made of, since no two are equal. So each text that was ever got, and each
//! beginning of one by whole pieces, is a value of its own: it is there after its last piece and not before or again. Then
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
//! The pieces of a text are told apart from its beginning on: where two fit at the same place, one of them a beginning of
//! the other, the search decides; and so it does where a piece is empty or there twice.

use super::{Act, BYTES_PER_ENTRY, NEVER, Ruling};
use crate::call::{Call, Reply, Value};
use crate::checker::linearizable::entry::Entry;
use crate::checker::linearizable::meter::Meter;
use crate::checker::linearizable::register::zones;
use crate::model::{Deed, Register};
use rustc_hash::{FxHashMap, FxHashSet};

/// A text, by number.
type Id = u32;

/// The text before anything was put or appended.
const NOTHING: Id = 0;

mod core;

/// A legal order, or why there is none; see the [module](self).
pub(super) fn rule(acts: &[Act], meter: &mut Meter) -> Ruling {
    match decide(acts, meter).unwrap_or_else(|ruling| ruling) {
        Ruling::NoOrder { entry, .. } => core::find(acts, entry, meter),
        ruling => ruling,
    }
}

/// [`Ruling::Open`] too if the budget does not suffice: then neither does it for the search, which says so.
fn decide(acts: &[Act], meter: &mut Meter) -> Result<Ruling, Ruling> {
    let mut texts = Texts::new(acts)?;
    let mut gets: Vec<(usize, &str)> = Vec::new();
    for (entry, act) in acts.iter().enumerate() {
        if let Deed::Get(text) = act.deed {
            gets.push((entry, text));
        }
    }
    // So that what contradicts itself is told of by the return at which it first did.
    gets.sort_unstable_by_key(|(entry, _)| (acts[*entry].until_ns, *entry));
    let mut got: FxHashMap<usize, Id> = FxHashMap::default();
    for (entry, text) in gets {
        got.insert(entry, texts.id(text, entry, meter)?);
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
        Some(Err(entry)) => Ruling::NoOrder { entry: of[entry] as usize, core: None },
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

/// The most different lengths of pieces that are tried.
const LENGTHS: usize = 64;

/// The texts that were got, and their beginnings.
struct Texts<'a> {
    /// Who put or appended each piece, and whether it was put.
    pieces: FxHashMap<&'a str, (usize, bool)>,
    lengths: Vec<usize>,
    /// The text that each piece leads to from another one.
    after: FxHashMap<(Id, usize), Id>,
    /// Between which texts each piece was got that was appended.
    seen: FxHashMap<usize, (Id, Id)>,
    count: Id,
    /// The texts that were got.
    known: FxHashMap<&'a str, Id>,
}

impl<'a> Texts<'a> {
    fn new(acts: &[Act<'a>]) -> Result<Texts<'a>, Ruling> {
        let mut pieces = FxHashMap::default();
        for (entry, act) in acts.iter().enumerate() {
            let (piece, is_put) = match act.deed {
                Deed::Put(piece) => (piece, true),
                Deed::Append(piece) => (piece, false),
                Deed::Get(_) => continue,
                _ => return Err(Ruling::Open),
            };
            if piece.is_empty() || pieces.insert(piece, (entry, is_put)).is_some() {
                return Err(Ruling::Open);
            }
        }
        let lengths: FxHashSet<usize> = pieces.keys().map(|piece| piece.len()).collect();
        if lengths.len() > LENGTHS {
            return Err(Ruling::Open);
        }
        let (lengths, known) = (lengths.into_iter().collect(), FxHashMap::from_iter([("", NOTHING)]));
        Ok(Texts { pieces, lengths, after: FxHashMap::default(), seen: FxHashMap::default(), count: NOTHING, known })
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

    /// The number of a text that `got` got, or why it cannot have.
    fn id(&mut self, text: &'a str, got: usize, meter: &mut Meter) -> Result<Id, Ruling> {
        if let Some(id) = self.known.get(text) {
            return Ok(*id);
        }
        let wrong = Ruling::NoOrder { entry: got, core: None };
        let (mut at, mut id, mut used) = (0, NOTHING, FxHashSet::default());
        while at < text.len() {
            meter.tick(|| self.pieces.len() * BYTES_PER_ENTRY).map_err(|_| Ruling::Open)?;
            let fit = |length: &usize| Some((*length, *self.pieces.get(text.get(at..at + length)?)?));
            let mut fitting = self.lengths.iter().filter_map(fit);
            let (length, (entry, is_put)) = match (fitting.next(), fitting.next()) {
                (Some(_), Some(_)) => return Err(Ruling::Open),
                (Some(piece), None) => piece,
                // What nobody put or appended.
                (None, _) => return Err(wrong),
            };
            // What was appended once is there twice, or something is left before what was put.
            if !used.insert(entry) || is_put && at > 0 {
                return Err(wrong);
            }
            let before = id;
            id = self.after(before, entry);
            // A piece that was appended was so to one text: by the return of this one another was got.
            if !is_put && *self.seen.entry(entry).or_insert((before, id)) != (before, id) {
                return Err(wrong);
            }
            at += length;
        }
        self.known.insert(text, id);
        Ok(id)
    }
}
