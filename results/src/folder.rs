//! The folder of a run: which artifact lies where.

use crate::verdict::Judgement;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The folder of one run. Creating, reading and judging it are separate steps, so that each can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// The run folder at `root`, which need not exist yet.
    pub fn at(root: impl Into<PathBuf>) -> RunFolder {
        RunFolder { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The resolved plan.
    pub fn plan(&self) -> PathBuf {
        self.root.join("plan.yaml")
    }

    /// The history.
    pub fn history(&self) -> PathBuf {
        self.root.join("history.jsonl")
    }

    /// What the checkers said.
    pub fn verdict(&self) -> PathBuf {
        self.root.join("verdict.json")
    }

    /// The page for people.
    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }

    /// The plots, one SVG each.
    pub fn plots(&self) -> PathBuf {
        self.root.join("plots")
    }

    /// What one node left behind: logs and the commands run there.
    pub fn node(&self, name: &str) -> PathBuf {
        self.root.join("nodes").join(name)
    }

    /// What the controller did.
    pub fn log(&self) -> PathBuf {
        self.root.join("squall.log")
    }

    /// Writes the judgement, whole or not at all.
    pub fn write_judgement(&self, judgement: &Judgement) -> io::Result<()> {
        let text = serde_json::to_string_pretty(judgement).map_err(io::Error::other)?;
        write_whole(&self.verdict(), text.as_bytes())
    }
}

/// Writes a file whole or not at all: beside it first, then renamed over it.
pub fn write_whole(path: &Path, contents: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("partial");
    let written = File::create(&beside).and_then(|mut file| file.write_all(contents));
    written.and_then(|()| fs::rename(&beside, path)).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}
