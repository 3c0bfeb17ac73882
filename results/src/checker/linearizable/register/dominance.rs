//! Configurations that can do all that another one can.

use super::config::{Config, Token, sort};
use super::frontier::Frontier;
use super::mask::Mask;
use super::ops::{Kind, ValueId};
use super::trail::START;
use crate::checker::linearizable::Idea;
use smallvec::SmallVec;

impl<const W: usize> Frontier<W> {
    /// Whether `a` can imitate whatever `b` does from here on: then `b` may be left out.
    ///
    /// The imitation keeps the following true, move by move; both have the same value to begin with. Both have the same
    /// answered swaps done, and `a` has every observer done that `b` has (if not yet, then it
    /// [catches up](Self::catches_up) first); whatever `b` can insert at its boundary and has not done, `a` can insert
    /// there too, or has done; each token of `b` has one of `a` of the same value that holds as much; `a` used no more
    /// doubtful operations of any kind; and writes are as follows. A write of `a` is *free* if it can be inserted at the
    /// boundary, and so costs nothing: it can be got rid of unseen whenever it has to. A write that is done is free, too:
    /// it was invoked before the boundary.
    ///
    /// - What `b` has left, `a` has left; or both are free in `a`, and `a` has as many free writes of that value left that
    ///   return as late or later, for every return: then to each write that `b` has left belongs one of `a` of the same
    ///   value that returns no sooner, and `a` uses that one ([`has_as_many`](Self::has_as_many)).
    /// - What `a` has left and `b` has not is free in `a`, or will be in time ([`in_time`](Self::in_time)).
    pub(super) fn dominates(&self, a: &Config<W>, b: &Config<W>) -> bool {
        let window = &self.window;
        let (only_a, only_b) = (a.done - b.done, b.done - a.done);
        let answered = self.answered();
        if only_a.meets(window.swaps & answered) || !b.free.is_within(a.free | a.done) {
            return false;
        }
        let late = (only_b & window.writes & answered) - a.free;
        let hidden = late.is_empty() || self.effort.has(Idea::InTime) && self.in_time(a, b, late);
        if !hidden || !self.uses_no_more(a, b, only_a) || !self.has_as_many(a, b, only_a & window.writes & answered) {
            return false;
        }
        let behind = only_b & (window.observers | window.swaps) & answered;
        match behind.is_empty() {
            true => self.covers(a, b),
            false => self.effort.has(Idea::CatchingUp) && self.catches_up(a, b, behind),
        }
    }

    /// What is open and will return.
    fn answered(&self) -> Mask<W> {
        self.window.open - self.window.doubtful
    }

    /// Whether `a`, which all but covers `b`, covers it when it has done `behind` too, by moves that nobody sees: at its
    /// tokens and its boundary. Then it can imitate `b` from here by making these moves first.
    fn catches_up(&self, a: &Config<W>, b: &Config<W>, behind: Mask<W>) -> bool {
        let window = &self.window;
        let in_reach = a.tokens.iter().fold(a.free, |mask, token| mask | token.mask);
        if !behind.is_within(in_reach) {
            return false;
        }
        let mut a = a.clone();
        let mut swaps = behind & window.swaps;
        while !swaps.is_empty() {
            let before = swaps;
            for slot in before.iter() {
                if self.swap_unseen(&mut a, b, slot) {
                    swaps.remove(slot);
                }
            }
            if swaps == before {
                return false;
            }
        }
        for slot in (behind & window.observers).iter() {
            if a.done.contains(slot) {
                continue;
            }
            let op = window.op(slot);
            if op.kind != Kind::Read || !a.free.contains(slot) || !self.write_unseen(&mut a, b, op.from) {
                return false;
            }
            let mask = a.free;
            a.tokens.push(Token { value: op.from, mask, after: START, moment: 0 });
        }
        let taken = (a.done - b.done) & window.writes & self.answered();
        sort(&mut a.tokens);
        self.has_as_many(&a, b, taken) && self.covers(&a, b)
    }

    /// Does the swap at the least token that can hold it, or after a write at the boundary.
    fn swap_unseen(&self, a: &mut Config<W>, b: &Config<W>, slot: usize) -> bool {
        let op = *self.window.op(slot);
        let suits = |token: &Token<W>| token.value == op.from && token.mask.contains(slot);
        let least = (0..a.tokens.len()).filter(|at| suits(&a.tokens[*at])).min_by_key(|at| a.tokens[*at].mask.len());
        let mask = match least {
            Some(at) => {
                a.tokens[at].value = op.to;
                a.tokens[at].mask
            }
            None if a.free.contains(slot) && self.write_unseen(a, b, op.from) => {
                let mask = a.free;
                a.tokens.push(Token { value: op.to, mask, after: START, moment: 0 });
                mask
            }
            None => return false,
        };
        a.done.insert(slot);
        a.done |= self.window.served(op.to) & mask;
        true
    }

    /// Writes `value` at the boundary: with a write that `b` has done, if there is one, or else the one that returns
    /// first.
    fn write_unseen(&self, a: &mut Config<W>, b: &Config<W>, value: ValueId) -> bool {
        let left = (a.free & self.window.writes & self.answered()) - a.done;
        let of_value = |slot: &&usize| left.contains(**slot) && self.window.op(**slot).to == value;
        let mut by_return = self.window.by_return.iter();
        let spent = by_return.clone().filter(of_value).find(|slot| b.done.contains(**slot));
        let Some(slot) = spent.or_else(|| by_return.find(of_value)) else { return false };
        a.done.insert(*slot);
        a.done |= self.window.served(value) & a.free;
        true
    }

    /// Whether `a` used no more doubtful operations of any kind; or, if kinds do not matter, of all together.
    fn uses_no_more(&self, a: &Config<W>, b: &Config<W>, only_a: Mask<W>) -> bool {
        if self.effort.fungible {
            return a.doubtful_used(self.window.doubtful) <= b.doubtful_used(self.window.doubtful);
        }
        !only_a.meets(self.window.doubtful) && a.used.is_within(&b.used)
    }

    /// Whether for each write of `taken`, which `a` has done and `b` has not, `a` has one left instead.
    fn has_as_many(&self, a: &Config<W>, b: &Config<W>, taken: Mask<W>) -> bool {
        if !self.effort.has(Idea::AsMany) {
            return taken.is_empty();
        }
        let mut left = taken;
        while let Some(slot) = left.iter().next() {
            let value = self.window.op(slot).to;
            let mut surplus = 0_i32;
            for other in self.window.by_return.iter().rev().filter(|other| self.window.op(**other).to == value) {
                left.remove(*other);
                let (done_by_a, done_by_b) = (a.done.contains(*other), b.done.contains(*other));
                if done_by_a || a.free.contains(*other) {
                    surplus += i32::from(!done_by_a) - i32::from(!done_by_b);
                }
                if surplus < 0 {
                    return false;
                }
            }
        }
        true
    }

    /// Whether each write of `late`, which `b` has done and `a` has not, will be free in `a` before it returns.
    ///
    /// It will if another write `w` was invoked later and returns earlier. When that returns, both have done it (if `w` is
    /// itself among the `late`, it has a reason of its own, and reasons end with the shortest write). Either it was placed
    /// at the end: then the boundary is later than its invocation. Or at the boundary, which then was later than that.
    ///
    /// It also will if some write that is late in both, and that both have left, returns earlier: `b` cannot place that
    /// at its boundary as it is, so will have written at the end by then, and `a` with it.
    fn in_time(&self, a: &Config<W>, b: &Config<W>, late: Mask<W>) -> bool {
        let unsure = late - self.window.outlasting;
        if unsure.is_empty() {
            return true;
        }
        let late_in_both = (((self.window.writes - self.window.doubtful) - a.done) - b.done) - a.free;
        let mut by_return = self.window.by_return.iter();
        by_return.find_map(|slot| match () {
            () if late_in_both.contains(*slot) => Some(true),
            () if unsure.contains(*slot) => Some(false),
            () => None,
        }) == Some(true)
    }

    /// Whether each token of `b` has one of `a` for itself, of the same value, that can hold as much; what is done in `a`
    /// need not be held, and a token that can come to nothing else that has to be done is not needed.
    fn covers(&self, a: &Config<W>, b: &Config<W>) -> bool {
        // Of one value those that can hold more come first, in both. So each takes the least that suffices, from the last.
        let mut taken: SmallVec<[bool; 8]> = SmallVec::from_elem(false, a.tokens.len());
        b.tokens.iter().rev().all(|token| {
            let suffices = |at: &usize| {
                let other = &a.tokens[*at];
                !taken[*at] && other.value == token.value && token.mask.is_within(other.mask | a.done)
            };
            match (0..a.tokens.len()).rev().find(suffices) {
                Some(at) => {
                    taken[at] = true;
                    true
                }
                None => token.mask.is_within(a.done | self.window.doubtful),
            }
        })
    }
}
