//! What the nodes logged around each anomaly, most of it around the first; around the changes of leadership if there is
//! none.

use super::{LogLine, ReportInput, words};
use crate::verdict::Anomaly;
use crate::words::cut;
use maud::{Markup, html};

/// How much before and after an anomaly is shown.
const AROUND_ANOMALY_NS: u64 = 1_000_000_000;
/// How much before and after a change of leadership is shown.
const AROUND_CHANGE_NS: u64 = 250_000_000;
/// The most lines that are shown: those nearest to what happened.
const MOST_LINES: usize = 300;
/// The most lines that are shown beside each anomaly.
const MOST_LINES_BESIDE: usize = 24;
/// The most characters of a line that are shown.
const LONGEST_LINE: usize = 400;

/// Stretches of the run around which lines are shown, and what they are.
struct Surroundings {
    what: &'static str,
    spans_ns: Vec<(u64, u64)>,
    around_ns: u64,
}

/// Whether [`render`] shows anything.
pub(super) fn has_any(input: &ReportInput<'_>) -> bool {
    surroundings(input).is_some_and(|around| input.logs.iter().any(|line| around.distance_ns(line).is_some()))
}

pub(super) fn render(input: &ReportInput<'_>) -> Markup {
    let Some(around) = surroundings(input) else { return html! {} };
    let (found, lines) = around.nearest(input.logs, MOST_LINES);
    html! {
        @if !lines.is_empty() {
            section #logs { h2 { "Logs" } (listing(found, &lines, around.what, found <= 40)) }
        }
    }
}

/// The lines nearest to an anomaly, folded.
pub(super) fn near(logs: &[LogLine], anomaly: &Anomaly) -> Markup {
    let (found, lines) = Surroundings::of(anomaly, "it").nearest(logs, MOST_LINES_BESIDE);
    html! { @if !lines.is_empty() { div.beside { (listing(found, &lines, "it", false)) } } }
}

/// `lines` with their distances, out of `found`.
fn listing(found: usize, lines: &[(u64, &LogLine)], what: &str, open: bool) -> Markup {
    let widest = lines.iter().map(|(_, line)| line.node.chars().count()).max().unwrap_or(0).min(16);
    html! {
        details open[open] {
            summary {
                (words::counted(found, "log line", "log lines")) " of all nodes around " (what)
                @if found > lines.len() { ", the nearest " (lines.len()) " of them" }
            }
            pre.log {
                @for (distance_ns, line) in lines {
                    span.hit[*distance_ns == 0] {
                        span.soft { (format!("{:>11}", line.at_ns.map(words::instant).unwrap_or_default())) }
                        "  " b { (format!("{:<widest$}", line.node)) } "  " (cut(&line.text, LONGEST_LINE)) "\n"
                    }
                }
            }
        }
    }
}

fn surroundings(input: &ReportInput<'_>) -> Option<Surroundings> {
    if let Some(anomaly) = input.judgement.anomalies().next() {
        return Some(Surroundings::of(anomaly, "the first anomaly"));
    }
    let changes = input.history.leader_changes();
    let spans_ns: Vec<(u64, u64)> = changes.iter().skip(1).map(|(at_ns, ..)| (*at_ns, *at_ns)).collect();
    let what = if spans_ns.len() == 1 { "the leader change" } else { "the leader changes" };
    (!spans_ns.is_empty()).then_some(Surroundings { what, spans_ns, around_ns: AROUND_CHANGE_NS })
}

impl Surroundings {
    fn of(anomaly: &Anomaly, what: &'static str) -> Surroundings {
        Surroundings { what, spans_ns: vec![(anomaly.from_ns, anomaly.to_ns)], around_ns: AROUND_ANOMALY_NS }
    }

    /// How many lines are near enough, and at most `most` of them: the nearest, in order of time.
    fn nearest<'a>(&self, logs: &'a [LogLine], most: usize) -> (usize, Vec<(u64, &'a LogLine)>) {
        let near = logs.iter().filter_map(|line| Some((self.distance_ns(line)?, line)));
        let mut lines: Vec<(u64, &LogLine)> = near.collect();
        let found = lines.len();
        lines.sort_by_key(|(distance_ns, _)| *distance_ns);
        lines.truncate(most);
        lines.sort_by_key(|(_, line)| line.at_ns);
        (found, lines)
    }

    /// How far a line is from the nearest stretch; `None`: too far, or nobody knows.
    fn distance_ns(&self, line: &LogLine) -> Option<u64> {
        let at_ns = line.at_ns?;
        let distances =
            self.spans_ns.iter().map(|(from_ns, to_ns)| from_ns.saturating_sub(at_ns) + at_ns.saturating_sub(*to_ns));
        distances.min().filter(|distance_ns| *distance_ns <= self.around_ns)
    }
}
