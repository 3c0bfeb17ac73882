//! `squall merge`: the shards of a campaign as one.

use super::campaign::{self, Known};
use super::{MergeArgs, fail};
use crate::campaign::folder::{Agenda, FolderError};
use crate::campaign::outcome::{CaseOutcome, End};
use crate::campaign::summary::relative;
use crate::campaign::{CampaignFolder, Case};
use crate::exit::Exit;

pub(super) fn main(args: &MergeArgs) -> Exit {
    let (shards, known) = match shards(args).and_then(|shards| Ok((shards, campaign::stated(args.against.as_deref())?)))
    {
        Ok(both) => both,
        Err(error) => return fail(Exit::Usage, &error),
    };
    match merge(args, &shards, known) {
        Ok(exit) => exit,
        Err(error) => fail(Exit::Failed, &error),
    }
}

/// Folders of one and the same campaign.
fn shards(args: &MergeArgs) -> Result<Vec<(CampaignFolder, Agenda)>, String> {
    let mut shards: Vec<(CampaignFolder, Agenda)> = Vec::new();
    for path in &args.folders {
        let folder = CampaignFolder::at(path.canonicalize().unwrap_or_else(|_| path.clone()));
        let agenda = folder.agenda().map_err(|error| error.to_string())?;
        if let Some((first, theirs)) = shards.first()
            && (theirs.cases != agenda.cases || theirs.seed != agenda.seed)
        {
            let (first, path) = (first.root().display(), path.display());
            return Err(format!("{first} and {path} are no shards of one campaign: their cases are not the same"));
        }
        shards.push((folder, agenda));
    }
    Ok(shards)
}

/// A campaign of its own, with the outcomes of all shards; it can be resumed as any other.
fn merge(args: &MergeArgs, shards: &[(CampaignFolder, Agenda)], known: Option<Known>) -> Result<Exit, String> {
    let Some((first, theirs)) = shards.first() else { return Err("there is nothing to merge".into()) };
    let began_unix_ms = shards.iter().map(|(_, agenda)| agenda.began_unix_ms).min().unwrap_or(theirs.began_unix_ms);
    let agenda = Agenda { shard: None, began_unix_ms, ..theirs.clone() };
    let text = first.text().map_err(|error| error.to_string())?;
    let folder = CampaignFolder::begin(&args.store, &agenda, &text).map_err(|error| error.to_string())?;
    let _lock = folder.lock().map_err(|error| error.to_string())?;
    for case in &agenda.cases {
        let Some((from, outcome)) = best(shards, case).map_err(|error| error.to_string())? else { continue };
        let outcome = from_there(outcome, &folder, from, case)?;
        folder.write_outcome(case, &outcome).map_err(|error| error.to_string())?;
    }
    campaign::finish(&folder, &agenda, None, known)
}

/// The outcome of a case: where several folders have one, the first with a verdict.
fn best<'a>(
    shards: &'a [(CampaignFolder, Agenda)],
    case: &Case,
) -> Result<Option<(&'a CampaignFolder, CaseOutcome)>, FolderError> {
    let mut failed = None;
    for (folder, _) in shards {
        match folder.outcome(case)? {
            Some(outcome) if outcome.verdict().is_some() => return Ok(Some((folder, outcome))),
            Some(outcome) => failed = failed.or(Some((folder, outcome))),
            None => {}
        }
    }
    Ok(failed)
}

/// The outcome for the merged folder, whose run stays where it is.
fn from_there(
    mut outcome: CaseOutcome,
    folder: &CampaignFolder,
    from: &CampaignFolder,
    case: &Case,
) -> Result<CaseOutcome, String> {
    let here = folder.case(case);
    std::fs::create_dir_all(&here).map_err(|error| format!("cannot make the folder {}: {error}", here.display()))?;
    if let End::Judged(verdict) = &mut outcome.end {
        verdict.run = relative(&here, &from.case(case).join(&verdict.run)).display().to_string();
    }
    Ok(outcome)
}
