//! What goes wrong with a running disk, as people write it in plans: `eio`, `full`, `{slow: 200ms}`. How it is drawn is here
//! too.

use crate::span::Span;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use squall_targets::disk::{Switches, Touched};
use std::fmt;

/// What is wrong with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Reads, writes and syncs fail with EIO.
    Eio,
    /// Syncs alone fail with EIO, and what they were to write is written by no later one, as Linux has it.
    EioSync,
    /// What needs space fails with ENOSPC.
    Full,
    /// A sync takes so long at least.
    Slow(Span),
    /// A read that memory does not answer takes so long at least.
    SlowReads(Span),
}

/// How slow a disk can be. A server that waits for it can be killed only when the wait is over.
const SLOW: std::ops::RangeInclusive<u64> = 1..=2_000;

impl Trouble {
    /// All kinds, as one would write them, and what they do.
    pub const ALL: [(&str, &str); 5] = [
        ("eio", "reads, writes and fsyncs fail with EIO"),
        ("eio_sync", "fsyncs fail with EIO, and what they were to write no later one writes"),
        ("full", "what needs space fails with ENOSPC"),
        ("{slow: 200ms}", "an fsync takes so long at least"),
        ("{slow_reads: 50ms}", "a read that memory does not answer takes so long at least"),
    ];

    /// Why this makes no sense; none if it does.
    pub fn refuses(&self) -> Option<String> {
        let (Trouble::Slow(by) | Trouble::SlowReads(by)) = self else { return None };
        let (least, most) = (Span::from_ms(*SLOW.start()), Span::from_ms(*SLOW.end()));
        (!SLOW.contains(&by.ms())).then(|| format!("a disk cannot be slow by {by}; give it from {least} to {most}"))
    }

    /// Whether it only makes a server wait. Other faults may hit such a node meanwhile.
    pub fn is_slowness(&self) -> bool {
        matches!(self, Trouble::Slow(_) | Trouble::SlowReads(_))
    }

    /// What it does to the disks of these nodes, for people.
    pub fn told(&self, nodes: &[String]) -> String {
        let whose = format!("the disk{} of {}", if nodes.len() == 1 { "" } else { "s" }, nodes.join(", "));
        match self {
            Trouble::Eio => format!("fail all calls to {whose}"),
            Trouble::EioSync => format!("fail all fsyncs on {whose}"),
            Trouble::Full => format!("fill {whose}"),
            Trouble::Slow(by) => format!("slow fsyncs down to {by} on {whose}"),
            Trouble::SlowReads(by) => format!("slow reads down to {by} from {whose}"),
        }
    }

    /// The same for whoever does it.
    pub fn switches(&self) -> Switches {
        let off = Switches::default();
        match self {
            Trouble::Eio => Switches { failing_reads: true, failing_writes: true, failing_syncs: true, ..off },
            Trouble::EioSync => Switches { failing_syncs: true, ..off },
            Trouble::Full => Switches { full: true, ..off },
            Trouble::Slow(by) => Switches { sync_delay_ms: by.ms(), ..off },
            Trouble::SlowReads(by) => Switches { read_delay_ms: by.ms(), ..off },
        }
    }

    /// Whether a probe met exactly this.
    pub fn shows_in(&self, met: &Touched) -> bool {
        let failed = [&met.read, &met.write, &met.sync].map(|touch| touch.error.is_some());
        let takes = |micros: u64, by: &Span| micros >= by.ms() * 1_000;
        match self {
            Trouble::Eio => failed == [true; 3],
            Trouble::EioSync => failed == [false, false, true],
            Trouble::Full => failed == [false, true, false],
            Trouble::Slow(by) => failed == [false; 3] && takes(met.sync.micros, by),
            Trouble::SlowReads(by) => failed == [false; 3] && takes(met.read.micros, by),
        }
    }
}

/// What a trouble is to be, its size still to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Has no size.
    Fixed(Trouble),
    /// [`Trouble::Slow`] by milliseconds to a second.
    Slow,
    /// [`Trouble::SlowReads`] by milliseconds to a fifth of a second: a server reads often when it starts.
    SlowReads,
}

impl Kind {
    /// Draws the size.
    pub fn draw(self, rng: &mut ChaCha8Rng) -> Trouble {
        // A unit at a time, so that short ones come as often as long ones.
        let mut span = |units: &[u64]| {
            let unit_ms = units[rng.random_range(0..units.len())];
            Span::from_ms(unit_ms * rng.random_range(1..=10))
        };
        match self {
            Kind::Fixed(trouble) => trouble,
            Kind::Slow => Trouble::Slow(span(&[1, 10, 100])),
            Kind::SlowReads => Trouble::SlowReads(span(&[1, 5, 20])),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Eio => f.pad("eio"),
            Trouble::EioSync => f.pad("eio_sync"),
            Trouble::Full => f.pad("full"),
            Trouble::Slow(by) => write!(f, "slow {by}"),
            Trouble::SlowReads(by) => write!(f, "slow_reads {by}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use squall_targets::disk::Touch;
    use std::collections::BTreeSet;

    const SLOW_200: Trouble = Trouble::Slow(Span::from_ms(200));
    const SLOW_READS_50: Trouble = Trouble::SlowReads(Span::from_ms(50));

    #[test]
    fn a_probe_shows_the_trouble_that_is_there_and_no_other() {
        let touch = |micros, error: bool| Touch { micros, error: error.then(|| "I/O error".to_owned()) };
        let met = |read, write, sync| Touched { read, write, sync };
        let (well, bad) = (|| touch(90, false), || touch(90, true));
        let probes = [
            (Trouble::Eio, met(bad(), bad(), bad())),
            (Trouble::EioSync, met(well(), well(), bad())),
            (Trouble::Full, met(well(), bad(), well())),
            (SLOW_200, met(well(), well(), touch(200_400, false))),
            (SLOW_READS_50, met(touch(50_100, false), well(), well())),
        ];
        for (there, met) in &probes {
            for (trouble, _) in &probes {
                assert_eq!(trouble.shows_in(met), trouble == there, "{trouble} in {met}");
            }
            assert!(!there.shows_in(&met_well()), "{there}");
        }
    }

    fn met_well() -> Touched {
        let touch = || Touch { micros: 90, error: None };
        Touched { read: touch(), write: touch(), sync: touch() }
    }

    #[test]
    fn every_trouble_switches_something_of_its_own() {
        let all = [Trouble::Eio, Trouble::EioSync, Trouble::Full, SLOW_200, SLOW_READS_50];
        for (place, trouble) in all.iter().enumerate() {
            assert_ne!(trouble.switches(), Switches::default(), "{trouble}");
            assert!(all[..place].iter().all(|other| other.switches() != trouble.switches()), "{trouble}");
        }
        assert_eq!(all.len(), Trouble::ALL.len());
    }

    #[test]
    fn only_what_can_be_done_and_shown_makes_sense() {
        for (ms, is_good) in [(0, false), (1, true), (2_000, true), (2_001, false)] {
            for trouble in [Trouble::Slow(Span::from_ms(ms)), Trouble::SlowReads(Span::from_ms(ms))] {
                assert_eq!(trouble.refuses().is_none(), is_good, "{trouble}");
            }
        }
        assert_eq!(Trouble::Full.refuses(), None);
    }

    #[test]
    fn drawn_ones_make_sense_and_differ() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for kind in [Kind::Slow, Kind::SlowReads] {
            let drawn: Vec<Trouble> = (0..200).map(|_| kind.draw(&mut rng)).collect();
            assert!(drawn.iter().all(|trouble| trouble.refuses().is_none()), "{drawn:?}");
            assert!(drawn.iter().map(Trouble::to_string).collect::<BTreeSet<_>>().len() > 20, "{drawn:?}");
        }
        assert_eq!(Kind::Fixed(Trouble::Full).draw(&mut rng), Trouble::Full);
    }

    #[test]
    fn people_read_what_is_done() {
        let nodes = ["n1", "n2"].map(String::from);
        for (trouble, nodes, expected) in [
            (Trouble::Eio, &nodes[..1], "fail all calls to the disk of n1"),
            (Trouble::Full, &nodes[..], "fill the disks of n1, n2"),
            (SLOW_200, &nodes[..1], "slow fsyncs down to 200ms on the disk of n1"),
        ] {
            assert_eq!(trouble.told(nodes), expected);
        }
    }
}
