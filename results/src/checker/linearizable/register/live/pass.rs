//! One pass that goes along with the events of a key, with as many slots as it needs, and its proof.

use crate::checker::linearizable::meter::Meter;
use crate::checker::linearizable::register::config::sort;
use crate::checker::linearizable::register::frontier::Frontier;
use crate::checker::linearizable::register::mask::Mask;
use crate::checker::linearizable::register::ops::{Op, ValueId};
use crate::checker::linearizable::register::proof::Proof;
use crate::checker::linearizable::register::{Effort, Halt};

/// A frontier of some width.
#[derive(Clone)]
enum Sized {
    W1(Box<Frontier<1>>),
    W2(Box<Frontier<2>>),
    W4(Box<Frontier<4>>),
    W8(Box<Frontier<8>>),
    W16(Box<Frontier<16>>),
}

/// Does the same with a frontier of any width.
macro_rules! with {
    ($sized:expr, $frontier:ident => $what:expr) => {
        match $sized {
            Sized::W1($frontier) => $what,
            Sized::W2($frontier) => $what,
            Sized::W4($frontier) => $what,
            Sized::W8($frontier) => $what,
            Sized::W16($frontier) => $what,
        }
    };
}

/// An operation of a key, with what is known of it by looking ahead.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub op: Op,
    pub index: u32,
    pub implied: bool,
    pub outlasts: bool,
}

/// How a pass stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// There is an order so far, as far as it knows.
    Legal,
    /// There is none; perhaps because others were left out.
    NoOrder { certain: bool },
}

/// A pass.
#[derive(Clone)]
pub(super) struct Pass {
    frontier: Sized,
    /// The order so far; none if more orders are possible than in truth.
    proof: Option<Proof>,
    /// How much may pile up before something is settled.
    spare: usize,
}

impl Pass {
    /// At the beginning of a history.
    pub fn new(spare: usize) -> Pass {
        let mut frontier = Frontier::new(1, Effort::EXACT);
        frontier.settles = true;
        Pass { frontier: Sized::W1(Box::new(frontier)), proof: Some(Proof::new()), spare }
    }

    /// From now on with another effort. Nothing that never returns may have been invoked.
    pub fn with_effort(mut self, effort: Effort) -> Pass {
        with!(&mut self.frontier, frontier => {
            frontier.effort = effort;
            frontier.cut |= effort.fungible;
            frontier.window.old.endless = effort.endless;
            frontier.keep_orders = !effort.endless;
        });
        if effort.endless {
            self.proof = None;
        }
        self
    }

    /// An operation is invoked; there are so many values.
    pub fn invoke(&mut self, known: &Known, values: usize) -> Result<(), Halt> {
        let Known { op, index, implied, outlasts } = *known;
        self.proof.iter_mut().for_each(|proof| proof.invoke(op, index));
        if implied || op.observes() && !op.must() {
            return Ok(());
        }
        loop {
            let invoked = with!(&mut self.frontier, frontier => {
                frontier.window.make_room(values);
                frontier.invoke(op, index, outlasts)
            });
            if invoked != Err(Halt::Slots) || !self.widen() {
                return invoked;
            }
        }
    }

    /// An operation returns. If it is stopped, all is as it was before.
    pub fn ret(&mut self, index: u32, moment: u32, meter: &mut Meter) -> Result<Stands, Halt> {
        with!(&mut self.frontier, frontier => {
            frontier.ret(index, moment, meter)?;
            if frontier.configs.is_empty() {
                return Ok(Stands::NoOrder { certain: !frontier.cut });
            }
            if let Some(proof) = &mut self.proof
                && (frontier.is_full(self.spare) || proof.is_full(self.spare))
            {
                let settled = frontier.settle(false);
                proof.place(&settled, &frontier.window.old.does);
            }
        });
        Ok(Stands::Legal)
    }

    /// Whether what was found is an order; the history is over.
    pub fn finish(mut self) -> bool {
        let Some(mut proof) = self.proof.take() else { return false };
        with!(&mut self.frontier, frontier => {
            let settled = frontier.settle(true);
            proof.place(&settled, &frontier.window.old.does);
        });
        proof.finish()
    }

    /// The returns and indices of what is open.
    pub fn open(&self) -> Vec<(u32, u32)> {
        with!(&self.frontier, frontier => {
            frontier.slot_of.iter().map(|(index, slot)| (frontier.window.op(*slot).ret, *index)).collect()
        })
    }

    /// The most configurations at one moment.
    pub fn peak(&self) -> usize {
        with!(&self.frontier, frontier => frontier.peak)
    }

    /// Counts what is held for it, of which its meter has to know.
    pub fn hold(&mut self, fed_bytes: usize) {
        let proof = self.proof.as_ref().map_or(0, Proof::held_bytes);
        with!(&mut self.frontier, frontier => frontier.fed_bytes = fed_bytes + proof);
    }

    /// Roughly how many bytes it holds, with what is held for it.
    pub fn held_bytes(&self) -> usize {
        with!(&self.frontier, frontier => frontier.held_bytes(0))
    }

    /// Renumbers every value that it may ever ask about. Nothing that never returns may have been invoked.
    pub fn renumber(&mut self, to: &mut impl FnMut(ValueId) -> ValueId) {
        with!(&mut self.frontier, frontier => frontier.renumber(to));
        self.proof.iter_mut().for_each(|proof| proof.renumber(to));
    }

    /// Makes room for so many values.
    pub fn make_room(&mut self, values: usize) {
        with!(&mut self.frontier, frontier => frontier.window.make_room(values));
    }

    fn widen(&mut self) -> bool {
        let wider = match &self.frontier {
            Sized::W1(frontier) => Sized::W2(Box::new(frontier.widened())),
            Sized::W2(frontier) => Sized::W4(Box::new(frontier.widened())),
            Sized::W4(frontier) => Sized::W8(Box::new(frontier.widened())),
            Sized::W8(frontier) => Sized::W16(Box::new(frontier.widened())),
            Sized::W16(_) => return false,
        };
        self.frontier = wider;
        true
    }
}

impl<const W: usize> Frontier<W> {
    /// The same with other masks.
    fn widened<const V: usize>(&self) -> Frontier<V> {
        let widened = |mask: &Mask<W>| mask.widened::<V>();
        Frontier {
            effort: self.effort,
            window: self.window.widened(),
            configs: self.configs.iter().map(|config| config.with_masks(widened)).collect(),
            room: Vec::new(),
            slot_of: self.slot_of.clone(),
            young: self.young.clone(),
            trail: self.trail.clone(),
            keep_orders: self.keep_orders,
            now: self.now,
            limit: self.limit,
            refused: self.refused.clone(),
            cut: self.cut,
            peak: self.peak,
            fed_bytes: self.fed_bytes,
            settles: self.settles,
        }
    }

    fn renumber(&mut self, to: &mut impl FnMut(ValueId) -> ValueId) {
        for config in &mut self.configs {
            config.value = to(config.value);
            config.tokens.iter_mut().for_each(|token| token.value = to(token.value));
        }
        // Tokens are sorted by value.
        self.configs.iter_mut().for_each(|config| sort(&mut config.tokens));
        self.window.renumber(to);
    }
}
