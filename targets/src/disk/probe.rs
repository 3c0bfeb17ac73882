//! A probe of a disk: what a server would meet now.
//!
//! The disk has a file that is in no listing and holds nothing; calls to it come by the same gate as those of servers.

use super::shell::PROBE_NAME;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

/// The argument after [`crate::agent::ARGUMENT`] that makes the executable touch a disk and tell.
pub(crate) const ARGUMENT: &str = "touch";

/// What a read, a write and a sync met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// A read of one byte.
    pub read: Touch,
    /// A write of one byte.
    pub write: Touch,
    /// An fsync.
    pub sync: Touch,
}

/// What one call met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// How long it took.
    pub micros: u64,
    /// Why it failed; none if it did not.
    pub error: Option<String>,
}

/// Touches the disk that is mounted on the folder in the arguments, and prints what it met.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let touched = args.into_iter().next().ok_or_else(|| io::Error::other("name a folder")).and_then(|folder| {
        let touched = touch(Path::new(&folder))?;
        serde_json::to_writer(io::stdout(), &touched).map_err(io::Error::from)
    });
    match touched.and_then(|()| io::stdout().flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("touch the disk: {error}");
            ExitCode::FAILURE
        }
    }
}

fn touch(folder: &Path) -> io::Result<Touched> {
    let file = File::options().read(true).write(true).open(folder.join(PROBE_NAME))?;
    Ok(Touched {
        read: timed(|| file.read_at(&mut [0], 0).map(drop)),
        write: timed(|| file.write_at(&[0], 0).map(drop)),
        sync: timed(|| file.sync_all()),
    })
}

fn timed(call: impl FnOnce() -> io::Result<()>) -> Touch {
    let begin = Instant::now();
    let error = call().err().map(|error| match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    });
    Touch { micros: begin.elapsed().as_micros() as u64, error }
}

impl Touched {
    /// The probe out of what [`run`] printed.
    pub(crate) fn parse(printed: &[u8]) -> Result<Touched, String> {
        serde_json::from_slice(printed).map_err(|error| format!("no probe of a disk: {error}"))
    }

    /// Whether nothing failed.
    pub fn is_well(&self) -> bool {
        [&self.read, &self.write, &self.sync].iter().all(|touch| touch.error.is_none())
    }
}

impl fmt::Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = [("read", &self.read), ("write", &self.write), ("fsync", &self.sync)];
        let told = calls.map(|(name, Touch { micros, error })| match error {
            Some(error) => format!("{name}: {error}"),
            None => format!("{name} {:.1} ms", *micros as f64 / 1e3),
        });
        f.pad(&told.join(", "))
    }
}
