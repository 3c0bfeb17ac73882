//! When what goes wrong: faults with times, drawn from a seed or written by hand.

use crate::fault::{Family, Fault};
use crate::packets::{self, Direction, Packets};
use crate::selector::Selector;
use crate::shape::Shape;
use crate::skew::{Kind, Skew};
use crate::span::Span;
use crate::trouble::{self, Trouble};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use squall_targets::disk::Model;
use std::fmt;

/// A fault with its times, counted from the beginning of the storm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// When it is injected.
    pub at: Span,
    /// How long it stays.
    #[serde(rename = "for")]
    pub lasts: Span,
    /// What goes wrong.
    pub fault: Family,
    /// Which links a partition cuts.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shape: Shape,
    /// A partition that comes and goes: for so long its links are cut, for so long they are open, by turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flapping: Option<Span>,
    /// What is wrong with clocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew: Option<Skew>,
    /// What a disk forgets that loses its power.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// What is wrong with disks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// What is wrong with packets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<Packets>,
    /// On which links of those that are hit.
    #[serde(default, skip_serializing_if = "is_both")]
    pub direction: Direction,
    /// Who is hit.
    pub select: Selector,
}

impl Planned {
    /// The fault without its times.
    pub fn what(&self) -> Fault {
        let (shape, selector, direction) = (self.shape.clone(), self.select.clone(), self.direction.clone());
        let Planned { fault: family, flapping, skew, model, trouble, packets, .. } = *self;
        Fault { family, shape, flapping, skew, model, trouble, packets, direction, selector }
    }

    /// When it is over, the way back of a clock that drifted included.
    pub fn over(&self) -> Span {
        let way_back_ms = self.skew.map_or(0, |skew| skew.way_back(self.lasts).ms());
        Span::from_ms(self.at.ms() + self.lasts.ms() + way_back_ms)
    }

    /// Why this fault makes no sense among these nodes; none if it does.
    pub fn refuses(&self, nodes: &[String]) -> Option<String> {
        let too_short = self.flapping.filter(|flapping| flapping.ms().saturating_mul(2) > self.lasts.ms());
        let too_short = || {
            too_short.map(|flapping| {
                format!("links that flap every {flapping} need twice this time; it lasts {}", self.lasts)
            })
        };
        let too_far = || self.skew.and_then(|skew| skew.refuses_for(self.lasts));
        self.what().refuses(nodes).or_else(too_short).or_else(too_far)
    }
}

fn is_default(shape: &Shape) -> bool {
    *shape == Shape::default()
}

fn is_both(direction: &Direction) -> bool {
    *direction == Direction::default()
}

/// Faults in the order of their beginning.
pub type Schedule = Vec<Planned>;

/// What the disks forget that must lie under the servers' data before they start, for these faults; none where none needs any.
///
/// # Errors
/// When two faults want different ones: a disk is of one kind for as long as it is there.
pub fn disks(schedule: &[Planned]) -> Result<Option<Model>, String> {
    let mut models = schedule.iter().filter_map(|planned| planned.model);
    let model = models.next().unwrap_or_default();
    if let Some(other) = models.find(|other| *other != model) {
        return Err(format!(
            "a run has one model of disks, not both {model} and {other}; give all losses of power the same"
        ));
    }
    Ok(schedule.iter().any(|planned| planned.fault.needs_disks()).then_some(model))
}

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

/// The quiet time that is left at the end of the storm, in ms.
const TAIL_MS: u64 = 500;

/// How long the links of a drawn flapping partition are cut, and then open, by turns: some times even in a short fault.
const FLAPPING: Span = Span::from_ms(200);

/// Draws a schedule for a storm of `storm` over so many nodes out of `families`: one fault after the other with quiet
/// times between, no family a second time before each had its turn, and likewise what each family does to whom.
pub fn draw(families: &[Family], nodes: usize, storm: Span, rng: &mut ChaCha8Rng) -> Schedule {
    draw_at(&Pace::USUAL, families, nodes, storm, rng)
}

/// As [`draw`], at this pace; a family that is named several times comes as many times as often.
pub(crate) fn draw_at(pace: &Pace, families: &[Family], nodes: usize, storm: Span, rng: &mut ChaCha8Rng) -> Schedule {
    let mut schedule = Vec::new();
    let mut family_deck = Deck::new(families.to_vec());
    let mut decks: Vec<(Family, Deck<Card>)> =
        families.iter().map(|family| (*family, Deck::new(cards(*family, nodes)))).collect();
    let mut at_ms = pace.quiet(rng);
    while let Some(fault) = family_deck.deal(rng) {
        let lasts_ms = if fault.hits_clients() { rng.random_range(CLIENT_LASTS_MS) } else { pace.lasts(rng) };
        let deck = decks.iter_mut().find(|(family, _)| *family == fault).map(|(_, deck)| deck);
        let Some(card) = deck.and_then(|deck| deck.deal(rng)) else { break };
        let Card { shape, flapping, skew, trouble, packets, direction, select } = card;
        let skew = skew.map(|kind| kind.draw(rng));
        let trouble = trouble.map(|kind| kind.draw(rng));
        let packets = packets.map(|kind| kind.draw(rng));
        if at_ms + lasts_ms + TAIL_MS > storm.ms() {
            break;
        }
        let (at, lasts) = (Span::from_ms(at_ms), Span::from_ms(lasts_ms));
        let what =
            Planned { at, lasts, fault, shape, flapping, skew, model: None, trouble, packets, direction, select };
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
    select: Selector,
}

impl Card {
    /// To whom, and nothing special.
    fn plain(select: Selector) -> Card {
        let (shape, direction) = (Shape::default(), Direction::default());
        Card { shape, flapping: None, skew: None, trouble: None, packets: None, direction, select }
    }
}

/// The cards of a family; what stands twice comes twice as often.
fn cards(family: Family, nodes: usize) -> Vec<Card> {
    let plain = Card::plain;
    let clock = |(kind, select)| Card { skew: Some(kind), ..plain(select) };
    let disk = |(kind, select)| Card { trouble: Some(kind), ..plain(select) };
    let packet = |(kind, direction, select)| Card { packets: Some(kind), direction, ..plain(select) };
    match family {
        Family::Partition => partitions(nodes),
        Family::Kill => {
            [Selector::One, Selector::Leader, Selector::Minority, Selector::Majority, Selector::All].map(plain).into()
        }
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
        // What a majority has acknowledged can only be lost where a majority loses it.
        Family::Power => {
            [Selector::All, Selector::All, Selector::Majority, Selector::Leader, Selector::One].map(plain).into()
        }
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
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::BTreeSet;

    fn drawn(seed: u64, storm_s: u64) -> Schedule {
        draw(&Family::ALL, 3, Span::from_ms(storm_s * 1_000), &mut ChaCha8Rng::seed_from_u64(seed))
    }

    #[test]
    fn a_seed_repeats_its_schedule() {
        assert_eq!(drawn(7, 60), drawn(7, 60));
        assert_ne!(drawn(7, 60), drawn(8, 60));
    }

    #[test]
    fn faults_follow_each_other_and_end_within_the_storm() {
        for seed in 0..200 {
            let schedule = drawn(seed, 30);
            for pair in schedule.windows(2) {
                assert!(
                    pair[0].at.ms() + pair[0].lasts.ms() + Pace::USUAL.quiet_ms.0 <= pair[1].at.ms(),
                    "{schedule:?}"
                );
            }
            let last = schedule.last().expect("30 s are enough for a fault");
            assert!(last.at.ms() + last.lasts.ms() + TAIL_MS <= 30_000);
        }
    }

    #[test]
    fn twenty_seconds_are_enough_for_every_usual_family_that_hits_nodes() {
        let fits = |family: &Family| family.is_usual() && !family.hits_clients();
        let families: Vec<Family> = Family::ALL.into_iter().filter(fits).collect();
        for seed in 0..200 {
            let schedule = draw(&families, 3, Span::from_ms(20_000), &mut ChaCha8Rng::seed_from_u64(seed));
            for family in families.iter().copied() {
                assert!(schedule.iter().any(|planned| planned.fault == family), "seed {seed} lacks {family}");
            }
        }
    }

    #[test]
    fn every_family_can_be_drawn_alone() {
        let nodes = ["n1", "n2", "n3"].map(String::from);
        for family in Family::ALL {
            let schedule = draw(&[family], 3, Span::from_ms(600_000), &mut ChaCha8Rng::seed_from_u64(1));
            assert!(schedule.len() > 40, "{family}: {schedule:?}");
            for planned in &schedule {
                assert_eq!((planned.fault, planned.refuses(&nodes)), (family, None), "{planned:?}");
            }
        }
    }

    #[test]
    fn disks_are_there_where_a_fault_needs_them_and_of_one_model() {
        let planned = |fault, model| Planned { fault, model, ..plain(Family::Kill) };
        let power = |model| planned(Family::Power, model);
        for (schedule, expected) in [
            (vec![planned(Family::Kill, None)], Ok(None)),
            (vec![planned(Family::Kill, None), planned(Family::Disk, None)], Ok(Some(Model::Ext4Ordered))),
            (vec![power(None), power(Some(Model::Posix))], Ok(Some(Model::Posix))),
            (vec![power(Some(Model::Ext4Ordered)), power(Some(Model::Posix))], Err(())),
        ] {
            assert_eq!(disks(&schedule).map_err(drop), expected, "{schedule:?}");
        }
    }

    #[test]
    fn no_family_no_fault() {
        assert_eq!(draw(&[], 3, Span::from_ms(20_000), &mut ChaCha8Rng::seed_from_u64(1)), []);
    }

    #[test]
    fn every_number_of_nodes_has_its_shapes_and_no_other() {
        for (count, expected) in [
            (2, "deaf mute split"),
            (3, "bridge deaf mute split"),
            (4, "bridge deaf halves mute split"),
            (5, "bridge deaf halves majorities_ring minority mute split"),
            (7, "bridge deaf halves majorities_ring minority mute split"),
        ] {
            let nodes: Vec<String> = (1..=count).map(|number| format!("n{number}")).collect();
            let schedule = draw(&[Family::Partition], count, Span::from_ms(600_000), &mut ChaCha8Rng::seed_from_u64(1));
            for planned in &schedule {
                assert_eq!(planned.refuses(&nodes), None, "{planned:?}");
            }
            let shapes: BTreeSet<&str> = schedule.iter().map(|planned| planned.shape.name()).collect();
            assert_eq!(shapes.into_iter().collect::<Vec<_>>().join(" "), expected, "{count} nodes");
            assert!(schedule.iter().any(|planned| planned.flapping.is_some()));
            let alone = |planned: &&Planned| *planned.what().to_string() == *"partition of leader";
            assert!(3 * schedule.iter().filter(alone).count() > schedule.len(), "the leader is often left alone");
        }
    }

    #[test]
    fn drawn_pauses_of_clients_fit_and_hit_holders_most() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let schedule = draw(&[Family::PauseClient], 3, Span::from_ms(600_000), &mut rng);
        let nodes = ["n1", "n2", "n3"].map(String::from);
        assert!(schedule.iter().all(|planned| planned.refuses(&nodes).is_none()), "{schedule:?}");
        let holders = schedule.iter().filter(|planned| planned.select == Selector::Holder).count();
        assert!(2 * holders > schedule.len() && holders < schedule.len(), "{holders} of {}", schedule.len());
    }

    #[test]
    fn drawn_skews_fit_and_are_of_every_kind() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let schedule = draw(&[Family::Clock], 3, Span::from_ms(600_000), &mut rng);
        let nodes = ["n1", "n2", "n3"].map(String::from);
        assert!(schedule.iter().all(|planned| planned.refuses(&nodes).is_none()), "{schedule:?}");
        let count = |is: fn(&Skew) -> bool| schedule.iter().filter_map(|planned| planned.skew).filter(is).count();
        for pair in schedule.windows(2) {
            let way_back_ms = pair[0].skew.map_or(0, |skew| skew.way_back(pair[0].lasts).ms());
            assert!(pair[0].at.ms() + pair[0].lasts.ms() + way_back_ms < pair[1].at.ms(), "{pair:?}");
        }
        assert!(count(|skew| matches!(skew, Skew::Jump(_))) > 20, "{schedule:?}");
        assert!(count(|skew| matches!(skew, Skew::Strobe { .. })) > 20, "{schedule:?}");
        assert!(count(|skew| matches!(skew, Skew::Drift(_))) > 20, "{schedule:?}");
    }

    fn plain(fault: Family) -> Planned {
        let (at, lasts) = (Span::from_ms(0), Span::from_ms(1_000));
        let (shape, select) = (Shape::Split, Selector::One);
        Planned {
            at,
            lasts,
            fault,
            shape,
            flapping: None,
            skew: None,
            model: None,
            trouble: None,
            packets: None,
            direction: Direction::Both,
            select,
        }
    }

    #[test]
    fn drawn_packet_faults_fit_and_are_of_every_kind_and_direction() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let schedule = draw(&[Family::Packet], 3, Span::from_ms(600_000), &mut rng);
        let nodes = ["n1", "n2", "n3"].map(String::from);
        assert!(schedule.iter().all(|planned| planned.refuses(&nodes).is_none()), "{schedule:?}");
        let count = |is: fn(&Packets) -> bool| schedule.iter().filter_map(|planned| planned.packets).filter(is).count();
        for kind in [
            count(|packets| packets.delay.is_some()),
            count(|packets| packets.loss.is_some()),
            count(|packets| packets.duplicate.is_some()),
            count(|packets| packets.reorder.is_some()),
            count(|packets| packets.corrupt.is_some()),
            count(|packets| packets.rate.is_some()),
        ] {
            assert!(kind > 5, "{schedule:?}");
        }
        for direction in [Direction::Both, Direction::From, Direction::To] {
            assert!(schedule.iter().any(|planned| planned.direction == direction), "{direction:?}");
        }
    }

    #[test]
    fn what_is_said_of_a_fault_must_fit_it() {
        let nodes = ["n1", "n2", "n3"].map(String::from);
        let planned = |fault, shape, flapping_ms: Option<u64>| Planned {
            shape,
            flapping: flapping_ms.map(Span::from_ms),
            ..plain(fault)
        };
        let disk = |trouble| Planned { trouble: Some(trouble), ..plain(Family::Disk) };
        let loss = Packets { loss: Some("20%".parse().unwrap()), ..Packets::default() };
        let packet = |packets, direction| Planned { packets, direction, ..planned(Family::Packet, Shape::Split, None) };
        let links = |text: &str| Direction::Links(vec![text.parse().unwrap()]);
        let skew = |text: &str| Some(Skew::Jump(text.parse().unwrap()));
        for (planned, part) in [
            (planned(Family::Kill, Shape::Bridge, None), "only a partition has a shape"),
            (planned(Family::Pause, Shape::Split, Some(200)), "only a partition has a shape or is flapping"),
            (planned(Family::Partition, Shape::Split, Some(20)), "100ms at least"),
            (planned(Family::Partition, Shape::Split, Some(600)), "twice this time"),
            (planned(Family::Partition, Shape::Halves, None), "select: all"),
            (Planned { select: Selector::Leader, ..planned(Family::PauseClient, Shape::Split, None) }, "not by leader"),
            (Planned { select: Selector::Holder, ..planned(Family::Pause, Shape::Split, None) }, "only clients hold"),
            (planned(Family::Clock, Shape::Split, None), "what is wrong?"),
            (Planned { skew: skew("57s"), ..planned(Family::Kill, Shape::Split, None) }, "only a clock has a skew"),
            (Planned { skew: skew("0s"), ..planned(Family::Clock, Shape::Split, None) }, "cannot be off by 0ms"),
            (
                Planned { skew: skew("1s"), ..planned(Family::Clock, Shape::Bridge, None) },
                "only a partition has a shape",
            ),
            (Planned { model: Some(Model::Posix), ..plain(Family::Kill) }, "only a loss of power has a model"),
            (Planned { model: Some(Model::Posix), ..disk(Trouble::Full) }, "only a loss of power has a model"),
            (Planned { trouble: Some(Trouble::Full), ..plain(Family::Power) }, "only a disk has a trouble"),
            (Planned { skew: skew("1s"), ..disk(Trouble::Eio) }, "only a clock has a skew"),
            (plain(Family::Disk), "what is wrong? say for instance trouble: eio"),
            (disk(Trouble::Slow(Span::from_ms(9_000))), "cannot be slow by 9s"),
            (
                Planned { flapping: Some(FLAPPING), ..plain(Family::Power) },
                "only a partition has a shape or is flapping",
            ),
            (packet(None, Direction::From), "what is wrong?"),
            (packet(Some(Packets::default()), Direction::Both), "nothing is said"),
            (
                Planned { packets: Some(loss), ..planned(Family::Kill, Shape::Split, None) },
                "only a packet fault has packets",
            ),
            (Planned { direction: Direction::To, ..planned(Family::Pause, Shape::Split, None) }, "has a direction"),
            (Planned { skew: skew("1s"), ..packet(Some(loss), Direction::Both) }, "only a clock has a skew"),
            (Planned { shape: Shape::Mute, ..packet(Some(loss), Direction::Both) }, "only a partition has a shape"),
            (packet(Some(loss), links("n1>n2")), "select: all"),
            (Planned { select: Selector::All, ..packet(Some(loss), links("n1>n9")) }, "no node called `n9`"),
            (Planned { select: Selector::All, ..packet(Some(loss), Direction::Links(vec![])) }, "names no link"),
        ] {
            let said = planned.refuses(&nodes);
            assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{planned:?}: {said:?}");
        }
        assert_eq!(planned(Family::Partition, Shape::Bridge, Some(500)).refuses(&nodes), None);
        assert_eq!(Planned { model: Some(Model::Posix), ..plain(Family::Power) }.refuses(&nodes), None);
        assert_eq!(disk(Trouble::EioSync).refuses(&nodes), None);
        assert_eq!(packet(Some(loss), Direction::From).refuses(&nodes), None);
        let all = Planned { select: Selector::All, ..packet(Some(loss), links("n1>n2")) };
        assert_eq!(all.refuses(&nodes), None);
    }
}
