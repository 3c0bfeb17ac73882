//! The campaign file: which cases there are, and what is expected of them.
//!
//! ```yaml
//! budget: 30m
//! plan: {time_limit: 20s}
//! cases:
//! - targets: [raft, {target: etcd, profile: fast}]
//!   workloads: [register, bank]
//!   faults: [partition, kill+pause]
//!   seeds: 2
//! - name: old reads are seen
//!   target: {target: etcd, read: serializable, consistency: linearizable}
//!   expect: invalid
//!   at_least: 3 of 5
//! ```

use super::many::{AtLeast, Many, Mix, Seeds, Subject};
use crate::names::WorkloadName;
use crate::plan::{Nodes, Wishes};
use serde::{Deserialize, Serialize};
use serde_yaml::{Location, Spanned};
use squall_nemesis::Span;
use std::fs;
use std::path::Path;
use thiserror::Error;

/// A campaign file that cannot be carried out. Nothing was started.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CampaignError {
    /// The file cannot be read.
    #[error("cannot read the campaign {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file is no campaign, or its parts do not fit together; the text shows line and caret.
    #[error("{path} is no campaign\n{shown}")]
    Malformed {
        /// The file.
        path: String,
        /// The error with the place in the file.
        shown: String,
    },
    /// Not the file is wrong, but what was asked for.
    #[error("{0}")]
    Contradiction(String),
}

/// A campaign file with its text, so that whatever is wrong can be shown in its place.
#[derive(Debug)]
pub struct CampaignFile {
    /// What it says.
    pub contents: Contents,
    /// The text.
    pub text: String,
    /// The path, as it was given.
    pub path: String,
}

/// What a campaign file says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// What the seeds of cases are drawn from; drawn itself by default.
    pub seed: Option<u64>,
    /// No case is started, and none goes on, when this time is over.
    pub budget: Option<Span>,
    /// How often a case is tried again when squall itself failed; once by default.
    pub retries: Option<u8>,
    /// What holds for every case where nothing else is said: anything that a plan file may say.
    pub plan: Option<Wishes>,
    /// The cases, a matrix an entry.
    pub cases: Spanned<Vec<Spanned<Matrix>>>,
}

/// Some cases: every target with every workload, every mix of faults, every number of nodes and every seed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// What people call it.
    pub name: Option<String>,
    /// The targets, each with whatever a plan may say.
    #[serde(alias = "target")]
    pub targets: Option<Many<Subject>>,
    /// The workloads.
    #[serde(alias = "workload")]
    pub workloads: Option<Many<WorkloadName>>,
    /// The mixes of faults: of each entry all families in one storm.
    pub faults: Option<Many<Mix>>,
    /// The numbers of nodes.
    pub nodes: Option<Many<Nodes>>,
    /// The seeds, or how many; one by default.
    pub seeds: Option<Spanned<Seeds>>,
    /// How long each storm lasts.
    pub time_limit: Option<Span>,
    /// What holds for each of these cases, and its target does not say otherwise.
    pub plan: Option<Wishes>,
    /// Combinations that are left out.
    pub exclude: Option<Many<Combination>>,
    /// Combinations that come besides: what they do not say they take from the lists above.
    pub include: Option<Many<Combination>>,
    /// What the verdicts are expected to be.
    #[serde(default)]
    pub expect: Expect,
    /// In how many of the seeds the promise must be seen broken.
    pub at_least: Option<Spanned<AtLeast>>,
}

/// Some of a matrix: what it does not name may be any.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combination {
    /// The targets.
    #[serde(alias = "target")]
    pub targets: Option<Many<Subject>>,
    /// The workloads.
    #[serde(alias = "workload")]
    pub workloads: Option<Many<WorkloadName>>,
    /// The mixes of faults.
    pub faults: Option<Many<Mix>>,
    /// The numbers of nodes.
    pub nodes: Option<Many<Nodes>>,
}

/// The verdict that is expected of a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expect {
    /// The promise is kept.
    #[default]
    Valid,
    /// The promise is broken, in some seeds at least: a positive control.
    Invalid,
}

impl CampaignFile {
    /// Reads a campaign file.
    ///
    /// # Errors
    /// When it cannot be read, or is no campaign: with line and caret.
    pub fn read(path: &Path) -> Result<CampaignFile, CampaignError> {
        let shown = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|error| CampaignError::Unreadable { path: shown.clone(), reason: error.to_string() })?;
        CampaignFile::parse(text, shown)
    }

    /// The campaign that `text` is; `path` is what errors call it.
    ///
    /// # Errors
    /// When it is none: with line and caret.
    pub fn parse(text: String, path: String) -> Result<CampaignFile, CampaignError> {
        let parsed = serde_yaml::from_str(&text).map_err(|error| {
            // The advice to a programmer is none to the author of a campaign.
            let told = error.to_string().replace(", set DuplicateKeyPolicy in Options if acceptable", "");
            CampaignError::Malformed { path: path.clone(), shown: told.replace("<input>", &path) }
        })?;
        Ok(CampaignFile { contents: parsed, text, path })
    }

    /// The error that something is wrong at this place of the file.
    pub(super) fn wrong(&self, at: Location, what: &str) -> CampaignError {
        let (line, column) = (at.line() as usize, (at.column() as usize).max(1));
        let lines: Vec<&str> = self.text.lines().collect();
        let width = line.to_string().len();
        let first = line.saturating_sub(2).max(1);
        let shown = (first..=line).filter_map(|number| Some((number, lines.get(number.checked_sub(1)?)?)));
        let shown: String = shown.map(|(number, text)| format!("{number:>width$} | {text}\n")).collect();
        let (path, gap) = (&self.path, " ".repeat(width));
        let shown = format!(
            "error: line {line} column {column}: {what}\n{gap}--> {path}:{line}:{column}\n{gap} |\n{shown}{gap} | {}^ {what}",
            " ".repeat(column - 1)
        );
        CampaignError::Malformed { path: path.clone(), shown }
    }
}
