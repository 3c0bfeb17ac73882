//! The few operations on a text that contradict each other.
//!
//! Every legal order of the whole gives one of fewer operations where these go:
//!
//! - any get: it changes nothing;
//! - any put or append whose piece is in no text of the gets that stay. None of these comes after it before the next put, or
//!   it would have got the piece. So what each of them got is there without it, too; and puts and appends are always
//!   legal.

use super::super::{Act, Ruling};
use super::decide;
use crate::model::Deed;

/// In more operations nobody looks for a core: each trial looks at all.
const OPERATIONS: usize = 20_000;

/// The most trials.
const TRIALS: usize = 400;

/// The contradiction among as few operations as are found.
pub(super) fn find(acts: &[Act]) -> Option<Ruling> {
    if acts.len() > OPERATIONS {
        return None;
    }
    let mut shrinking = Shrinking { acts, kept: (0..acts.len()).collect(), trials: 0 };
    let gets: Vec<usize> = (0..acts.len()).filter(|entry| matches!(acts[*entry].deed, Deed::Get(_))).collect();
    shrinking.take_away(&gets);
    let texts: Vec<&str> = shrinking.kept.iter().filter_map(|entry| got(&acts[*entry])).collect();
    let is_seen = |piece: &str| texts.iter().any(|text| text.contains(piece));
    let unseen = (0..acts.len()).filter(|entry| match acts[*entry].deed {
        Deed::Put(piece) | Deed::Append(piece) => !is_seen(piece),
        _ => false,
    });
    shrinking.take_away(&unseen.collect::<Vec<usize>>());
    let entry = shrinking.contradiction(&shrinking.kept)?;
    Some(Ruling::NoOrder { entry, core: Some(shrinking.kept) })
}

fn got<'a>(act: &Act<'a>) -> Option<&'a str> {
    match act.deed {
        Deed::Get(text) => Some(text),
        _ => None,
    }
}

struct Shrinking<'a, 'b> {
    acts: &'b [Act<'a>],
    kept: Vec<usize>,
    trials: usize,
}

impl Shrinking<'_, '_> {
    /// Takes away as many of `candidates` as can go: all at once, halves, quarters, ... one.
    fn take_away(&mut self, candidates: &[usize]) {
        let mut left = candidates.to_vec();
        let mut chunk = left.len();
        while chunk > 0 && self.trials < TRIALS {
            let mut stay = Vec::new();
            for gone in left.chunks(chunk) {
                let rest: Vec<usize> =
                    self.kept.iter().copied().filter(|entry| gone.binary_search(entry).is_err()).collect();
                self.trials += 1;
                match self.trials <= TRIALS && self.contradiction(&rest).is_some() {
                    true => self.kept = rest,
                    false => stay.extend_from_slice(gone),
                }
            }
            left = stay;
            chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2).min(left.len()) };
        }
    }

    /// At whose return `kept` have no legal order, if they have none.
    fn contradiction(&self, kept: &[usize]) -> Option<usize> {
        let acts: Vec<Act> = kept.iter().map(|entry| self.acts[*entry]).collect();
        match decide(&acts).unwrap_or_else(|ruling| ruling) {
            Ruling::NoOrder { entry, .. } => Some(kept[entry]),
            Ruling::Order(_) | Ruling::Open => None,
        }
    }
}
