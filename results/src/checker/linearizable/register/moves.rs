//! The moves of a configuration: how one operation more gets its place.

use super::config::{Config, Token};
use super::frontier::Frontier;
use super::trail::{Where, Which};
use crate::checker::linearizable::register::ops::ValueId;
use crate::checker::linearizable::table::ClassId;

/// A write that a move places.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    /// The one in this slot.
    Slot(usize),
    /// An old one of this class, which leaves this value.
    Old(ClassId, ValueId),
}

impl<const W: usize> Frontier<W> {
    /// Takes the write for `config`, which must be able to.
    fn take(&self, config: &mut Config<W>, source: Source) -> (Which, ValueId) {
        match source {
            Source::Slot(slot) => {
                config.done.insert(slot);
                (Which::This(self.window.index(slot)), self.window.op(slot).to)
            }
            Source::Old(class, value) => {
                if !self.window.old.endless {
                    config.used.add(class);
                }
                (Which::Some(class), value)
            }
        }
    }

    /// Writes now, at the end: what stood there leaves a token, and everything open may be inserted before the write.
    pub(super) fn write_live(&mut self, config: &mut Config<W>, source: Source) {
        config.done |= self.window.served(config.value);
        let open = self.window.open;
        let mask = open & (self.window.observers | self.window.swaps);
        config.tokens.push(Token { value: config.value, mask, after: config.last, moment: self.now });
        config.free = open;
        let (which, value) = self.take(config, source);
        config.value = value;
        config.trail = self.note(config, which, Where::End, self.now);
        (config.last, config.boundary, config.boundary_moment) = (config.trail, config.trail, self.now);
    }

    /// Inserts a write just before the boundary. Nobody sees it but what is inserted with it.
    pub(super) fn write_at_boundary(&mut self, config: &mut Config<W>, source: Source) -> Token<W> {
        let (which, value) = self.take(config, source);
        config.done |= self.window.served(value) & config.free;
        config.trail = self.note(config, which, Where::Before(config.boundary), config.boundary_moment);
        let mask = config.free & (self.window.observers | self.window.swaps);
        Token { value, mask, after: config.trail, moment: config.boundary_moment }
    }

    /// Swaps at the end.
    pub(super) fn swap_live(&mut self, config: &mut Config<W>, which: Which, to: ValueId) {
        config.done |= self.window.served(config.value);
        config.trail = self.note(config, which, Where::End, self.now);
        (config.last, config.value) = (config.trail, to);
        config.done |= self.window.served(to);
    }

    /// Swaps where `token` is.
    pub(super) fn swap_at(&mut self, config: &mut Config<W>, token: &mut Token<W>, which: Which, to: ValueId) {
        config.trail = self.note(config, which, Where::After(token.after), token.moment);
        (token.after, token.value) = (config.trail, to);
        config.done |= self.window.served(to) & token.mask;
    }

    fn note(&mut self, config: &Config<W>, which: Which, place: Where, moment: u32) -> u32 {
        if self.keep_orders { self.trail.push(config.trail, which, place, moment) } else { config.trail }
    }
}
