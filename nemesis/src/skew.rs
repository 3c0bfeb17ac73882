//! What a fault does to clocks, as people write it in plans: `{jump: -57s}`, `{strobe: {by: 200ms, every: 10ms}}`,
//! `{drift: 20%}`. How it is drawn is here too.

use crate::span::Span;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use squall_targets::clock;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// What is wrong with a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Skew {
    /// The wall clock jumps by so much, and jumps back at the end.
    Jump(Offset),
    /// The wall clock jumps there and back for as long as the fault lasts.
    Strobe {
        /// By how much.
        by: Offset,
        /// How long it stays, there and here.
        every: Span,
    },
    /// Both clocks run faster or slower, and return to the truth at the end: the wall clock by a jump, the monotonic one by
    /// running the other way for as long as it takes.
    Drift(Percent),
}

/// How far a clock is ahead, in whole milliseconds; negative: how far behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offset {
    ms: i64,
}

/// How much faster a clock runs, to a ten thousandth of a percent; negative: how much slower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Percent {
    ppm: i64,
}

/// A text that is no offset or no percentage.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SkewError {
    /// No offset.
    #[error("`{0}` is no offset of a clock; write for instance 57s, -1h or -300ms")]
    Offset(String),
    /// No percentage.
    #[error("`{0}` is no drift of a clock; write for instance 20% or -0.5%")]
    Percent(String),
}

/// What a clock can be off by.
const OFFSET_MAX: Span = Span::from_ms(7 * 24 * 3_600_000);

/// The least drift that shows within a second.
const DRIFT_PPM_MIN: i64 = 1_000;

/// A clock cannot run at less than half of its speed, nor at more than twice.
const DRIFT_PPM: std::ops::RangeInclusive<i64> = -500_000..=1_000_000;

/// What a drift may gain or lose in all: the way back takes twice as long.
const GAIN_MAX: Span = Span::from_ms(10_000);

/// How long it takes to begin a way back, and to see that it is over.
const TURN: Span = Span::from_ms(250);

impl Skew {
    /// All kinds, as one would write them, and what they do.
    pub const ALL: [(&str, &str); 3] = [
        ("{jump: -57s}", "the wall clock jumps ahead, or back with a minus"),
        ("{strobe: {by: 200ms, every: 10ms}}", "the wall clock jumps there and back all the time"),
        ("{drift: 20%}", "both clocks run faster, or slower with a minus; the monotonic one never goes back"),
    ];

    /// Why this makes no sense; none if it does.
    pub fn refuses(&self) -> Option<String> {
        let offset = |offset: &Offset| {
            let fits = (1..=OFFSET_MAX.ms()).contains(&offset.ms.unsigned_abs());
            (!fits).then(|| format!("a clock cannot be off by {offset}; give it from 1ms to {OFFSET_MAX}"))
        };
        match self {
            Skew::Jump(by) => offset(by),
            Skew::Strobe { every, .. } if every.ms() == 0 => Some("a strobe needs 1ms at least there and back".into()),
            Skew::Strobe { by, .. } => offset(by),
            Skew::Drift(Percent { ppm }) if DRIFT_PPM.contains(ppm) && ppm.abs() >= DRIFT_PPM_MIN => None,
            Skew::Drift(percent) => {
                Some(format!("a clock cannot drift by {percent}; give it from 0.1% to 100%, or from -0.1% to -50%"))
            }
        }
    }

    /// What a clock gains or loses in so long a time.
    fn gained(&self, lasts: Span) -> Span {
        let ppm = if let Skew::Drift(percent) = self { percent.ppm.unsigned_abs() } else { 0 };
        Span::from_ms(lasts.ms().saturating_mul(ppm) / 1_000_000)
    }

    /// How long it takes, about, until the clocks are right again after so long a fault.
    pub fn way_back(&self, lasts: Span) -> Span {
        match self {
            Skew::Drift(_) => Span::from_ms(2 * self.gained(lasts).ms() + TURN.ms()),
            Skew::Jump(_) | Skew::Strobe { .. } => Span::from_ms(0),
        }
    }

    /// Why it makes no sense for a fault that lasts so long; none if it does.
    pub fn refuses_for(&self, lasts: Span) -> Option<String> {
        let gained = self.gained(lasts);
        let too_far = gained > GAIN_MAX;
        too_far.then(|| {
            format!("it makes {gained} in {lasts}, more than {GAIN_MAX}, and the way back takes twice as long")
        })
    }

    /// What it does to the clocks of these nodes, for people.
    pub fn told(&self, nodes: &[String]) -> String {
        let whose = format!("the clock{} of {}", if nodes.len() == 1 { "" } else { "s" }, nodes.join(", "));
        match self {
            Skew::Jump(by) if by.ms < 0 => format!("set {whose} back by {}", by.magnitude()),
            Skew::Jump(by) => format!("set {whose} ahead by {}", by.magnitude()),
            Skew::Strobe { by, every } => format!("strobe {whose} by {by} every {every}"),
            Skew::Drift(Percent { ppm }) => {
                let direction = if *ppm < 0 { "slow" } else { "fast" };
                format!("let {whose} run {direction} by {}", Percent { ppm: ppm.abs() })
            }
        }
    }

    /// The same for whoever does it.
    pub fn of_clocks(&self) -> clock::Skew {
        match self {
            Skew::Jump(by) => clock::Skew::Jump { by_ns: by.ns() },
            Skew::Strobe { by, every } => clock::Skew::Strobe { by_ns: by.ns(), every_ns: every.ns() as i64 },
            Skew::Drift(Percent { ppm }) => clock::Skew::Drift { ppm: *ppm },
        }
    }
}

/// What a skew is to be, its size still to be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// [`Skew::Jump`] by milliseconds to hours.
    Jump,
    /// [`Skew::Strobe`] by milliseconds to a minute.
    Strobe,
    /// [`Skew::Drift`] by one to thirty percent.
    Drift,
}

/// What sizes are drawn from, a unit at a time, so that small ones come as often as large ones, in ms.
const SIZES: [(u64, std::ops::RangeInclusive<u64>); 4] =
    [(1, 5..=999), (1_000, 1..=59), (60_000, 1..=59), (3_600_000, 1..=4)];

impl Kind {
    /// Draws the size.
    pub fn draw(self, rng: &mut ChaCha8Rng) -> Skew {
        match self {
            Kind::Jump => Skew::Jump(offset(SIZES.len(), rng)),
            Kind::Strobe => Skew::Strobe { by: offset(2, rng), every: Span::from_ms(rng.random_range(1..=500)) },
            Kind::Drift => {
                let ppm = rng.random_range(1..=30) * 10_000;
                Skew::Drift(Percent { ppm: if rng.random_bool(0.5) { ppm } else { -ppm } })
            }
        }
    }
}

/// An offset in one of the first units.
fn offset(units: usize, rng: &mut ChaCha8Rng) -> Offset {
    let (unit_ms, count) = SIZES[rng.random_range(0..units)].clone();
    let ms = (unit_ms * rng.random_range(count)) as i64;
    Offset { ms: if rng.random_bool(0.5) { ms } else { -ms } }
}

impl Offset {
    /// In nanoseconds.
    pub fn ns(self) -> i64 {
        self.ms.saturating_mul(1_000_000)
    }

    fn magnitude(self) -> Span {
        Span::from_ms(self.ms.unsigned_abs())
    }
}

impl FromStr for Offset {
    type Err = SkewError;

    fn from_str(text: &str) -> Result<Offset, SkewError> {
        let (sign, span) = match text.strip_prefix('-') {
            Some(span) => (-1, span),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let span: Span = span.parse().map_err(|_| SkewError::Offset(text.to_owned()))?;
        Ok(Offset { ms: sign * span.ms() as i64 })
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.ms < 0 { "-" } else { "" }, self.magnitude())
    }
}

impl FromStr for Percent {
    type Err = SkewError;

    fn from_str(text: &str) -> Result<Percent, SkewError> {
        let wrong = || SkewError::Percent(text.to_owned());
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let percent: f64 = number.trim().parse().map_err(|_| wrong())?;
        if percent.abs() <= 1e6 { Ok(Percent { ppm: (percent * 1e4).round() as i64 }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.ppm as f64 / 1e4)
    }
}

impl TryFrom<String> for Offset {
    type Error = SkewError;

    fn try_from(text: String) -> Result<Offset, SkewError> {
        text.parse()
    }
}

impl From<Offset> for String {
    fn from(offset: Offset) -> String {
        offset.to_string()
    }
}

impl TryFrom<String> for Percent {
    type Error = SkewError;

    fn try_from(text: String) -> Result<Percent, SkewError> {
        text.parse()
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> String {
        percent.to_string()
    }
}

impl fmt::Display for Skew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Skew::Jump(by) => write!(f, "jump {by}"),
            Skew::Strobe { by, every } => write!(f, "strobe {by} every {every}"),
            Skew::Drift(percent) => write!(f, "drift {percent}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn texts_are_read_and_written_back() {
        for (text, ms, shown) in
            [("57s", 57_000, "57s"), ("+1.5s", 1_500, "1.5s"), ("-1h", -3_600_000, "-3600s"), ("-0s", 0, "0ms")]
        {
            let offset: Offset = text.parse().unwrap();
            assert_eq!((offset.ms, offset.to_string().as_str()), (ms, shown), "{text}");
        }
        for (text, ppm, shown) in [("20%", 200_000, "20%"), ("-0.5%", -5_000, "-0.5%"), ("0.0001 %", 1, "0.0001%")] {
            let percent: Percent = text.parse().unwrap();
            assert_eq!((percent.ppm, percent.to_string().as_str()), (ppm, shown), "{text}");
            assert_eq!(shown.parse(), Ok(percent));
        }
        for text in ["", "-", "--1s", "1", "+-1s", "-1 week"] {
            assert!(text.parse::<Offset>().unwrap_err().to_string().contains(&format!("`{text}`")));
        }
        for text in ["", "%", "20", "NaN%", "inf%", "1e9%", "2%%"] {
            assert!(text.parse::<Percent>().unwrap_err().to_string().contains(&format!("`{text}`")));
        }
    }

    #[test]
    fn only_what_can_be_done_and_shown_makes_sense() {
        let jump = |text: &str| Skew::Jump(text.parse().unwrap());
        let strobe = |by: &str, every: &str| Skew::Strobe { by: by.parse().unwrap(), every: every.parse().unwrap() };
        let drift = |text: &str| Skew::Drift(text.parse().unwrap());
        for good in [jump("1ms"), jump("-168h"), strobe("-1ms", "1ms"), drift("0.1%"), drift("-50%"), drift("100%")] {
            assert_eq!(good.refuses(), None, "{good}");
        }
        for bad in [
            jump("0s"),
            jump("169h"),
            strobe("0s", "1s"),
            strobe("1s", "0s"),
            drift("0%"),
            drift("0.01%"),
            drift("-51%"),
        ] {
            assert!(bad.refuses().is_some(), "{bad}");
        }
        assert_eq!(drift("20%").refuses_for(Span::from_ms(50_000)), None);
        assert!(drift("-20%").refuses_for(Span::from_ms(60_000)).unwrap().contains("12s"));
        assert_eq!(jump("1h").refuses_for(Span::from_ms(60_000)), None);
    }

    #[test]
    fn drawn_ones_make_sense_and_differ() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for kind in [Kind::Jump, Kind::Strobe, Kind::Drift] {
            let drawn: Vec<Skew> = (0..200).map(|_| kind.draw(&mut rng)).collect();
            for skew in &drawn {
                assert_eq!((skew.refuses(), skew.refuses_for(Span::from_ms(3_000))), (None, None), "{skew}");
            }
            let texts: std::collections::BTreeSet<String> = drawn.iter().map(Skew::to_string).collect();
            assert!(texts.len() > 40 && texts.iter().any(|text| text.contains('-')), "{texts:?}");
        }
    }

    #[test]
    fn people_read_what_is_done() {
        let nodes = ["n1", "n2"].map(String::from);
        for (skew, nodes, expected) in [
            (Skew::Jump(Offset { ms: -57_000 }), &nodes[..1], "set the clock of n1 back by 57s"),
            (Skew::Jump(Offset { ms: 300 }), &nodes[..], "set the clocks of n1, n2 ahead by 300ms"),
            (Skew::Drift(Percent { ppm: -200_000 }), &nodes[..1], "let the clock of n1 run slow by 20%"),
        ] {
            assert_eq!(skew.told(nodes), expected);
        }
    }
}
