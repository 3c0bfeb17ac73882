//! Who comes and who goes, in runs in which the members change: new ones join, any may be removed, and one that is dead for good is
//! replaced by an empty one. What is drawn here comes from a stream of its own, so that other runs stay what they are.
//!
//! An operator wants changes, several at a time, and asks for each again and again, now this member and now that one, until it is
//! committed; how often and in which order is the members' affair.

use crate::time::{MS, Micros};
use raftd::types::{Configuration, MemberChange, NodeId};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The stream of the seed that this is drawn from.
const STREAM: u64 = 3;
/// No more members than this, dead, removed and new ones included, are there ever.
const EVER_MAX: usize = 14;
/// With so many members nobody else is asked to join.
const MEMBERS_MAX: usize = 7;
/// How many changes are wanted at a time.
const WANTED_MAX: usize = 4;

/// How the members change in a run.
#[derive(Debug, Clone)]
pub struct Comings {
    /// The mean time between two wishes.
    every_us: Micros,
    /// How often each kind comes, in relation to the others; 0: never.
    swarm: Swarm,
    /// What the operator wants, and does not know to be done.
    pub wanted: Vec<MemberChange>,
    rng: ChaCha8Rng,
}

/// How often each kind of change comes.
#[derive(Debug, Clone, Copy)]
struct Swarm {
    join: u32,
    remove: u32,
    replace: u32,
}

/// What the operator comes to want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// One more member.
    Join,
    /// One less.
    Remove(NodeId),
    /// This one is dead for good: another one in its place.
    Replace(NodeId),
}

impl Comings {
    /// How the members change in the run with this seed.
    pub fn draw(seed: u64) -> Comings {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(STREAM);
        let every_us = rng.random_range(100..1500) * MS;
        let mut weight = |usual: u32| if rng.random_bool(0.75) { rng.random_range(usual / 4..=usual * 2) } else { 0 };
        let swarm = Swarm { join: weight(20), remove: weight(20), replace: weight(8) };
        Comings { every_us, swarm, wanted: Vec::new(), rng }
    }

    /// After how long the operator wants something else.
    pub fn next_wish_us(&mut self) -> Micros {
        self.rng.random_range(0..=2 * self.every_us)
    }

    /// After how long the operator asks again for what it wants.
    pub fn next_try_us(&mut self) -> Micros {
        self.rng.random_range(10..150) * MS
    }

    /// What the operator comes to want when these are the members, and there were so many ever.
    pub fn wish(&mut self, members: &Configuration, leader: Option<NodeId>, ever: usize) -> Option<Wish> {
        let voters: Vec<NodeId> = members.voters().collect();
        let anybody = *voters.choose(&mut self.rng)?;
        let victim = leader.filter(|leader| voters.contains(leader) && self.rng.random_bool(0.4)).unwrap_or(anybody);
        let Swarm { join, remove, replace } = self.swarm;
        let place = self.rng.random_range(0..(join + remove + replace).max(1));
        let has_room = members.members().len() < MEMBERS_MAX && ever < EVER_MAX;
        match self.wanted.len() < WANTED_MAX {
            true if place < join && has_room => Some(Wish::Join),
            true if (join..join + remove).contains(&place) => Some(Wish::Remove(victim)),
            true if place >= join + remove && replace > 0 && ever < EVER_MAX => Some(Wish::Replace(victim)),
            _ => None,
        }
    }

    /// Which of these members is asked.
    pub fn whom(&mut self, members: &[usize]) -> Option<usize> {
        members.choose(&mut self.rng).copied()
    }

    /// What is done is wanted no more. A number that is not new any more was a member's, or never will be.
    pub fn settle(&mut self, committed: &Configuration) {
        self.wanted.retain(|change| match change {
            MemberChange::Add { id, .. } => committed.is_new(*id),
            MemberChange::Promote { id } => !committed.is_voter(*id),
            MemberChange::Remove { id } => committed.contains(*id),
        });
    }

    /// Whether somebody is to be removed.
    pub fn wants_removed(&self, id: NodeId) -> bool {
        self.wanted.contains(&MemberChange::Remove { id })
    }
}
