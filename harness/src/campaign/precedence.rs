//! What a campaign comes to in one word, and its exit status.

use super::case::{Case, Control, Shard};
use super::outcome::Standing;
use crate::exit::Exit;
use crate::replay::Rate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a campaign comes to. The order is that of precedence: the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Result {
    /// Everything is as expected.
    AsExpected,
    /// Some verdicts are unknown, or cases were not run.
    Unknown,
    /// A control did not show what it must.
    MissedControl,
    /// squall itself failed in some case.
    Failed,
    /// A promise was broken that should be kept.
    Invalid,
}

impl From<Result> for Exit {
    fn from(result: Result) -> Exit {
        match result {
            Result::AsExpected => Exit::Valid,
            Result::Unknown => Exit::Unknown,
            Result::MissedControl => Exit::MissedControl,
            Result::Failed => Exit::Failed,
            Result::Invalid => Exit::Invalid,
        }
    }
}

/// How a control stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlStanding {
    /// The broken promise was seen as often as it must be.
    Seen,
    /// It was not, and cannot be any more.
    Missed,
    /// Cases of this campaign are missing for that.
    Open,
    /// Cases of other shards are missing for that.
    Elsewhere,
}

/// A control, with what became of its cases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ControlOutcome {
    /// The control.
    #[serde(flatten)]
    pub control: Control,
    /// How it stands.
    pub standing: ControlStanding,
    /// In how many of the cases that were judged the broken promise was seen.
    pub rate: Rate,
}

/// All controls of `cases`, each with how its own cases stand; those of other shards are not run here.
pub fn controls<'a>(
    cases: impl IntoIterator<Item = (&'a Case, Standing)>,
    shard: Option<Shard>,
) -> Vec<ControlOutcome> {
    let mut by_control: BTreeMap<&Control, Vec<(&Case, Standing)>> = BTreeMap::new();
    for (case, standing) in cases {
        if let Some(control) = &case.control {
            by_control.entry(control).or_default().push((case, standing));
        }
    }
    by_control.into_iter().map(|(control, cases)| weigh(control, &cases, shard)).collect()
}

fn weigh(control: &Control, cases: &[(&Case, Standing)], shard: Option<Shard>) -> ControlOutcome {
    let count =
        |is: &dyn Fn(&Case, Standing) -> bool| cases.iter().filter(|(case, standing)| is(case, *standing)).count();
    let caught = count(&|_, standing| standing == Standing::Caught);
    let judged = caught + count(&|_, standing| standing == Standing::Uncaught);
    let open = count(&|case, standing| standing == Standing::NotRun && case.is_of(shard));
    let elsewhere = count(&|case, _| !case.is_of(shard));
    // What squall failed in is a failure of its own, and could have been seen.
    let failed = count(&|_, standing| standing == Standing::Failed);
    let standing = match control.least.saturating_sub(caught) {
        0 => ControlStanding::Seen,
        lacks if lacks > open + elsewhere + failed => ControlStanding::Missed,
        _ if elsewhere > 0 => ControlStanding::Elsewhere,
        _ => ControlStanding::Open,
    };
    ControlOutcome { control: control.clone(), standing, rate: Rate::of(caught as u32, judged as u32) }
}

/// The worst of all.
pub fn result(standings: impl IntoIterator<Item = Standing>, controls: &[ControlOutcome]) -> Result {
    let of_case = |standing| match standing {
        Standing::Valid | Standing::Caught | Standing::Uncaught => Result::AsExpected,
        Standing::Unknown | Standing::NotRun => Result::Unknown,
        Standing::Failed => Result::Failed,
        Standing::Invalid => Result::Invalid,
    };
    let of_control = |control: &ControlOutcome| match control.standing {
        ControlStanding::Seen | ControlStanding::Elsewhere => Result::AsExpected,
        ControlStanding::Open => Result::Unknown,
        ControlStanding::Missed => Result::MissedControl,
    };
    let worst = standings.into_iter().map(of_case).chain(controls.iter().map(of_control)).max();
    worst.unwrap_or(Result::Unknown)
}

#[cfg(test)]
mod tests;
