//! Replays: the schedule of a recorded run once more, and whether what was found comes back.
//!
//! A replay repeats the plan: the calls, the faults, their times, what they wait for, and how their nodes are chosen. Roles are
//! resolved again, and triggers waited for again; with [`exact`] the recorded nodes and links are hit, at the recorded times. The timing of a real cluster it cannot repeat; so it counts in how many
//! of several runs the anomaly came back, and says what that count is worth.

mod likeness;
mod rate;

pub use likeness::Likeness;
pub use rate::{Rate, wilson};

use crate::plan::{Plan, PlanError, Wishes};
use squall_nemesis::{Family, OneLink, Planned, Selector, Shape, Span};
use squall_results::checker::liveness;
use squall_results::event::PhaseName;
use squall_results::folder::RunFolder;
use squall_results::reader::{self, ReadError};
use squall_results::{History, Judgement, Validity};
use std::collections::BTreeSet;
use std::{fs, io};
use thiserror::Error;

/// Why a run cannot be replayed.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// Its plan cannot be carried out.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Its history cannot be read.
    #[error(transparent)]
    History(#[from] ReadError),
    /// Its verdict is missing or none.
    #[error("cannot read {path}: {reason}; `squall check {folder}` judges the run again")]
    Verdict {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
        /// The folder of the run.
        folder: String,
    },
    /// A fault was recorded that the plan does not have, or otherwise.
    #[error("{path} and the plan beside it are not of the same run: {reason}")]
    Strange {
        /// The history.
        path: String,
        /// What does not fit.
        reason: String,
    },
}

/// A recorded run: what was planned, what happened, what was found.
#[derive(Debug)]
pub struct Recorded {
    /// The plan.
    pub plan: Plan,
    /// The history.
    pub history: History,
    /// What the checkers said.
    pub judgement: Judgement,
}

impl Recorded {
    /// Reads the run in `folder`.
    ///
    /// # Errors
    /// When a file of it is missing or broken.
    pub fn read(folder: &RunFolder) -> Result<Recorded, ReplayError> {
        let plan = Wishes::read(&folder.plan())?.resolve()?;
        let history = reader::read_history(&folder.history())?;
        let judgement = fs::read(folder.verdict())
            .and_then(|text| serde_json::from_slice(&text).map_err(io::Error::other))
            .map_err(|error| ReplayError::Verdict {
                path: folder.verdict().display().to_string(),
                reason: error.to_string(),
                folder: folder.root().display().to_string(),
            })?;
        let strange = |reason| ReplayError::Strange { path: folder.history().display().to_string(), reason };
        same_run(&plan, &history).map_err(strange)?;
        Ok(Recorded { plan, history, judgement })
    }
}

/// The faults of a history are those of the plan.
fn same_run(plan: &Plan, history: &History) -> Result<(), String> {
    for fault in &history.faults {
        let number = fault.id + 1;
        let planned = plan.schedule.get(fault.id as usize);
        let planned = planned.ok_or_else(|| format!("the plan has no fault {number}"))?;
        if planned.fault.name() != fault.family {
            return Err(format!("fault {number} was a {}, and is planned as a {}", fault.family, planned.fault));
        }
    }
    Ok(())
}

/// What was found: each checker that says invalid, with the kinds of its anomalies, and whether the cluster did not serve when it
/// had to.
pub fn found(judgement: &Judgement) -> BTreeSet<(String, String)> {
    let all = judgement.verdicts.iter().chain(&judgement.liveness);
    let invalid = all.filter(|verdict| verdict.validity == Validity::Invalid);
    let kinds = invalid.flat_map(|verdict| {
        // A checker may say invalid without showing operations; its reason names instants, which differ from run to run.
        let shown = verdict.anomalies.iter().map(|anomaly| anomaly.kind.clone());
        let unshown = if verdict.checker == liveness::NAME { "did not serve" } else { "violation" };
        let kinds: Vec<String> = if verdict.anomalies.is_empty() { vec![unshown.into()] } else { shown.collect() };
        kinds.into_iter().map(|kind| (verdict.checker.clone(), kind))
    });
    kinds.collect()
}

/// Whether what `judgement` found is what `recorded` found: some checker shows an anomaly of the same kind. Of a run in which
/// nothing was found nothing can come back.
pub fn comes_back(recorded: &Judgement, judgement: &Judgement) -> bool {
    !found(recorded).is_disjoint(&found(judgement))
}

/// The plan with the nodes and links that were hit in place of the selectors, and why it could not be done for some faults: those
/// that hit nobody (which are left out where they were to hit whom the last one hit), those that hit clients (which have no names
/// before they are there), and partitions of older records.
///
/// The times are as planned, since a replay is as late as the run was, to within what the machine does; but of faults that waited
/// for something they are those at which it came.
pub fn exact(recorded: &Recorded) -> (Plan, Vec<String>) {
    let (mut plan, mut notes) = (recorded.plan.clone(), Vec::new());
    let storm_ns = recorded.history.phase_ns(PhaseName::Storm).unwrap_or(0);
    let (storm, mut left_out) = (plan.time_limit, Vec::new());
    for (place, planned) in plan.schedule.iter_mut().enumerate() {
        let span = recorded.history.faults.iter().find(|span| span.id as usize == place);
        if planned.after.is_some() {
            match span.filter(|span| span.in_force.is_some()) {
                Some(span) => at_its_time(planned, span.injected_ns.saturating_sub(storm_ns), storm),
                None => notes.push(format!(
                    "fault {} ({}) waits again: what it waited for did not come",
                    place + 1,
                    planned.what()
                )),
            }
        }
        let resolved = span.map_or(Err("it was not reached"), |span| resolve(planned, &span.nodes, &span.links));
        let Err(why) = resolved else { continue };
        // At its new time another fault may come before it.
        let becomes = if planned.select == Selector::Last {
            left_out.push(place);
            "is left out"
        } else {
            "keeps its selector"
        };
        notes.push(format!("fault {} ({}) {becomes}: {why}", place + 1, planned.what()));
    }
    let mut place = 0..;
    plan.schedule.retain(|_| place.next().is_some_and(|place| !left_out.contains(&place)));
    (plan, notes)
}

/// The fault waits for nothing any more, but is injected so long after the storm began, or as late as there is time for it.
fn at_its_time(planned: &mut Planned, since_ns: u64, storm: Span) {
    let latest_ms = storm.ms().saturating_sub(planned.lasts.ms());
    (planned.at, planned.after) = (Span::from_ms((since_ns / 1_000_000).min(latest_ms)), None);
}

fn resolve(planned: &mut Planned, nodes: &[String], links: &[String]) -> Result<(), &'static str> {
    if planned.fault.hits_clients() {
        return Err("it hits clients");
    }
    if planned.fault == Family::Partition && planned.shape.is_drawn() {
        let links: Result<Vec<OneLink>, _> = links.iter().map(|link| link.parse()).collect();
        let links = links.ok().filter(|links| !links.is_empty()).ok_or("its links were not recorded")?;
        (planned.shape, planned.select) = (Shape::Links(links), Selector::All);
        return Ok(());
    }
    if planned.select == Selector::All {
        return Ok(());
    }
    if nodes.is_empty() {
        return Err("it hit no node");
    }
    planned.select = Selector::Named(nodes.to_vec());
    Ok(())
}

#[cfg(test)]
mod tests;
