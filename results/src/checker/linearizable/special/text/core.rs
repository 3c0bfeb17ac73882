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
use crate::checker::linearizable::meter::Meter;
use crate::model::Deed;

/// In more operations nobody looks for a core: each trial looks at all.
const OPERATIONS: usize = 20_000;

/// The most trials.
const TRIALS: usize = 400;

/// The share of the time that is left, in percent, after which what was found is enough.
const PERCENT: u32 = 20;

/// The contradiction at the return of `entry` at the latest, among as few operations as are found within the budget.
pub(super) fn find(acts: &[Act], entry: usize, meter: &mut Meter) -> Ruling {
    if acts.len() > OPERATIONS {
        return Ruling::NoOrder { entry, core: None };
    }
    let mut meter = meter.fork(u64::MAX);
    meter.share(PERCENT);
    let mut shrinking = Shrinking { acts, kept: (0..acts.len()).collect(), trials: 0, meter };
    let gets: Vec<usize> = (0..acts.len()).filter(|entry| matches!(acts[*entry].deed, Deed::Get(_))).collect();
    shrinking.take_away(&gets);
    let texts: Vec<&str> = shrinking.kept.iter().filter_map(|entry| got(&acts[*entry])).collect();
    let is_seen = |piece: &str| texts.iter().any(|text| text.contains(piece));
    let mut unseen = Vec::new();
    for (entry, act) in acts.iter().enumerate() {
        if let Deed::Put(piece) | Deed::Append(piece) = act.deed
            && shrinking.has_time()
            && !is_seen(piece)
        {
            unseen.push(entry);
        }
    }
    shrinking.take_away(&unseen);
    // Puts and appends are always legal, so a get completes the contradiction; which one is not told by what they do to the
    // register, where an append knows what later gets found.
    let gets = shrinking.kept.iter().copied().filter(|entry| got(&acts[*entry]).is_some());
    let entry = gets.max_by_key(|entry| acts[*entry].until_ns).unwrap_or(entry);
    Ruling::NoOrder { entry, core: Some(shrinking.kept) }
}

fn got<'a>(act: &Act<'a>) -> Option<&'a str> {
    match act.deed {
        Deed::Get(text) => Some(text),
        _ => None,
    }
}

struct Shrinking<'a, 'b> {
    acts: &'b [Act<'a>],
    /// These have no legal order.
    kept: Vec<usize>,
    trials: usize,
    meter: Meter<'b>,
}

impl Shrinking<'_, '_> {
    /// Takes away as many of `candidates` as can go: all at once, halves, quarters, ... one.
    fn take_away(&mut self, candidates: &[usize]) {
        let mut left = candidates.to_vec();
        let mut chunk = left.len();
        while chunk > 0 {
            let mut stay = Vec::new();
            for gone in left.chunks(chunk) {
                self.trials += 1;
                if self.trials > TRIALS || !self.has_time() {
                    return;
                }
                let rest: Vec<usize> =
                    self.kept.iter().copied().filter(|entry| gone.binary_search(entry).is_err()).collect();
                match self.contradict(&rest) {
                    true => self.kept = rest,
                    false => stay.extend_from_slice(gone),
                }
            }
            left = stay;
            chunk = if chunk == 1 { 0 } else { chunk.div_ceil(2).min(left.len()) };
        }
    }

    /// Whether the budget allows one look at many operations more.
    fn has_time(&self) -> bool {
        self.meter.fork(1).step(|| 0).is_ok()
    }

    /// Whether `kept` have no legal order, as far as the budget suffices to see that.
    fn contradict(&mut self, kept: &[usize]) -> bool {
        let acts: Vec<Act> = kept.iter().map(|entry| self.acts[*entry]).collect();
        matches!(decide(&acts, &mut self.meter), Ok(Ruling::NoOrder { .. }) | Err(Ruling::NoOrder { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule;
    use super::*;
    use crate::checker::Budget;
    use crate::checker::linearizable::meter::Allowance;
    use std::sync::atomic::Ordering;
    use std::time::Instant;

    /// What the rules say, where somebody waits for it or nobody does.
    fn check(acts: &[Act], waits: bool, expected: Ruling) {
        let budget = Budget::default();
        budget.cancelled.store(!waits, Ordering::Relaxed);
        let allowance = Allowance::whole(&budget, Instant::now());
        assert_eq!(rule(acts, &mut Meter::new(&allowance, u64::MAX)), expected, "somebody waits: {waits}");
    }

    fn acts<'a>(deeds: &[Deed<'a>]) -> Vec<Act<'a>> {
        let turns = (0..).step_by(10).zip(deeds);
        turns.map(|(from_ns, deed)| Act { deed: *deed, from_ns, until_ns: from_ns + 5, must: true }).collect()
    }

    #[test]
    fn when_the_budget_ends_what_was_found_by_then_is_shown() {
        let (append, get) = (Deed::Append, Deed::Get);
        let wrong = acts(&[append("a"), append("b"), get("ab"), get("ba"), append("c"), get("abc")]);
        check(&wrong, true, Ruling::NoOrder { entry: 3, core: Some(vec![0, 1, 3]) });
        check(&wrong, false, Ruling::NoOrder { entry: 5, core: Some((0..6).collect()) });
    }

    #[test]
    fn a_long_text_is_not_read_to_its_end_when_the_budget_ends() {
        let pieces: Vec<String> = (0..100).map(|number| format!("{number},")).collect();
        let whole = pieces.concat();
        let mut deeds: Vec<Deed> = pieces.iter().map(|piece| Deed::Append(piece)).collect();
        deeds.push(Deed::Get(&whole));
        check(&acts(&deeds), true, Ruling::Order((0..=100).collect()));
        check(&acts(&deeds), false, Ruling::Open);
    }
}
