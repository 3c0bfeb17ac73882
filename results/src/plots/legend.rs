//! The line above a plot that says what its marks mean.

use super::chart::Tone;
use super::drawing::{Area, Pen, text_width};
use super::timeline::{LEFT, WIDTH};

/// The height of the legend.
pub(crate) const HEIGHT: f64 = 26.0;

/// Between an entry and the next.
const GAP: f64 = 18.0;
/// Between a sample and its words.
const BEFORE_WORDS: f64 = 6.0;

/// The sample that stands before an entry's words.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sample {
    /// A dot of a series.
    Dot(Tone),
    /// A line of a series.
    Run(Tone),
    /// A fault that was in force.
    Fault,
    /// A fault that was not.
    Idle,
    /// Who leads.
    Leader,
    /// A node that did not answer.
    Silent,
    /// Nothing: the words stand alone.
    Nothing,
}

impl Sample {
    /// How much room it takes, up to the words.
    fn width(self) -> f64 {
        match self {
            Sample::Dot(_) => 8.0 + BEFORE_WORDS,
            Sample::Nothing => 0.0,
            _ => 20.0 + BEFORE_WORDS,
        }
    }
}

/// Draws the entries from left to right: from where the time axis begins if there is room, else from the edge.
pub(crate) fn draw(pen: &mut Pen, entries: &[(Sample, String)]) {
    let needed: f64 = entries.iter().map(|(sample, words)| sample.width() + text_width(words, 12.0) + GAP).sum();
    let mut x = (WIDTH + GAP - needed).clamp(2.0, LEFT);
    for (sample, words) in entries {
        let middle = 12.0;
        let until = x + sample.width() - BEFORE_WORDS;
        match sample {
            Sample::Dot(tone) => {
                let dot = format!("M{:.1} {middle}h0", x + 4.0);
                pen.path(&dot, &format!("sq-points sq-key {}", tone.class()));
            }
            Sample::Run(tone) => pen.line((x, middle), (until, middle), &format!("sq-run {}", tone.class())),
            Sample::Fault => pen.rect(Area { x, y: 6.0, width: 20.0, height: 12.0 }, 2.0, "sq-chip", ""),
            Sample::Idle => pen.rect(Area { x, y: 6.0, width: 20.0, height: 12.0 }, 2.0, "sq-idle", ""),
            Sample::Leader => pen.rect(Area { x, y: 10.0, width: 20.0, height: 4.0 }, 2.0, "sq-lead", ""),
            Sample::Silent => pen.line((x, middle), (until, middle), "sq-mute"),
            Sample::Nothing => {}
        }
        pen.text(until + BEFORE_WORDS, 16.0, "sq-soft", words);
        x = until + BEFORE_WORDS + text_width(words, 12.0) + GAP;
    }
}
