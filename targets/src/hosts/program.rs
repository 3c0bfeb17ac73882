//! squall itself, copied to a machine once: by its checksum, so that it is not sent twice.

use super::connection::Connection;
use super::quoted;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How often a copy that broke off is begun again.
const TRIES: u32 = 3;

/// Where copies are kept, below the home of whoever logs in.
const FOLDER: &str = ".cache/squall";

/// An executable that is to be copied.
pub(crate) struct Program {
    path: PathBuf,
    sha256: String,
    /// Keeps the file.
    _folder: Option<tempfile::TempDir>,
}

impl Program {
    /// The executable at `path`, without what only a debugger reads where strip(1) is there to take it away.
    pub(crate) fn of(path: &Path) -> Result<Program, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
        let small = folder.path().join("squall");
        let stripped = Command::new("strip").arg("--strip-debug").arg("-o").arg(&small).arg(path).output();
        if stripped.is_ok_and(|output| output.status.success()) {
            return Ok(Program { sha256: sha256(&small)?, path: small, _folder: Some(folder) });
        }
        Ok(Program { sha256: sha256(path)?, path: path.into(), _folder: None })
    }

    /// Its path on the machine, where it is put if it is not there. `open` connects anew.
    ///
    /// # Errors
    /// Why it could not be put there.
    pub(super) fn put(
        &self,
        connection: &mut Connection,
        home: &str,
        open: &dyn Fn() -> Result<Connection, String>,
    ) -> Result<String, String> {
        let path = format!("{home}/{FOLDER}/squall-{}", &self.sha256[..16]);
        let mut tries = 1;
        loop {
            if self.is_at(connection, &path)? {
                return Ok(path);
            }
            match self.send(connection, home, &path) {
                Ok(()) => return Ok(path),
                Err((_, reason)) if tries >= TRIES => return Err(format!("{reason}; tried {tries} times")),
                Err((Broken::No, reason)) => return Err(reason),
                Err((Broken::Yes, reason)) => {
                    tracing::warn!(path, reason, "copying squall is begun again");
                    tries += 1;
                    *connection = open()?;
                }
            }
        }
    }

    fn is_at(&self, connection: &Connection, path: &str) -> Result<bool, String> {
        let ran = connection.run(&format!("sha256sum < {}", quoted(path)))?;
        Ok(ran.status == 0 && ran.stdout.starts_with(&self.sha256))
    }

    fn send(&self, connection: &Connection, home: &str, path: &str) -> Result<(), (Broken, String)> {
        let mut file = File::open(&self.path)
            .map_err(|error| (Broken::No, format!("cannot read {}: {error}", self.path.display())))?;
        let (folder, part) = (quoted(&format!("{home}/{FOLDER}")), quoted(&format!("{path}.part")));
        let keep = format!(
            "mkdir -p -m 700 {folder} && cat > {part} && chmod 755 {part} && \
             test \"$(sha256sum < {part})\" = '{}  -' && mv {part} {}",
            self.sha256,
            quoted(path)
        );
        let ran = connection.feed(&keep, &mut file).map_err(|reason| (Broken::Yes, reason))?;
        match ran.status {
            0 => Ok(()),
            status => {
                let _ = connection.run(&format!("rm -f {part}")); // a full disk is full of it
                let why = format!("status {status}: {}", ran.stderr.trim());
                Err((Broken::No, format!("copying squall to {path} failed, {why}; it needs {} MB", self.megabytes())))
            }
        }
    }

    fn megabytes(&self) -> u64 {
        self.path.metadata().map_or(0, |data| data.len().div_ceil(1_000_000))
    }
}

/// Whether the connection broke.
enum Broken {
    Yes,
    No,
}

fn sha256(path: &Path) -> Result<String, String> {
    let output = Command::new("sha256sum").arg("--").arg(path).output();
    let output = output.map_err(|error| format!("cannot start sha256sum: {error}; install coreutils"))?;
    let sum = String::from_utf8_lossy(&output.stdout).split_whitespace().next().map(str::to_owned);
    let sum = sum.filter(|sum| sum.len() == 64 && output.status.success());
    sum.ok_or_else(|| format!("sha256sum {}: {}", path.display(), String::from_utf8_lossy(&output.stderr).trim()))
}
