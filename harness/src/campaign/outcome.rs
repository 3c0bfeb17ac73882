//! What became of a case.

use super::case::Case;
use super::file::Expect;
use super::fingerprint::{self, Found};
use super::measures::Measures;
use serde::{Deserialize, Serialize};
use squall_results::{Figures, History, Judgement, Promise, Validity};

/// What became of a case: the contents of its `outcome.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseOutcome {
    /// When it began, milliseconds since 1970 UTC; for people.
    pub began_unix_ms: u64,
    /// How long it took, all its tries together.
    pub took_ms: u64,
    /// How often it was tried; more than once where squall itself failed.
    pub tries: u8,
    /// How it ended.
    pub end: End,
}

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// There is a verdict.
    Judged(Box<Verdict>),
    /// squall itself failed: this says nothing about the target.
    Failed {
        /// Why.
        reason: String,
    },
}

/// The verdict of a case, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What the checkers say about the promise.
    pub validity: Validity,
    /// The promise.
    pub promise: Promise,
    /// In two or three words.
    pub about: String,
    /// Why, in a sentence.
    pub reason: String,
    /// Why it is said that it did not serve when it had to, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did_not_serve: Option<String>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
    /// The figures.
    pub measures: Measures,
    /// The folder of the run, from the case's folder.
    pub run: String,
    /// The command that repeats the run.
    pub command: String,
}

/// A case compared with what was expected of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The promise was kept, as expected.
    Valid,
    /// A control showed the broken promise.
    Caught,
    /// A control did not show it, which the control as a whole may allow.
    Uncaught,
    /// Nobody can tell whether the promise was kept.
    Unknown,
    /// The promise was broken where it should be kept, or the target did not serve when it had to.
    Invalid,
    /// squall itself failed.
    Failed,
    /// It was not run.
    NotRun,
}

impl CaseOutcome {
    /// The verdict, if there is one.
    pub fn verdict(&self) -> Option<&Verdict> {
        match &self.end {
            End::Judged(verdict) => Some(verdict),
            End::Failed { .. } => None,
        }
    }
}

impl Verdict {
    /// What a judged run of `case` comes to.
    pub fn of(
        case: &Case,
        history: &History,
        judgement: &Judgement,
        figures: &Figures,
        run: String,
        command: String,
    ) -> Verdict {
        let liveness = judgement.liveness.as_ref().filter(|verdict| verdict.validity == Validity::Invalid);
        let decides = judgement.verdicts.iter().find(|verdict| verdict.validity == judgement.validity);
        Verdict {
            validity: judgement.validity,
            promise: judgement.promise,
            about: judgement.about(),
            reason: decides.map(|verdict| verdict.reason.clone()).unwrap_or_default(),
            did_not_serve: liveness.map(|verdict| verdict.reason.clone()),
            found: fingerprint::fingerprints(history, judgement, &case.target, &case.workload, &case.faults),
            measures: Measures::of(history, figures),
            run,
            command,
        }
    }
}

/// How a case stands. A control is caught by a broken promise alone: a cluster that does not serve shows nothing of the kind.
pub fn standing(expect: Expect, outcome: Option<&CaseOutcome>) -> Standing {
    let Some(outcome) = outcome else { return Standing::NotRun };
    let Some(verdict) = outcome.verdict() else { return Standing::Failed };
    match (expect, verdict.validity) {
        (Expect::Invalid, Validity::Invalid) => Standing::Caught,
        (Expect::Invalid, Validity::Valid | Validity::Unknown) => Standing::Uncaught,
        (Expect::Valid, Validity::Invalid) => Standing::Invalid,
        (Expect::Valid, _) if verdict.did_not_serve.is_some() => Standing::Invalid,
        (Expect::Valid, Validity::Unknown) => Standing::Unknown,
        (Expect::Valid, Validity::Valid) => Standing::Valid,
    }
}

impl Standing {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Valid => "valid",
            Standing::Caught => "caught",
            Standing::Uncaught => "not caught",
            Standing::Unknown => "unknown",
            Standing::Invalid => "invalid",
            Standing::Failed => "failed",
            Standing::NotRun => "not run",
        }
    }
}
