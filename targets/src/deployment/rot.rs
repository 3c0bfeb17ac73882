//! The files of the servers of a deployment: kept, left to rot, and put back; while the server is not running.

use super::{DeployError, Deployment, END_TIMEOUT};
use crate::agent;
use crate::cluster::Node;
use crate::remote::{CommandLine, ProcessState, RemoteError};
use crate::rot::{self, Answer, Ask, Change, Decay};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError};

/// A copy of a server's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataCopy {
    /// As they were when it was taken for later, at the beginning.
    Old,
    /// As they were before they rotted.
    Whole,
}

impl DataCopy {
    fn folder(self, node: &Node) -> PathBuf {
        node.dir.join(match self {
            DataCopy::Old => "old-data",
            DataCopy::Whole => "whole-data",
        })
    }
}

impl Deployment {
    /// Keeps a copy of the data of `node`. A server that runs stands still meanwhile: the copy is what would be left if it were
    /// killed at that moment.
    ///
    /// # Errors
    /// [`DeployError::NothingToRot`] when there is too much.
    pub async fn keep_data(&self, node: &str, copy: DataCopy) -> Result<(), DeployError> {
        let runs = self.state(node).await? == ProcessState::Running;
        if runs {
            self.pause(node).await?;
        }
        let at = &self.all()[self.place(node)?];
        let kept = self.ask_rot(at, Ask::Keep { folder: self.target.data(at), copy: copy.folder(at) }).await;
        if runs {
            self.resume(node).await?;
        }
        match kept? {
            Answer::Copied(_) => Ok(()),
            other => Err(nothing(at, other)),
        }
    }

    /// Puts a copy of the data of `node` in their place. Its server must not run.
    pub async fn put_back(&self, node: &str, copy: DataCopy) -> Result<(), DeployError> {
        let at = self.ended(node).await?;
        match self.ask_rot(at, Ask::PutBack { folder: self.target.data(at), copy: copy.folder(at) }).await? {
            Answer::Copied(_) => {
                self.all_rotten().remove(node);
                Ok(())
            }
            other => Err(nothing(at, other)),
        }
    }

    /// Removes a copy, if there is one.
    pub async fn drop_copy(&self, node: &str, copy: DataCopy) -> Result<(), DeployError> {
        let at = &self.all()[self.place(node)?];
        let command = CommandLine::new(["rm", "-rf", "--", &copy.folder(at).display().to_string()]);
        at.remote.run(&command, END_TIMEOUT).await?.expect_success(&at.name, &command)?;
        Ok(())
    }

    /// Whether `node` has files that can rot: those that `files` names in its data, or where it names none the target's journal.
    ///
    /// # Errors
    /// [`DeployError::NothingToRot`] when it has not.
    pub async fn can_rot(&self, node: &str, files: Option<&str>) -> Result<(), DeployError> {
        let at = &self.all()[self.place(node)?];
        let files = files.unwrap_or(self.target.journal()).to_owned();
        let nothing_matches = Answer::Nothing(format!("no file of its data matches {files}"));
        match self.ask_rot(at, Ask::Count { folder: self.target.data(at), files }).await? {
            Answer::Counted(0) => Err(nothing(at, nothing_matches)),
            _ => Ok(()),
        }
    }

    /// Lets files of `node` rot, whose server must not run: those that `files` names in its data, or where it names none the
    /// target's journal; an old copy replaces everything then. Returns what has changed.
    ///
    /// # Errors
    /// [`DeployError::NothingToRot`] when the files do not allow it.
    pub async fn rot(
        &self,
        node: &str,
        decay: Decay,
        files: Option<&str>,
        seed: u64,
    ) -> Result<Vec<Change>, DeployError> {
        let at = self.ended(node).await?;
        let usual = if decay == Decay::Restore { "**" } else { self.target.journal() };
        let (folder, files, copy) = (self.target.data(at), files.unwrap_or(usual).to_owned(), DataCopy::Old.folder(at));
        match self.ask_rot(at, Ask::Rot { folder, files, decay, copy, seed }).await? {
            Answer::Changed(changes) => {
                self.all_rotten().insert(node.into(), changes.clone());
                Ok(changes)
            }
            other => Err(nothing(at, other)),
        }
    }

    /// What `node` has written of what it promised to anybody, as a number that changes when it promises more.
    pub async fn promised(&self, node: &str) -> Result<u64, DeployError> {
        let at = &self.all()[self.place(node)?];
        let files = self.target.promises().into_iter().map(String::from).collect();
        match self.ask_rot(at, Ask::Mark { folder: self.target.data(at), files }).await? {
            Answer::Marked(mark) => Ok(mark),
            other => Err(nothing(at, other)),
        }
    }

    /// What has rotted of `node`, and was neither undone nor put back.
    pub fn rotten(&self, node: &str) -> Vec<Change> {
        self.all_rotten().get(node).cloned().unwrap_or_default()
    }

    fn all_rotten(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Change>>> {
        self.rotten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Flips bits of `node` back that [`Deployment::rot`] has flipped, where they are still as it left them; its server may run.
    /// Returns what was undone.
    pub async fn flip_back(&self, node: &str) -> Result<Vec<Change>, DeployError> {
        let at = &self.all()[self.place(node)?];
        let changes = self.all_rotten().remove(node).unwrap_or_default();
        match self.ask_rot(at, Ask::FlipBack { folder: self.target.data(at), changes }).await? {
            Answer::Changed(undone) => Ok(undone),
            other => Err(nothing(at, other)),
        }
    }

    /// The node, whose server has ended.
    async fn ended(&self, node: &str) -> Result<&Node, DeployError> {
        match self.state(node).await? {
            ProcessState::Gone { .. } => Ok(&self.all()[self.place(node)?]),
            state => Err(DeployError::NotEnded { node: node.into(), state }),
        }
    }

    async fn ask_rot(&self, node: &Node, ask: Ask) -> Result<Answer, DeployError> {
        let refused = |reason: String| {
            DeployError::from(RemoteError::Refused { node: node.name.clone(), what: "let files rot".into(), reason })
        };
        let asked = serde_json::to_vec(&ask).map_err(|error| refused(error.to_string()))?;
        let command = CommandLine::new(["/proc/self/exe", agent::ARGUMENT, rot::ARGUMENT]).reading(asked);
        let output = node.remote.run(&command, END_TIMEOUT).await?.expect_success(&node.name, &command)?;
        serde_json::from_slice(&output.stdout).map_err(|error| refused(format!("no answer: {error}")))
    }
}

fn nothing(node: &Node, answer: Answer) -> DeployError {
    let reason = match answer {
        Answer::Nothing(reason) => reason,
        other => format!("it answered {other:?}"),
    };
    DeployError::NothingToRot { node: node.name.clone(), reason }
}
