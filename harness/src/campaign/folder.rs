//! The folder of a campaign: all of its state.
//!
//! ```text
//! store/campaigns/<name>/<UTC time>/     (<name>/latest -> the newest; of a shard <name>-1-of-2)
//!   campaign.yaml      the file as it was
//!   campaign.json      its cases, and what they were drawn from
//!   cases/<id>/        a case: outcome.json is there when it is done
//!   summary.json junit.xml summary.md index.html
//! ```

use super::case::{Case, Shard};
use super::outcome::CaseOutcome;
use crate::seed;
use serde::{Deserialize, Serialize};
use squall_results::folder::write_whole;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The folder of a campaign cannot be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The system refused a file.
    #[error("cannot {what} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file of it is none of a campaign.
    #[error("{path} is no file of a campaign of squall {version}: {reason}", path = path.display(), version = env!("CARGO_PKG_VERSION"))]
    Strange {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no campaign to resume.
    #[error("{path} holds no campaign to resume; leave --resume out to begin one", path = .0.display())]
    Nothing(PathBuf),
    /// Another process works on it.
    #[error("another squall works on {path}", path = .0.display())]
    Busy(PathBuf),
}

/// What a campaign consists of: the contents of its `campaign.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agenda {
    /// The version of squall that wrote this.
    pub squall: String,
    /// The name: that of the file, without its ending.
    pub name: String,
    /// What seeds were drawn from.
    pub seed: u64,
    /// When it began, milliseconds since 1970 UTC; for people.
    pub began_unix_ms: u64,
    /// The shard; none: all cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// All cases, those of other shards too.
    pub cases: Vec<Case>,
}

/// The folder of a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignFolder {
    root: PathBuf,
}

impl CampaignFolder {
    /// The folder at `root`.
    pub fn at(root: impl Into<PathBuf>) -> CampaignFolder {
        CampaignFolder { root: root.into() }
    }

    /// Begins a campaign in a new folder under `store`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn begin(store: &Path, agenda: &Agenda, text: &str) -> Result<CampaignFolder, FolderError> {
        let parent = place(store, &agenda.name, agenda.shard);
        fs::create_dir_all(&parent).map_err(wrong("make the folder", &parent))?;
        let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S").to_string();
        let names = std::iter::once(format!("{stamp}Z")).chain((2..).map(|number| format!("{stamp}Z-{number}")));
        for name in names {
            let folder = CampaignFolder::at(parent.join(&name));
            match fs::create_dir(&folder.root) {
                Ok(()) => {
                    folder.write("campaign.yaml", text.as_bytes())?;
                    let json = serde_json::to_string_pretty(agenda).unwrap_or_default();
                    folder.write("campaign.json", json.as_bytes())?;
                    point_to(&parent, &name);
                    return Ok(folder);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(wrong("make the folder", &folder.root)(error)),
            }
        }
        Err(FolderError::Busy(parent))
    }

    /// The newest campaign of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn newest(store: &Path, name: &str, shard: Option<Shard>) -> Result<CampaignFolder, FolderError> {
        let parent = place(store, name, shard);
        let newest = parent.join(LATEST).canonicalize().ok().filter(|path| path.join("campaign.json").exists());
        newest.map(CampaignFolder::at).ok_or(FolderError::Nothing(parent))
    }

    /// The summary of the campaign of the same name before this one, if there is one.
    pub fn previous_summary(&self) -> Option<PathBuf> {
        let own = self.root.file_name()?.to_owned();
        let siblings = fs::read_dir(self.root.parent()?).ok()?.flatten();
        let earlier =
            siblings.map(|entry| entry.path()).filter(|path| !path.is_symlink() && path.file_name() < Some(&own));
        earlier.map(|path| path.join("summary.json")).filter(|path| path.is_file()).max()
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What belongs to a case.
    pub fn case(&self, case: &Case) -> PathBuf {
        self.root.join("cases").join(case.id())
    }

    /// The text of its file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn text(&self) -> Result<String, FolderError> {
        let path = self.root.join("campaign.yaml");
        fs::read_to_string(&path).map_err(wrong("read", &path))
    }

    /// Its cases.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn agenda(&self) -> Result<Agenda, FolderError> {
        read_json(&self.root.join("campaign.json"))
    }

    /// What became of a case; none: it is not done.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn outcome(&self, case: &Case) -> Result<Option<CaseOutcome>, FolderError> {
        let path = self.case(case).join("outcome.json");
        if path.exists() { read_json(&path).map(Some) } else { Ok(None) }
    }

    /// Writes what became of a case, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_outcome(&self, case: &Case, outcome: &CaseOutcome) -> Result<(), FolderError> {
        let json = serde_json::to_string_pretty(outcome).unwrap_or_default();
        let path = self.case(case).join("outcome.json");
        write_whole(&path, json.as_bytes()).map_err(wrong("write", &path))
    }

    /// Writes a file into it, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, contents: &[u8]) -> Result<PathBuf, FolderError> {
        let path = self.root.join(name);
        write_whole(&path, contents).map_err(wrong("write", &path))?;
        Ok(path)
    }

    /// Keeps others out as long as the file that is returned is open: the kernel forgets that with the process.
    ///
    /// # Errors
    /// When another process works on it.
    pub fn lock(&self) -> Result<File, FolderError> {
        let path = self.root.join("campaign.json");
        let file = File::open(&path).map_err(wrong("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(FolderError::Busy(self.root.clone())),
            Err(TryLockError::Error(error)) => Err(wrong("lock", &path)(error)),
        }
    }
}

const LATEST: &str = "latest";

fn place(store: &Path, name: &str, shard: Option<Shard>) -> PathBuf {
    let shard = shard.map(|shard| format!("-{}-of-{}", shard.number, shard.of)).unwrap_or_default();
    store.join("campaigns").join(format!("{name}{shard}"))
}

/// Only a convenience where nobody resumes: a file system without links must not fail for it.
fn point_to(parent: &Path, name: &str) {
    let beside = parent.join(format!(".latest-{}", seed::fresh()));
    let linked = std::os::unix::fs::symlink(name, &beside);
    if linked.and_then(|()| fs::rename(&beside, parent.join(LATEST))).is_err() {
        let _ = fs::remove_file(&beside);
    }
}

fn wrong(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_path_buf();
    move |source| FolderError::Io { what, path, source }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, FolderError> {
    let text = fs::read(path).map_err(wrong("read", path))?;
    let strange = |error: serde_json::Error| FolderError::Strange { path: path.into(), reason: error.to_string() };
    serde_json::from_slice(&text).map_err(strange)
}
