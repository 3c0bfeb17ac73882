//! Texts that only grow, from pieces that are appended once each: a list that elements are appended to.
//!
//! The longest text that anybody got tells the order of the pieces in it, and every other is a beginning of that; so who
//! got it stands between two known pieces. Pieces, and who got what, in this order, each as early as it can be: at the
//! latest beginning so far, which must not be after the end of its own. Pieces that nobody saw come behind, if there was an
//! answer; without an answer they go.
//!
//! The pieces of a text are told apart from its beginning on: where two fit at the same place, one of them a beginning of
//! the other, the search decides; and so it does where a piece is empty or appended twice.

use super::{Act, NEVER, Ruling};
use crate::model::Deed;
use rustc_hash::{FxHashMap, FxHashSet};

/// Who got a text, by how many pieces it has.
struct Got {
    pieces: usize,
    entry: usize,
}

/// A legal order, or why there is none; see the [module](self).
pub(super) fn rule(acts: &[Act]) -> Ruling {
    decide(acts).unwrap_or_else(|ruling| ruling)
}

fn decide(acts: &[Act]) -> Result<Ruling, Ruling> {
    let (pieces, mut got) = (pieces(acts)?, Vec::new());
    let gets = acts.iter().enumerate().filter_map(|(entry, act)| match act.deed {
        Deed::Get(text) => Some((entry, text)),
        _ => None,
    });
    // Of equal texts the one that was got first tells first.
    let longest = gets.clone().max_by_key(|(entry, text)| (text.len(), std::cmp::Reverse(acts[*entry].until_ns)));
    let (shown_by, longest) = longest.unwrap_or((0, ""));
    let (sequence, ends) = split(longest, &pieces, shown_by)?;
    for (entry, text) in gets {
        let end = ends.get(&text.len()).filter(|_| longest.starts_with(text));
        // Two texts contradict each other as soon as both were got.
        let later = if acts[entry].until_ns > acts[shown_by].until_ns { entry } else { shown_by };
        got.push(Got { pieces: *end.ok_or(Ruling::NoOrder { entry: later, core: None })?, entry });
    }
    got.sort_unstable_by_key(|got| (got.pieces, acts[got.entry].from_ns, got.entry));
    let seen: FxHashSet<usize> = sequence.iter().copied().collect();
    let unseen = acts
        .iter()
        .enumerate()
        .filter(|(entry, act)| act.must && matches!(act.deed, Deed::Append(_)) && !seen.contains(entry));
    let mut unseen: Vec<usize> = unseen.map(|(entry, _)| entry).collect();
    unseen.sort_unstable_by_key(|entry| (acts[*entry].from_ns, *entry));
    let mut got = got.into_iter().peekable();
    let mut order: Vec<usize> = Vec::with_capacity(acts.len());
    for number in 0..=sequence.len() {
        order.extend(number.checked_sub(1).map(|last| sequence[last]));
        while let Some(got) = got.next_if(|got| got.pieces == number) {
            order.push(got.entry);
        }
    }
    order.extend(unseen);
    in_time(acts, &order, shown_by)?;
    Ok(Ruling::Order(order.into_iter().map(|entry| entry as u32).collect()))
}

/// Who appends each piece.
fn pieces<'a>(acts: &[Act<'a>]) -> Result<FxHashMap<&'a str, usize>, Ruling> {
    let mut pieces = FxHashMap::default();
    for (entry, act) in acts.iter().enumerate() {
        match act.deed {
            Deed::Append(piece) if piece.is_empty() || pieces.insert(piece, entry).is_some() => {
                return Err(Ruling::Open);
            }
            Deed::Append(_) | Deed::Get(_) => {}
            _ => return Err(Ruling::Open),
        }
    }
    Ok(pieces)
}

/// The most different lengths of pieces that are tried.
const LENGTHS: usize = 64;

/// Who appended the pieces of a text that `shown_by` got, in their order; and after how many of them each length is
/// reached.
fn split(
    text: &str,
    pieces: &FxHashMap<&str, usize>,
    shown_by: usize,
) -> Result<(Vec<usize>, FxHashMap<usize, usize>), Ruling> {
    let lengths: FxHashSet<usize> = pieces.keys().map(|piece| piece.len()).collect();
    if lengths.len() > LENGTHS {
        return Err(Ruling::Open);
    }
    let (mut sequence, mut ends, mut used) = (Vec::new(), FxHashMap::default(), FxHashSet::default());
    let mut at = 0;
    ends.insert(0, 0);
    while at < text.len() {
        let fit = |length: &usize| Some((*length, *pieces.get(text.get(at..at + length)?)?));
        let mut fitting = lengths.iter().filter_map(fit);
        match (fitting.next(), fitting.next()) {
            (Some(_), Some(_)) => return Err(Ruling::Open),
            (Some((length, entry)), None) if used.insert(entry) => {
                at += length;
                sequence.push(entry);
                ends.insert(at, sequence.len());
            }
            // What nobody appended, or what was appended once and is there twice.
            _ => return Err(Ruling::NoOrder { entry: shown_by, core: None }),
        }
    }
    Ok((sequence, ends))
}

/// Whether nothing in `order` comes after one that was called too late for it.
fn in_time(acts: &[Act], order: &[usize], shown_by: usize) -> Result<(), Ruling> {
    let mut latest: Option<usize> = None;
    for entry in order {
        latest = latest.into_iter().chain([*entry]).max_by_key(|entry| acts[*entry].from_ns);
        let before = latest.unwrap_or(*entry);
        if acts[*entry].until_ns < acts[before].from_ns {
            // It is seen when both are over, and the text is known that tells their order.
            let over = [*entry, before, shown_by].into_iter().filter(|entry| acts[*entry].until_ns < NEVER);
            let entry = over.max_by_key(|entry| acts[*entry].until_ns).unwrap_or(*entry);
            return Err(Ruling::NoOrder { entry, core: None });
        }
    }
    Ok(())
}
