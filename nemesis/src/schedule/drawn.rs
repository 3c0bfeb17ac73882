//! Schedules that are drawn: how fast faults follow each other, and what each does to whom.

use super::{Planned, Schedule, Size};
use crate::change::Change;
use crate::fault::Family;
use crate::packets::{self, Direction, Share};
use crate::restart::Restart;
use crate::rot::Rot;
use crate::selector::Selector;
use crate::shape::Shape;
use crate::skew::Kind;
use crate::span::Span;
use crate::trouble::{self, Trouble};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::fmt;

/// How fast faults follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The least and the greatest quiet time before the first fault and between two of them, in ms.
    pub quiet_ms: (u64, u64),
    /// How long a fault stays at least and at most, in ms.
    pub lasts_ms: (u64, u64),
}

impl Pace {
    /// The pace of a storm for which nobody chose one: short faults hit elections, long ones outlast every time-out.
    pub const USUAL: Pace = Pace { quiet_ms: (600, 1_500), lasts_ms: (800, 3_000) };

    /// A pace for one storm: hectic or slow, even or not. Every fault lasts as long as links need to flap.
    pub(crate) fn draw(rng: &mut ChaCha8Rng) -> Pace {
        let mut range = |least: std::ops::RangeInclusive<u64>, more: std::ops::RangeInclusive<u64>| {
            let least = rng.random_range(least);
            (least, least + rng.random_range(more))
        };
        Pace { quiet_ms: range(100..=1_000, 200..=3_000), lasts_ms: range(2 * FLAPPING.ms()..=1_500, 300..=6_000) }
    }

    fn quiet(&self, rng: &mut ChaCha8Rng) -> u64 {
        rng.random_range(self.quiet_ms.0..=self.quiet_ms.1)
    }

    fn lasts(&self, rng: &mut ChaCha8Rng) -> u64 {
        rng.random_range(self.lasts_ms.0..=self.lasts_ms.1)
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = |(least, most): (u64, u64)| format!("{} to {}", Span::from_ms(least), Span::from_ms(most));
        write!(f, "each for {}, {} between", span(self.lasts_ms), span(self.quiet_ms))
    }
}

/// How long a client is paused, in ms: mostly past the two to four seconds that a lease lasts as a rule, and long enough for
/// others to do something under its lock.
const CLIENT_LASTS_MS: std::ops::RangeInclusive<u64> = 2_000..=10_000;

/// How long another fault has just begun, in ms: it shows by then, and what it does is not over.
const JUST_BEGUN_MS: std::ops::RangeInclusive<u64> = 30..=250;

/// How long a node is stopped for the sake of requests that wait, in ms: the others must have elected and made changes.
const QUEUE_LASTS_MS: std::ops::RangeInclusive<u64> = 2_000..=5_000;

/// The quiet time that is left at the end of the storm, in ms.
const TAIL_MS: u64 = 500;

/// How long the links of a drawn flapping partition are cut, and then open, by turns: some times even in a short fault.
const FLAPPING: Span = Span::from_ms(200);

/// Draws a schedule for a storm of `storm` over a cluster of this size out of `families`: one fault after the other with quiet
/// times between, no family a second time before each had its turn, and likewise what each family does to whom. What cannot be
/// done with so few members is not drawn. Changes of the members come beside the other faults, every other one when another fault
/// has just begun: what is asked of a leader that is about to be none puts them to the test.
pub fn draw(families: &[Family], size: Size, storm: Span, rng: &mut ChaCha8Rng) -> Schedule {
    let (beside, in_turn): (Vec<Family>, Vec<Family>) =
        families.iter().partition(|family| **family == Family::Membership);
    let mut schedule = draw_at(&Pace::USUAL, &in_turn, size, storm, rng);
    let mut changes: Schedule = Vec::new();
    for mut change in draw_at(&Pace::USUAL, &beside, size, storm, rng) {
        let nearest = schedule.iter().min_by_key(|fault| fault.at.ms().abs_diff(change.at.ms()));
        if let Some(fault) = nearest.filter(|_| rng.random_bool(0.5)) {
            change.at = Span::from_ms(fault.at.ms() + rng.random_range(JUST_BEGUN_MS));
        }
        let is_early = change.over().ms() + TAIL_MS <= storm.ms();
        if is_early && changes.last().is_none_or(|before| before.over() < change.at) {
            changes.push(change);
        }
    }
    schedule.extend(changes);
    schedule.sort_by_key(|planned| planned.at);
    schedule
}

/// As [`draw`], at this pace; a family that is named several times comes as many times as often.
pub(crate) fn draw_at(pace: &Pace, families: &[Family], size: Size, storm: Span, rng: &mut ChaCha8Rng) -> Schedule {
    let mut schedule = Vec::new();
    let dealt = families.iter().map(|family| (*family, cards(*family, size))).filter(|(_, cards)| !cards.is_empty());
    let mut decks: Vec<(Family, Deck<Card>)> = dealt.map(|(family, cards)| (family, Deck::new(cards))).collect();
    let mut family_deck = Deck::new(decks.iter().map(|(family, _)| *family).collect());
    let mut at_ms = pace.quiet(rng);
    while let Some(fault) = family_deck.deal(rng) {
        let lasts_ms = match fault {
            _ if fault.hits_clients() => rng.random_range(CLIENT_LASTS_MS),
            Family::Queue => rng.random_range(QUEUE_LASTS_MS),
            _ => pace.lasts(rng),
        };
        let deck = decks.iter_mut().find(|(family, _)| *family == fault).map(|(_, deck)| deck);
        let Some(card) = deck.and_then(|deck| deck.deal(rng)) else { break };
        let Card { shape, flapping, skew, trouble, packets, direction, restart, cpu, change, rot, select } = card;
        let skew = skew.map(|kind| kind.draw(rng));
        let trouble = trouble.map(|kind| kind.draw(rng));
        let packets = packets.map(|kind| kind.draw(rng));
        if at_ms + lasts_ms + TAIL_MS > storm.ms() {
            break;
        }
        let (at, lasts) = (Span::from_ms(at_ms), Span::from_ms(lasts_ms));
        let plain = Planned::plain(at, lasts, fault, select);
        let what = Planned { shape, flapping, skew, trouble, packets, direction, restart, cpu, change, rot, ..plain };
        schedule.push(what);
        // A clock that is still on its way back cannot be hit again.
        let way_back_ms = skew.map_or(0, |skew| skew.way_back(lasts).ms());
        at_ms += lasts_ms + way_back_ms + pace.quiet(rng);
    }
    schedule
}

/// What a drawn fault does, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Card {
    shape: Shape,
    flapping: Option<Span>,
    /// Its size is drawn when the card is dealt.
    skew: Option<Kind>,
    /// As that of a skew.
    trouble: Option<trouble::Kind>,
    /// Likewise.
    packets: Option<packets::Kind>,
    direction: Direction,
    restart: Option<Restart>,
    cpu: Option<Share>,
    change: Option<Change>,
    rot: Option<Rot>,
    select: Selector,
}

impl Card {
    /// To whom, and nothing special.
    fn plain(select: Selector) -> Card {
        let (shape, direction) = (Shape::default(), Direction::default());
        let (flapping, skew, trouble, packets, restart, cpu, change, rot) = Default::default();
        Card { shape, flapping, skew, trouble, packets, direction, restart, cpu, change, rot, select }
    }
}

/// The cards of a family; what stands twice comes twice as often.
fn cards(family: Family, size: Size) -> Vec<Card> {
    let plain = Card::plain;
    let clock = |(kind, select)| Card { skew: Some(kind), ..plain(select) };
    let disk = |(kind, select)| Card { trouble: Some(kind), ..plain(select) };
    let packet = |(kind, direction, select)| Card { packets: Some(kind), direction, ..plain(select) };
    let restart = |(kind, select)| Card { restart: Some(kind), ..plain(select) };
    let starve =
        |(percent, select): (u32, Selector)| Card { cpu: Some(Share::from_ppm(percent * 10_000)), ..plain(select) };
    let membership = |(change, select)| Card { change: Some(change), ..plain(select) };
    match family {
        Family::Partition => partitions(size.nodes),
        Family::Kill => {
            [Selector::One, Selector::Leader, Selector::Minority, Selector::Majority, Selector::All].map(plain).into()
        }
        // A leader that ends in order may hand over; all at once is how a cluster is switched off.
        Family::Stop => {
            [Selector::One, Selector::Leader, Selector::Leader, Selector::Majority, Selector::All].map(plain).into()
        }
        // A server that is interrupted while it recovers must recover from that too; a majority that is so makes progress only
        // by what was kept.
        Family::Restart => [
            (Restart::CrashLoop, Selector::One),
            (Restart::CrashLoop, Selector::Leader),
            (Restart::CrashLoop, Selector::Majority),
            (Restart::CrashLoop, Selector::All),
            (Restart::Rolling, Selector::All),
            (Restart::RollingKill, Selector::All),
        ]
        .map(restart)
        .into(),
        // A leader with a little still keeps the others from electing another; all of them are a machine that is overloaded.
        Family::Starve => [
            (2, Selector::One),
            (3, Selector::Leader),
            (5, Selector::Leader),
            (10, Selector::Leader),
            (10, Selector::Majority),
            (20, Selector::All),
        ]
        .map(starve)
        .into(),
        // Whoever led believes that it still does.
        Family::Queue => [Selector::Leader, Selector::Leader, Selector::Leader, Selector::One].map(plain).into(),
        Family::Pause => [Selector::One, Selector::Leader, Selector::Leader, Selector::Minority, Selector::Majority]
            .map(plain)
            .into(),
        // Whoever leads is relied upon for leases; a majority can outvote the clocks that are right.
        Family::Clock => [
            (Kind::Jump, Selector::One),
            (Kind::Jump, Selector::Leader),
            (Kind::Jump, Selector::Majority),
            (Kind::Strobe, Selector::Leader),
            (Kind::Strobe, Selector::Minority),
            (Kind::Drift, Selector::Leader),
            (Kind::Drift, Selector::One),
            (Kind::Drift, Selector::Majority),
        ]
        .map(clock)
        .into(),
        // Where heartbeats are late or lost now and then, leaders change for no other reason; what only one side hears is
        // the hardest to agree on.
        Family::Packet => [
            (packets::Kind::Delay, Direction::Both, Selector::Leader),
            (packets::Kind::Delay, Direction::Both, Selector::All),
            (packets::Kind::Delay, Direction::From, Selector::One),
            (packets::Kind::Delay, Direction::To, Selector::Leader),
            (packets::Kind::Loss, Direction::Both, Selector::All),
            (packets::Kind::Loss, Direction::Both, Selector::Leader),
            (packets::Kind::Loss, Direction::From, Selector::Leader),
            (packets::Kind::Loss, Direction::To, Selector::One),
            (packets::Kind::Duplicate, Direction::Both, Selector::All),
            (packets::Kind::Reorder, Direction::Both, Selector::All),
            (packets::Kind::Reorder, Direction::Both, Selector::Leader),
            (packets::Kind::Corrupt, Direction::Both, Selector::All),
            (packets::Kind::Corrupt, Direction::Both, Selector::Minority),
            (packets::Kind::Rate, Direction::Both, Selector::Leader),
            (packets::Kind::Rate, Direction::From, Selector::Leader),
        ]
        .map(packet)
        .into(),
        Family::PauseClient => [Selector::Holder, Selector::Holder, Selector::Holder, Selector::One].map(plain).into(),
        // What is drawn is what a correct server notices; the other rots are more than it is promised to survive.
        Family::Rot => [(1, Selector::One), (1, Selector::Leader), (1, Selector::Follower), (8, Selector::Minority)]
            .map(|(bits, select)| Card { rot: Some(Rot::flip(bits)), ..plain(select) })
            .into(),
        // What a majority has acknowledged can only be lost where a majority loses it.
        Family::Power => {
            [Selector::All, Selector::All, Selector::Majority, Selector::Leader, Selector::One].map(plain).into()
        }
        // Who leads has to do the work. In a small cluster some of this would leave too few.
        Family::Membership => [
            (Change::Remove, Selector::One),
            (Change::Remove, Selector::Leader),
            (Change::Remove, Selector::Majority),
            (Change::Shrink, Selector::Minority),
            (Change::Shrink, Selector::Majority),
            (Change::Replace, Selector::Leader),
            (Change::Replace, Selector::Minority),
            (Change::Grow, Selector::One),
            (Change::Grow, Selector::All),
        ]
        .into_iter()
        .filter(|(change, select)| change.fits(select, size))
        .map(membership)
        .collect(),
        Family::Disk => [
            (trouble::Kind::Fixed(Trouble::Eio), Selector::One),
            (trouble::Kind::Fixed(Trouble::Eio), Selector::Leader),
            (trouble::Kind::Fixed(Trouble::EioSync), Selector::Leader),
            (trouble::Kind::Fixed(Trouble::Full), Selector::Leader),
            (trouble::Kind::Fixed(Trouble::Full), Selector::Majority),
            (trouble::Kind::Slow, Selector::Leader),
            (trouble::Kind::Slow, Selector::Majority),
            (trouble::Kind::SlowReads, Selector::One),
        ]
        .map(disk)
        .into(),
    }
}

/// The partitions that make sense among so many nodes, none of them the same as another.
fn partitions(nodes: usize) -> Vec<Card> {
    let card = |shape, select| Card { shape, ..Card::plain(select) };
    // The interesting side is the one that still believes to lead: half of all cards leave the leader alone.
    let alone = card(Shape::Split, Selector::Leader);
    let mut others = vec![
        card(Shape::Split, Selector::One),
        card(Shape::Mute, Selector::Leader),
        card(Shape::Deaf, Selector::Leader),
        Card { flapping: Some(FLAPPING), ..alone.clone() },
    ];
    if nodes >= 3 {
        others.push(card(Shape::Bridge, Selector::One));
    }
    if nodes >= 4 {
        others.push(card(Shape::Halves, Selector::All));
    }
    if nodes >= 5 {
        others.push(card(Shape::Minority, Selector::Leader));
        others.push(card(Shape::MajoritiesRing, Selector::All));
    }
    vec![alone; others.len()].into_iter().chain(others).collect()
}

/// Cards that are dealt in random order; all of them before any comes again.
struct Deck<T> {
    all: Vec<T>,
    left: Vec<T>,
}

impl<T: Clone> Deck<T> {
    fn new(all: Vec<T>) -> Deck<T> {
        Deck { all, left: Vec::new() }
    }

    fn deal(&mut self, rng: &mut ChaCha8Rng) -> Option<T> {
        if self.left.is_empty() {
            self.left = self.all.clone();
            self.left.shuffle(rng);
        }
        self.left.pop()
    }
}

#[cfg(test)]
mod tests;
