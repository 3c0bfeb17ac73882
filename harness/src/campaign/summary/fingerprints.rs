//! What went wrong in a campaign, each kind once, and what of it is new.

use super::CaseSummary;
use crate::campaign::file::Expect;
use crate::campaign::fingerprint::Fingerprint;
use crate::campaign::outcome::CaseOutcome;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Something that went wrong in some cases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mark {
    /// In a line.
    pub told: String,
    /// Its parts.
    #[serde(flatten)]
    pub mark: Fingerprint,
    /// How many anomalies looked like this.
    pub anomalies: usize,
    /// The numbers of the cases that had them.
    pub cases: Vec<usize>,
    /// Whether only controls showed it, in which it was expected.
    pub expected: bool,
    /// Whether the campaign before had it not; none: there is nothing to compare with.
    pub new: Option<bool>,
}

/// What went wrong in these cases: the unexpected first, the new before the known, then by count.
pub fn of(cases: &[CaseSummary], known: Option<&BTreeSet<String>>) -> Vec<Mark> {
    let mut by_mark: BTreeMap<&Fingerprint, (usize, Vec<usize>, bool)> = BTreeMap::new();
    for case in cases {
        let found = case.outcome.as_ref().and_then(CaseOutcome::verdict).map(|verdict| &verdict.found);
        for found in found.into_iter().flatten() {
            let (count, numbers, expected) = by_mark.entry(&found.mark).or_insert((0, Vec::new(), true));
            *count += found.count;
            numbers.push(case.case.number);
            *expected &= case.case.expect == Expect::Invalid;
        }
    }
    let mut marks: Vec<Mark> = by_mark
        .into_iter()
        .map(|(mark, (anomalies, cases, expected))| {
            let told = mark.to_string();
            let new = known.map(|known| !known.contains(&told));
            Mark { told, mark: mark.clone(), anomalies, cases, expected, new }
        })
        .collect();
    marks.sort_by_key(|mark| (mark.expected, mark.new == Some(false), std::cmp::Reverse(mark.cases.len())));
    marks
}

/// What an earlier summary holds that is needed of it.
#[derive(Deserialize)]
struct Earlier {
    fingerprints: Vec<EarlierMark>,
}

#[derive(Deserialize)]
struct EarlierMark {
    told: String,
}

/// The fingerprints in a `summary.json`.
///
/// # Errors
/// When it is none.
pub fn known(path: &Path) -> Result<BTreeSet<String>, String> {
    let text = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let earlier: Earlier = serde_json::from_slice(&text)
        .map_err(|error| format!("{} is no summary of a campaign: {error}", path.display()))?;
    Ok(earlier.fingerprints.into_iter().map(|mark| mark.told).collect())
}
