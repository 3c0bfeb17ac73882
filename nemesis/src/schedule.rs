//! When what goes wrong: faults with times, drawn from a seed or written by hand.

use crate::fault::{Family, Fault};
use crate::selector::Selector;
use crate::span::Span;
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

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
    /// Who is hit.
    pub select: Selector,
}

impl Planned {
    /// The fault without its times.
    pub fn what(&self) -> Fault {
        Fault { family: self.fault, selector: self.select.clone() }
    }
}

/// Faults in the order of their beginning.
pub type Schedule = Vec<Planned>;

/// The quiet time before the first fault and between two of them, in ms.
const QUIET_MS: std::ops::RangeInclusive<u64> = 600..=1_500;

/// How long a fault stays, in ms: short ones hit elections, long ones outlast every time-out.
const LASTS_MS: std::ops::RangeInclusive<u64> = 800..=3_000;

/// The quiet time that is left at the end of the storm, in ms.
const TAIL_MS: u64 = 500;

/// Draws a schedule for a storm of `storm` out of `families`: one fault after the other with quiet times between, no
/// family a second time before each had its turn, each family's selectors likewise.
pub fn draw(families: &[Family], storm: Span, rng: &mut ChaCha8Rng) -> Schedule {
    let mut schedule = Vec::new();
    let mut family_deck = Deck::new(families.to_vec());
    let mut selector_decks: Vec<(Family, Deck<Selector>)> =
        families.iter().map(|family| (*family, Deck::new(selectors(*family)))).collect();
    let mut at_ms = rng.random_range(QUIET_MS);
    while let Some(fault) = family_deck.deal(rng) {
        let lasts_ms = rng.random_range(LASTS_MS);
        let deck = selector_decks.iter_mut().find(|(family, _)| *family == fault).map(|(_, deck)| deck);
        let Some(select) = deck.and_then(|deck| deck.deal(rng)) else { break };
        if at_ms + lasts_ms + TAIL_MS > storm.ms() {
            break;
        }
        schedule.push(Planned { at: Span::from_ms(at_ms), lasts: Span::from_ms(lasts_ms), fault, select });
        at_ms += lasts_ms + rng.random_range(QUIET_MS);
    }
    schedule
}

/// Who is hit by a drawn fault of this family; what stands twice comes twice as often.
fn selectors(family: Family) -> Vec<Selector> {
    match family {
        // The interesting half is the one that still believes to lead.
        Family::Partition => {
            vec![Selector::Leader, Selector::Leader, Selector::Leader, Selector::One, Selector::Minority]
        }
        Family::Kill => vec![Selector::One, Selector::Leader, Selector::Minority, Selector::Majority, Selector::All],
        Family::Pause => {
            vec![Selector::One, Selector::Leader, Selector::Leader, Selector::Minority, Selector::Majority]
        }
    }
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

    fn drawn(seed: u64, storm_s: u64) -> Schedule {
        draw(&Family::ALL, Span::from_ms(storm_s * 1_000), &mut ChaCha8Rng::seed_from_u64(seed))
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
                assert!(pair[0].at.ms() + pair[0].lasts.ms() + QUIET_MS.start() <= pair[1].at.ms(), "{schedule:?}");
            }
            let last = schedule.last().expect("30 s are enough for a fault");
            assert!(last.at.ms() + last.lasts.ms() + TAIL_MS <= 30_000);
            assert!(schedule.iter().all(|planned| planned.fault.refuses(&planned.select).is_none()));
        }
    }

    #[test]
    fn twenty_seconds_are_enough_for_every_family() {
        for seed in 0..200 {
            let schedule = drawn(seed, 20);
            for family in Family::ALL {
                assert!(schedule.iter().any(|planned| planned.fault == family), "seed {seed} lacks {family}");
            }
        }
    }

    #[test]
    fn no_family_no_fault() {
        assert_eq!(draw(&[], Span::from_ms(20_000), &mut ChaCha8Rng::seed_from_u64(1)), []);
    }
}
