//! What a fault does to packets between nodes, as people write it in plans:
//! `{delay: {by: 50ms, jitter: 10ms, distribution: normal}}`, `{loss: 20%, correlation: 25%}`, `{rate: 1mbit}`; and in which
//! direction. How it is drawn is here too.

mod direction;
mod kind;
mod units;

pub use direction::Direction;
pub use kind::Kind;
pub use units::{Rate, Share, UnitError};

use crate::span::Span;
use serde::{Deserialize, Serialize};
use squall_targets::cluster::Link;
use squall_targets::packets::{self, Conditions};
use std::fmt;
use std::time::Duration;

/// What is wrong with packets; several things at once where several fields are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packets {
    /// Each is on its way for some time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<Delay>,
    /// So many get lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Share>,
    /// How much the loss of one is that of the one before it: losses come in rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<Share>,
    /// So many arrive twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<Share>,
    /// So many are overtaken by others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reorder: Option<Reorder>,
    /// So many have one bit flipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrupt: Option<Share>,
    /// So much passes at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
}

/// How long packets are on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// On average.
    pub by: Span,
    /// How much it varies.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub jitter: Span,
    /// How it varies.
    #[serde(default, skip_serializing_if = "is_default")]
    pub distribution: Distribution,
}

/// How a delay varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Evenly, by the jitter at most.
    #[default]
    Uniform,
    /// As a bell; the jitter is the standard deviation.
    Normal,
    /// With a long tail; the jitter is the standard deviation.
    Pareto,
}

/// How many packets are overtaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reorder {
    /// So many are held back.
    pub share: Share,
    /// For so long.
    pub by: Span,
}

fn is_zero(span: &Span) -> bool {
    span.ms() == 0
}

fn is_default(distribution: &Distribution) -> bool {
    *distribution == Distribution::default()
}

/// The longest delay: more is a partition to whoever waits.
const DELAY_MAX: Span = Span::from_ms(10_000);

/// The least share that shows within some thousand probes.
const SHARE_MIN: Share = Share::from_ppm(5_000);

/// The largest share that may get lost: what lets nothing through is a partition.
const LOST_MAX: Share = Share::from_ppm(900_000);

/// The narrowest link, and the widest that is a limit to anybody.
const RATES: [Rate; 2] = [Rate::from_bits(64_000), Rate::from_bits(100_000_000)];

impl Packets {
    /// All fields, as one would write them, and what they do.
    pub const ALL: [(&str, &str); 6] = [
        ("{delay: {by: 50ms, jitter: 10ms, distribution: normal}}", "packets take longer; or uniform, or pareto"),
        ("{loss: 20%, correlation: 25%}", "packets get lost; with a correlation in rows"),
        ("{duplicate: 5%}", "packets arrive twice"),
        ("{reorder: {share: 25%, by: 10ms}}", "packets are held back, and others overtake them"),
        ("{corrupt: 5%}", "a bit of packets is flipped, which the checksums of the receiver find"),
        ("{rate: 1mbit}", "no more passes"),
    ];

    /// Why this makes no sense; none if it does.
    pub fn refuses(&self) -> Option<String> {
        if *self == Packets::default() {
            return Some("nothing is said to be wrong with packets; say for instance packets: {loss: 20%}".into());
        }
        if self.correlation.is_some() && self.loss.is_none() {
            return Some("a correlation of losses needs a loss beside it".into());
        }
        if self.correlation.is_some_and(|correlation| correlation.ppm() >= 1_000_000) {
            return Some("losses that are all as the one before never begin or never end; give less than 100%".into());
        }
        if self.delay.is_some() && self.reorder.is_some() {
            return Some(
                "what is reordered is delayed already; leave the delay out, or give it a jitter instead".into(),
            );
        }
        self.refuses_delays().or_else(|| self.refuses_shares()).or_else(|| {
            let [least, most] = RATES;
            let rate = self.rate.filter(|rate| *rate < least || *rate > most)?;
            Some(format!("a link cannot be made {rate} wide; give it from {least} to {most}"))
        })
    }

    fn refuses_delays(&self) -> Option<String> {
        let fits = |span: Span| (1..=DELAY_MAX.ms()).contains(&span.ms());
        let wrong = |what: &str, span: Span| format!("{what} of {span}: give it from 1ms to {DELAY_MAX}");
        if let Some(Delay { by, jitter, distribution }) = self.delay {
            if !fits(by) {
                return Some(wrong("a delay", by));
            }
            if jitter > by {
                return Some(format!("a delay of {by} cannot vary by {jitter}; the jitter is at most the delay"));
            }
            if jitter.ms() == 0 && distribution != Distribution::Uniform {
                return Some("a distribution needs a jitter: {by: 50ms, jitter: 10ms, distribution: normal}".into());
            }
        }
        let reorder = self.reorder.filter(|reorder| !fits(reorder.by))?;
        Some(wrong("to be held back needs a time; a time", reorder.by))
    }

    fn refuses_shares(&self) -> Option<String> {
        let reorder = self.reorder.map(|reorder| reorder.share);
        let shares =
            [("loss", self.loss), ("duplicate", self.duplicate), ("reorder", reorder), ("corrupt", self.corrupt)];
        if let Some((what, _)) = shares.into_iter().find(|(_, share)| share.is_some_and(|share| share < SHARE_MIN)) {
            return Some(format!("{what} of less than {SHARE_MIN} of packets cannot be shown"));
        }
        let most = [self.loss, self.corrupt].into_iter().flatten().find(|share| *share > LOST_MAX)?;
        Some(format!("{most} are more than {LOST_MAX} of packets; what lets nothing through is a partition"))
    }

    /// By how much a round trip over these links takes longer at most, on average.
    pub fn round_trip_max(&self, links: &[Link]) -> Duration {
        let is_both =
            links.iter().any(|link| links.iter().any(|other| (&other.from, &other.to) == (&link.to, &link.from)));
        let by = self.delay.map_or(Duration::ZERO, |delay| delay.by.duration());
        by * if is_both { 2 } else { 1 }
    }

    /// The same for whoever does it.
    pub fn conditions(&self) -> Conditions {
        let ppm = |share: Option<Share>| share.map_or(0, Share::ppm);
        Conditions {
            delay: self.delay.map(|delay| packets::Delay {
                by_ns: delay.by.ns(),
                jitter_ns: delay.jitter.ns(),
                distribution: match delay.distribution {
                    Distribution::Uniform => packets::Distribution::Uniform,
                    Distribution::Normal => packets::Distribution::Normal,
                    Distribution::Pareto => packets::Distribution::Pareto,
                },
            }),
            loss: self.loss.map(|loss| packets::Loss { ppm: loss.ppm(), correlation_ppm: ppm(self.correlation) }),
            duplicate_ppm: ppm(self.duplicate),
            reorder: self.reorder.map(|reorder| packets::Reorder { ppm: reorder.share.ppm(), by_ns: reorder.by.ns() }),
            corrupt_ppm: ppm(self.corrupt),
            rate_bits: self.rate.map(Rate::bits),
        }
    }
}

impl fmt::Display for Packets {
    /// As a person is told: `delay 50ms ± 10ms, lose 1%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(Delay { by, jitter, distribution }) = self.delay {
            let varies = match (jitter.ms(), distribution) {
                (0, _) => String::new(),
                (_, Distribution::Uniform) => format!(" ± {jitter}"),
                (_, Distribution::Normal) => format!(" ± {jitter} (normal)"),
                (_, Distribution::Pareto) => format!(" ± {jitter} (pareto)"),
            };
            parts.push(format!("delay {by}{varies}"));
        }
        if let Some(loss) = self.loss {
            let rows = self.correlation.map(|share| format!(" in rows ({share} correlated)")).unwrap_or_default();
            parts.push(format!("lose {loss}{rows}"));
        }
        parts.extend(self.duplicate.map(|share| format!("duplicate {share}")));
        parts.extend(self.reorder.map(|reorder| format!("hold {} back for {}", reorder.share, reorder.by)));
        parts.extend(self.corrupt.map(|share| format!("corrupt {share}")));
        parts.extend(self.rate.map(|rate| format!("let {rate} through")));
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests;
