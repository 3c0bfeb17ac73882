//! What a campaign came to: the contents of its `summary.json`, and what all the other outputs show.

mod choice;
pub mod fingerprints;

pub use choice::{Cell, Choice, Row};
pub use fingerprints::Mark;

use super::case::{Case, Shard};
use super::folder::Agenda;
use super::outcome::{CaseOutcome, Standing, standing};
use super::precedence::{self, ControlOutcome, Result};
use super::runner::Cut;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a campaign came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The version of squall that wrote this.
    pub squall: String,
    /// The name of the campaign.
    pub campaign: String,
    /// What seeds were drawn from.
    pub seed: u64,
    /// The shard; none: all cases.
    pub shard: Option<Shard>,
    /// When it began, milliseconds since 1970 UTC.
    pub began_unix_ms: u64,
    /// In one word.
    pub result: Result,
    /// How long cases went on, in all.
    pub took_ms: u64,
    /// How many cases that makes an hour.
    pub cases_per_hour: Option<f64>,
    /// How many cases stand how.
    pub counts: Counts,
    /// Why cases were not run, if somebody knows.
    pub cut: Option<String>,
    /// The table by which somebody chooses a database.
    pub choice: Choice,
    /// The positive controls.
    pub controls: Vec<ControlOutcome>,
    /// What went wrong, each kind once.
    pub fingerprints: Vec<Mark>,
    /// The summary that they were compared with.
    pub previous: Option<PathBuf>,
    /// All cases of this campaign, in order.
    pub cases: Vec<CaseSummary>,
}

/// How many cases stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each is the standing of its name")]
pub struct Counts {
    pub cases: usize,
    pub valid: usize,
    pub caught: usize,
    pub uncaught: usize,
    pub unknown: usize,
    pub invalid: usize,
    pub failed: usize,
    pub not_run: usize,
}

/// A case, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaseSummary {
    /// The case.
    #[serde(flatten)]
    pub case: Case,
    /// How it stands.
    pub standing: Standing,
    /// What became of it; none: it was not run.
    pub outcome: Option<CaseOutcome>,
    /// The folder of its run.
    pub run: Option<PathBuf>,
}

/// Why cases were not run.
pub fn told(cut: Cut) -> &'static str {
    match cut {
        Cut::Budget => "the budget was used up",
        Cut::Stopped => "somebody asked it to stop",
    }
}

/// The cases of an agenda with what became of them and the folder of each.
pub type Done = Vec<(Case, Option<CaseOutcome>, PathBuf)>;

impl Summary {
    /// What a campaign came to, whose cases these are. `known` are the fingerprints of the campaign before, from the file
    /// `previous`.
    pub fn of(agenda: &Agenda, done: Done, cut: Option<Cut>, known: Option<(PathBuf, BTreeSet<String>)>) -> Summary {
        let (previous, known) = known.map_or((None, None), |(path, known)| (Some(path), Some(known)));
        let weighed = done.iter().map(|(case, outcome, _)| (case, standing(case.expect, outcome.as_ref())));
        let controls = precedence::controls(weighed.clone(), agenda.shard);
        let own: Vec<CaseSummary> = done.iter().filter(|(case, ..)| case.is_of(agenda.shard)).map(of_case).collect();
        let (took_ms, cases) = (busy_ms(&own), own.iter().filter(|case| case.outcome.is_some()).count());
        Summary {
            squall: agenda.squall.clone(),
            campaign: agenda.name.clone(),
            seed: agenda.seed,
            shard: agenda.shard,
            began_unix_ms: agenda.began_unix_ms,
            result: precedence::result(own.iter().map(|case| case.standing), &controls),
            took_ms,
            cases_per_hour: (took_ms > 0).then(|| cases as f64 * 3.6e6 / took_ms as f64),
            counts: Counts::of(&own),
            cut: cut.map(|cut| told(cut).to_owned()),
            choice: Choice::of(&own),
            controls,
            fingerprints: fingerprints::of(&own, known.as_ref()),
            previous,
            cases: own,
        }
    }
}

fn of_case((case, outcome, folder): &(Case, Option<CaseOutcome>, PathBuf)) -> CaseSummary {
    let standing = standing(case.expect, outcome.as_ref());
    let run = outcome.as_ref().and_then(CaseOutcome::verdict).map(|verdict| plain(&folder.join(&verdict.run)));
    CaseSummary { case: case.clone(), standing, outcome: outcome.clone(), run }
}

/// The path without ways up and down again: the way into another campaign's folder first goes up.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        let goes_up = part == std::path::Component::ParentDir && plain.file_name().is_some();
        if goes_up {
            plain.pop();
        } else {
            plain.push(part);
        }
        plain
    })
}

impl Counts {
    fn of(cases: &[CaseSummary]) -> Counts {
        let mut counts = Counts { cases: cases.len(), ..Counts::default() };
        for case in cases {
            let count = match case.standing {
                Standing::Valid => &mut counts.valid,
                Standing::Caught => &mut counts.caught,
                Standing::Uncaught => &mut counts.uncaught,
                Standing::Unknown => &mut counts.unknown,
                Standing::Invalid => &mut counts.invalid,
                Standing::Failed => &mut counts.failed,
                Standing::NotRun => &mut counts.not_run,
            };
            *count += 1;
        }
        counts
    }

    /// How many stand how, the worst first, without those of which there are none.
    pub fn told(&self) -> Vec<(usize, Standing)> {
        let all = [
            (self.invalid, Standing::Invalid),
            (self.failed, Standing::Failed),
            (self.unknown, Standing::Unknown),
            (self.not_run, Standing::NotRun),
            (self.valid, Standing::Valid),
            (self.caught, Standing::Caught),
            (self.uncaught, Standing::Uncaught),
        ];
        all.into_iter().filter(|(count, _)| *count > 0).collect()
    }
}

/// For how long some case went on. Cases may overlap, and there may be hours between them where a campaign was resumed.
fn busy_ms(cases: &[CaseSummary]) -> u64 {
    let spans = cases.iter().filter_map(|case| case.outcome.as_ref());
    let mut spans: Vec<(u64, u64)> =
        spans.map(|outcome| (outcome.began_unix_ms, outcome.began_unix_ms + outcome.took_ms)).collect();
    spans.sort_unstable();
    let (mut busy_ms, mut until_ms) = (0, 0);
    for (from_ms, to_ms) in spans {
        busy_ms += to_ms.saturating_sub(from_ms.max(until_ms));
        until_ms = until_ms.max(to_ms);
    }
    busy_ms
}

/// The way from one folder to a file, for a link that holds when both are moved together; the path itself where there is none.
pub fn relative(from: &Path, to: &Path) -> PathBuf {
    let (Ok(from), Ok(to)) = (from.canonicalize(), to.canonicalize()) else { return to.to_path_buf() };
    let shared = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(shared).map(|_| "..");
    up.map(std::ffi::OsStr::new).chain(to.components().skip(shared).map(|part| part.as_os_str())).collect()
}

#[cfg(test)]
pub(super) mod tests;
