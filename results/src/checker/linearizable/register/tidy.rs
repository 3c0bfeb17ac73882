//! Configurations in the fewest words, so that those that can do the same look the same.

use super::config::{Config, Token, sort};
use super::frontier::Frontier;
use super::mask::Mask;
use super::ops::{Kind, ValueId};
use crate::checker::linearizable::Idea;
use smallvec::SmallVec;

/// Some values.
type Values = SmallVec<[ValueId; 16]>;

fn add(values: &mut Values, value: ValueId) {
    if !values.contains(&value) {
        values.push(value);
    }
}

impl<const W: usize> Frontier<W> {
    /// Drops what makes no difference to what may come.
    ///
    /// - The value at the end is there now, so every open observer that accepts it is placed.
    /// - At the boundary, or where a token is, only those operations count that a strand there can come to.
    /// - A strand is of use only if it comes to an operation that has to take effect: without such a one it can be taken
    ///   out again. Tokens from where no such operation can be reached go.
    /// - Of the tokens of one value at most as many are used as there are swaps from it to begin with, and as there are
    ///   operations to reach. The later ones can hold all that the earlier ones can; of so many the latest are kept.
    pub(super) fn tidy(&self, config: &mut Config<W>) {
        let window = &self.window;
        config.done |= window.served(config.value);
        if window.old.endless {
            self.use_supplies(config);
        }
        config.free -= config.done;
        if !self.effort.has(Idea::Tidying) {
            sort(&mut config.tokens);
            return;
        }
        if !config.free.is_empty() {
            let starts = (config.free & window.writes).iter().map(|slot| window.op(slot).to);
            let old = window.old.writes.iter().filter(|(_, class)| window.old.has(*class, config));
            let starts = starts.chain(old.map(|(value, _)| *value));
            config.free = config.free & (window.writes | self.reach_from(config, starts, config.free));
        }
        if !config.tokens.is_empty() {
            self.tidy_tokens(config);
        }
    }

    fn tidy_tokens(&self, config: &mut Config<W>) {
        let window = &self.window;
        let tokens = std::mem::take(&mut config.tokens);
        let must = |mask: Mask<W>| (mask - window.doubtful) - config.done;
        let pruned = tokens.into_iter().filter(|token| {
            let swaps = (window.swaps_from[token.value as usize] & token.mask) - config.done;
            !swaps.is_empty() || window.old.swaps(token.value, config).next().is_some()
        });
        let pruned = pruned.filter_map(|token| {
            let mask = self.reach_from(config, [token.value].into_iter(), token.mask) & token.mask;
            (!must(mask).is_empty()).then_some(Token { mask, ..token })
        });
        let mut pruned: SmallVec<[Token<W>; 2]> = pruned.collect();
        if pruned.len() > 1 {
            sort(&mut pruned);
            let goals = must(window.observers | window.swaps).len() as usize;
            let mut at_value = (0, 0);
            pruned.retain(|token| {
                at_value = if at_value.0 == token.value { (token.value, at_value.1 + 1) } else { (token.value, 1) };
                at_value.1 <= goals.min(self.swaps_left(config, token.value))
            });
        }
        config.tokens = pruned;
    }

    /// How many swaps from `value` are left.
    fn swaps_left(&self, config: &Config<W>, value: ValueId) -> usize {
        let old = self.window.old.swaps_from.get(&value).into_iter().flatten();
        let old = old.map(|(_, class)| self.window.old.left(*class, config));
        let open = (self.window.swaps_from[value as usize] - config.done).len() as usize;
        old.fold(open, usize::saturating_add)
    }

    /// The observers and swaps out of `eligible` that strands can hold that begin with `starts`.
    fn reach_from(&self, config: &Config<W>, starts: impl Iterator<Item = ValueId>, eligible: Mask<W>) -> Mask<W> {
        let eligible = eligible - config.done;
        if self.effort.fungible && !self.window.old.swaps_from.is_empty() {
            return eligible;
        }
        let (mut ops, mut values) = (Mask::EMPTY, Values::new());
        // There may be thousands of old writes, of values that nothing here can find.
        let matters = |value: &ValueId| {
            let window = &self.window;
            let open = window.served(*value) | window.swaps_from[*value as usize];
            open.meets(eligible) || window.old.swaps_from.contains_key(value)
        };
        starts.filter(matters).for_each(|start| add(&mut values, start));
        let mut at = 0;
        while let Some(value) = values.get(at).copied() {
            at += 1;
            let swaps = self.window.swaps_from[value as usize] & eligible;
            ops |= swaps | (self.window.served(value) & eligible);
            swaps.iter().for_each(|slot| add(&mut values, self.window.op(slot).to));
            self.window.old.swaps(value, config).for_each(|(to, _)| add(&mut values, to));
        }
        ops
    }

    /// With an endless supply of writes of a value, whatever can be inserted at the boundary as that value alone can be
    /// done at once: open writes of it are no longer needed and need no place, reads of it find one, and so do swaps
    /// from it to another value of which there is no end; and a token of it is worth nothing.
    fn use_supplies(&self, config: &mut Config<W>) {
        let window = &self.window;
        let is_supplied = |value: ValueId| window.old.write_of(value).is_some();
        let served = |slot: usize| {
            let op = window.op(slot);
            match op.kind {
                Kind::Read => is_supplied(op.from),
                Kind::Differs => window.old.writes.len() > usize::from(is_supplied(op.from)),
                Kind::Write => is_supplied(op.to),
                Kind::Swap => is_supplied(op.from) && is_supplied(op.to),
            }
        };
        (config.free - config.done).iter().filter(|slot| served(*slot)).for_each(|slot| config.done.insert(slot));
        config.tokens.retain(|token| !is_supplied(token.value));
    }
}
