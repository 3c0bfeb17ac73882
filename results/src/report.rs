//! The page of a run: one self-contained HTML file that says what happened and whether it was right.
//!
//! A function of recorded data. It needs no network, no script and no other file to be read, follows the reader's light
//! or dark scheme, and prints. Everything that comes from outside squall is escaped.

mod anomalies;
mod checkers;
mod faults;
mod figures;
mod head;
mod logs;
mod orders;
mod page;
mod words;

use crate::figures::Figures;
use crate::history::History;
use crate::verdict::Judgement;

/// One line of a node's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The node.
    pub node: String,
    /// When it arrived, in nanoseconds since the start of the run; `None`: before it, or nobody knows.
    pub at_ns: Option<u64>,
    /// The line, without its line feed.
    pub text: String,
}

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub struct ReportInput<'a> {
    /// What happened.
    pub history: &'a History,
    /// What the checkers said.
    pub judgement: &'a Judgement,
    /// The figures of `history`.
    pub figures: &'a Figures,
    /// The name of the run: `etcd register partition`.
    pub title: &'a str,
    /// The command that repeats the run; empty: none is known.
    pub command: &'a str,
    /// The resolved plan; empty: none is known.
    pub plan_yaml: &'a str,
    /// The lines of all nodes' logs, each node's in order.
    pub logs: &'a [LogLine],
}

/// The page.
pub fn render(input: &ReportInput<'_>) -> String {
    let page = page::render(input).into_string();
    // Logs may hold control characters, which no page can; maud escapes only what has a meaning.
    let forbidden = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
    if page.contains(forbidden) { page.replace(forbidden, "\u{fffd}") } else { page }
}
