//! What is wrong with clocks, and what a process was seen to make of it, as data.

use super::course::{Course, Courses, NOTICE_NS, Piece, rate_of_ppm};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is wrong with the clocks of a node's servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
pub enum Skew {
    /// Nothing.
    #[default]
    None,
    /// The wall clock is ahead by so much, or behind.
    Jump {
        /// How far ahead, in nanoseconds.
        by_ns: i64,
    },
    /// The wall clock jumps there and back.
    Strobe {
        /// How far ahead it is in every second stretch, in nanoseconds.
        by_ns: i64,
        /// How long a stretch lasts, in nanoseconds; more than 0.
        every_ns: i64,
    },
    /// Both clocks run faster than time, or slower.
    Drift {
        /// By so many millionths; more than -1,000,000, at which they would stand.
        ppm: i64,
    },
}

/// The true clocks at an instant, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct True {
    pub wall_ns: i64,
    pub monotonic_ns: i64,
}

impl Skew {
    /// What becomes of the clocks that went as `before`; and from which true monotonic instant on all is as wished.
    pub(super) fn courses(self, before: &Courses, now: True) -> (Courses, i64) {
        let (now_ns, start_ns) = (now.monotonic_ns, now.monotonic_ns + NOTICE_NS);
        let wall = match self {
            Skew::None => Course::TRUE,
            Skew::Jump { by_ns } => Course::of(Piece { offset_ns: by_ns, ..Piece::TRUE }),
            Skew::Strobe { by_ns, every_ns } => {
                Course { strobe_by_ns: by_ns, strobe_every_ns: every_ns.max(1), ..Course::TRUE }
            }
            Skew::Drift { ppm } => Course::TRUE.then_gaining(now.wall_ns, now.wall_ns + NOTICE_NS, rate_of_ppm(ppm)),
        };
        let (monotonic, settled_ns) = match self {
            Skew::Drift { ppm } => (before.monotonic.then_gaining(now_ns, start_ns, rate_of_ppm(ppm)), start_ns),
            _ if before.monotonic == Course::TRUE => (Course::TRUE, now_ns),
            _ => before.monotonic.then_returning(now_ns, start_ns),
        };
        (Courses { wall, monotonic }, settled_ns)
    }
}

/// The clocks of some processes were set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ClocksSet {
    /// The processes that had to be patched for it.
    pub patched: Vec<Patched>,
    /// How long it takes until the clocks go as wished: a monotonic clock that has gained something returns slowly.
    pub settles_after_ns: u64,
}

/// A process was patched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patched {
    /// Its process id on the node.
    pub pid: u32,
    /// How many threads it had.
    pub threads: u32,
    /// How long they stood still, in nanoseconds.
    pub stopped_ns: u64,
}

/// From one value to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// The least.
    pub least: i64,
    /// The most.
    pub most: i64,
}

/// A clock as a process reads it, beside the node's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkewedReading {
    /// How far ahead it was, in nanoseconds. It is not known better because the node's clock was read before and after.
    pub ahead_ns: Interval,
    /// How far it was to be ahead meanwhile.
    pub wanted_ns: Interval,
}

/// Both clocks of a process, read through the process itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// The wall clock.
    pub wall: SkewedReading,
    /// The monotonic clock.
    pub monotonic: SkewedReading,
}

impl Interval {
    /// From the smaller to the greater.
    pub fn between(one: i64, other: i64) -> Interval {
        Interval { least: one.min(other), most: one.max(other) }
    }

    /// What lies in the middle.
    pub fn middle(self) -> i64 {
        self.least + (self.most - self.least) / 2
    }

    /// Whether the two have a value in common.
    pub fn meets(self, other: Interval) -> bool {
        self.least <= other.most && other.least <= self.most
    }

    /// Whether it is certain that the value is not 0.
    pub fn excludes_zero(self) -> bool {
        self.least > 0 || self.most < 0
    }
}

impl SkewedReading {
    /// Whether the process reads what it is to read.
    pub fn is_as_wanted(&self) -> bool {
        self.ahead_ns.meets(self.wanted_ns)
    }
}

/// A length of time as people read it, with its sign: `+57 s`, `-1.25 ms`.
fn signed(ns: i64) -> String {
    let magnitude = ns.unsigned_abs() as f64;
    let sign = if ns < 0 { '-' } else { '+' };
    let (value, unit) = match magnitude {
        small if small < 1e3 => (small, "ns"),
        small if small < 1e6 => (small / 1e3, "us"),
        some if some < 1e9 => (some / 1e6, "ms"),
        large => (large / 1e9, "s"),
    };
    let digits = format!("{value:.3}");
    format!("{sign}{} {unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skew::None => f.pad("none"),
            Skew::Jump { by_ns } => write!(f, "jump by {}", signed(*by_ns)),
            Skew::Strobe { by_ns, every_ns } => {
                write!(f, "strobe by {} every {}", signed(*by_ns), signed(*every_ns).trim_start_matches('+'))
            }
            Skew::Drift { ppm } => write!(f, "drift by {ppm} ppm"),
        }
    }
}

impl fmt::Display for ClocksSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("done")?;
        for Patched { pid, threads, stopped_ns } in &self.patched {
            let stopped_ms = *stopped_ns as f64 / 1e6;
            write!(f, ", process {pid} patched while its {threads} threads stood still for {stopped_ms:.1} ms")?;
        }
        Ok(())
    }
}

impl fmt::Display for ClockReading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ahead = |reading: &SkewedReading| signed(reading.ahead_ns.middle());
        write!(f, "wall clock {}, monotonic clock {}", ahead(&self.wall), ahead(&self.monotonic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_drift_touches_the_monotonic_clock_and_it_returns_from_there() {
        let now = True { wall_ns: 1_700_000_000_000_000_000, monotonic_ns: 5_000_000_000 };
        for skew in [Skew::Jump { by_ns: 5 }, Skew::Strobe { by_ns: 5, every_ns: 7 }, Skew::None] {
            let (courses, settled_ns) = skew.courses(&Courses::TRUE, now);
            assert_eq!((courses.monotonic, settled_ns), (Course::TRUE, now.monotonic_ns), "{skew:?}");
        }
        let (drifting, _) = Skew::Drift { ppm: 100_000 }.courses(&Courses::TRUE, now);
        let later = True { wall_ns: now.wall_ns + 3_000_000_000, monotonic_ns: now.monotonic_ns + 3_000_000_000 };
        let (back, settled_ns) = Skew::None.courses(&drifting, later);
        assert_eq!(back.wall, Course::TRUE, "the wall clock may jump");
        // A tenth of three seconds is lost at half the speed.
        assert!((settled_ns - later.monotonic_ns - 700_000_000).abs() < 10, "{settled_ns}");
        assert_eq!(back.monotonic.shift_at(settled_ns), 0);
    }

    #[test]
    fn people_read_it() {
        for (skew, expected) in [
            (Skew::None, "none"),
            (Skew::Jump { by_ns: -3_600_000_000_000 }, "jump by -3600 s"),
            (Skew::Strobe { by_ns: 200_000_000, every_ns: 1_500_000 }, "strobe by +200 ms every 1.5 ms"),
            (Skew::Drift { ppm: -50_000 }, "drift by -50000 ppm"),
        ] {
            assert_eq!(skew.to_string(), expected);
        }
        assert_eq!([0, 999, -57_250_000_000].map(signed), ["+0 ns", "+999 ns", "-57.25 s"]);
    }

    #[test]
    fn intervals() {
        let of = Interval::between;
        assert_eq!(of(5, -3), Interval { least: -3, most: 5 });
        assert_eq!((of(5, -3).middle(), of(4, 4).middle()), (1, 4));
        assert!(of(1, 3).meets(of(3, 9)) && of(2, 2).meets(of(1, 3)) && !of(1, 2).meets(of(3, 4)));
        assert!(of(1, 9).excludes_zero() && of(-9, -1).excludes_zero() && !of(0, 9).excludes_zero());
    }
}
