//! The pictures of a run, each one self-contained SVG for light and dark surroundings.
//!
//! Text stays text, colours follow the reader's scheme, and no font, script or other file is needed. A function of
//! recorded data; where the pictures are put is the caller's business.
//!
//! ```
//! # let history = squall_results::History::default();
//! use squall_results::plots::{self, Kind};
//! for kind in Kind::ALL {
//!     let svg = plots::render(&history, kind);
//!     assert!(svg.starts_with("<svg"), "{} is no picture", kind.file_name());
//! }
//! ```

mod anomaly;
mod bank;
mod chart;
mod cycle;
mod downsample;
mod drawing;
mod lanes;
mod latency;
mod legend;
mod rate;
mod timeline;

use crate::history::History;
use crate::verdict::{Anomaly, Judgement};

#[cfg(feature = "report")]
pub(crate) use anomaly::EndingLine;
pub(crate) use anomaly::Form;
pub(crate) use drawing::Drawing;
#[cfg(feature = "report")]
pub(crate) use drawing::STYLE;

/// The plots of a run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Latency of every operation over time, from invocation to return, on a logarithmic scale. At most some 4,000
    /// operations are drawn; extremes always are.
    Latency,
    /// Operations per second over time, by outcome.
    Rate,
    /// Faults and leaders over time, node by node.
    Faults,
}

impl Kind {
    /// All plots.
    pub const ALL: [Kind; 3] = [Kind::Latency, Kind::Rate, Kind::Faults];

    /// The name of its file in the run's `plots` folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Kind::Latency => "latency.svg",
            Kind::Rate => "rate.svg",
            Kind::Faults => "faults.svg",
        }
    }
}

/// Draws one plot of a run as a self-contained SVG.
pub fn render(history: &History, kind: Kind) -> String {
    drawing(history, kind).standalone()
}

/// Draws an anomaly as a self-contained SVG: its operations on a time axis, a row for each process. The history adds the
/// faults that were in force at that time.
pub fn render_anomaly(history: &History, anomaly: &Anomaly) -> String {
    anomaly::draw(history, anomaly, Form::ALONE).standalone()
}

/// Draws the transactions of an anomaly that each come before the next, and why, as a self-contained SVG; none, where it has
/// no dependencies.
pub fn render_cycle(anomaly: &Anomaly) -> Option<String> {
    cycle_drawing(anomaly, Form::ALONE).map(|drawing| drawing.standalone())
}

pub(crate) fn cycle_drawing(anomaly: &Anomaly, form: Form) -> Option<Drawing> {
    cycle::draw(anomaly, form.width())
}

/// Draws the total and the balances of the first bank that was found to be wrong; none, where no bank was.
pub fn render_bank(history: &History, judgement: &Judgement) -> Option<String> {
    bank_drawing(history, judgement).map(|drawing| drawing.standalone())
}

pub(crate) fn bank_drawing(history: &History, judgement: &Judgement) -> Option<Drawing> {
    let of_banks = judgement.verdicts.iter().filter(|verdict| verdict.checker == crate::checker::bank::NAME);
    let first = of_banks.flat_map(|verdict| &verdict.anomalies).next()?;
    Some(bank::draw(history, first.key))
}

pub(crate) fn drawing(history: &History, kind: Kind) -> Drawing {
    match kind {
        Kind::Latency => latency::draw(history),
        Kind::Rate => rate::draw(history),
        Kind::Faults => lanes::draw(history),
    }
}

#[cfg(feature = "report")]
pub(crate) fn anomaly_drawing(history: &History, anomaly: &Anomaly, form: Form) -> Drawing {
    anomaly::draw(history, anomaly, form)
}

/// How far the longest legal order of an anomaly goes, and what is impossible then.
#[cfg(feature = "report")]
pub(crate) fn ending(anomaly: &Anomaly) -> Vec<EndingLine> {
    anomaly::ending(anomaly)
}
