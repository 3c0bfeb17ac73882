//! One try of a case: a `squall test` of its own, which dies with the campaign.

use super::case::Case;
use super::outcome::Verdict;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use squall_results::folder::RunFolder;
use squall_results::{Figures, Judgement, reader};
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A try that goes on. Its files lie in the case's folder: they are no pipes, so that nothing waits for a reader.
pub(super) struct Try {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
    /// The folder of the case.
    folder: PathBuf,
}

impl Try {
    /// Starts the case in its folder. It dies with the thread that calls this, so that must be one which lives as long as the
    /// campaign.
    pub fn start(program: &Path, case: &Case, folder: &Path, number: u8) -> Result<Try, String> {
        let failed = |what: &str, path: &Path| {
            let told = format!("cannot {what} {}", path.display());
            move |error: io::Error| format!("{told}: {error}")
        };
        fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
        let plan = folder.join("plan.yaml");
        let yaml = serde_yaml::to_string(&case.plan).map_err(|error| error.to_string())?;
        fs::write(&plan, yaml).map_err(failed("write", &plan))?;
        let (stdout, stderr) =
            (folder.join(format!("stdout-{number}.json")), folder.join(format!("stderr-{number}.log")));
        let out = File::create(&stdout).map_err(failed("write", &stdout))?;
        let err = File::create(&stderr).map_err(failed("write", &stderr))?;
        let mut command = Command::new(program);
        command.args(["test", "--json", "--plan"]).arg(&plan).arg("--store").arg(folder.join("run"));
        // A group of its own: Ctrl-C in a terminal reaches the campaign, which decides.
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        let parent = nix::unistd::getpid();
        // SAFETY: the closure makes two system calls, and nothing that could find a lock held.
        unsafe {
            command.pre_exec(move || {
                // Whoever resumes the campaign must find nothing that goes on.
                nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
                // It may have died before the kernel knew.
                if nix::unistd::getppid() == parent { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
            })
        };
        let child = command.spawn().map_err(failed("run", program))?;
        Ok(Try { child, stdout, stderr, folder: folder.to_path_buf() })
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Waits for its end, and reads what came of it: blocks.
    pub fn finish(mut self, case: &Case) -> Result<Verdict, String> {
        let status = self.child.wait().map_err(|error| format!("cannot wait for squall test: {error}"))?;
        if !matches!(status.code(), Some(0..=2)) {
            return Err(self.failure(&status.to_string(), status.code().is_some()));
        }
        let strange = |error: String| format!("squall test said what cannot be read: {error}");
        let text = fs::read(&self.stdout).map_err(|error| strange(error.to_string()))?;
        let mut json: serde_json::Value = serde_json::from_slice(&text).map_err(|error| strange(error.to_string()))?;
        let judgement: Judgement =
            serde_json::from_value(json["judgement"].take()).map_err(|error| strange(error.to_string()))?;
        let figures: Figures =
            serde_json::from_value(json["figures"].take()).map_err(|error| strange(error.to_string()))?;
        let run = PathBuf::from(json["folder"].as_str().ok_or_else(|| strange("it names no folder".into()))?);
        let history = reader::read_history(&RunFolder::at(&run).history()).map_err(|error| error.to_string())?;
        let command = json["command"].as_str().unwrap_or_default().to_owned();
        let run = run.strip_prefix(&self.folder).unwrap_or(&run).display().to_string();
        Ok(Verdict::of(case, &history, &judgement, &figures, run, command))
    }

    /// What it complained about, in a line.
    fn failure(&self, status: &str, ended: bool) -> String {
        let said = fs::read(&self.stderr).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let complaint =
            said.lines().rev().find_map(|line| line.split_once("squall: ").map(|(_, told)| told.trim().to_owned()));
        match complaint {
            Some(told) if ended => told,
            _ => format!("squall test ended by {status}; {} says more", self.stderr.display()),
        }
    }
}

/// Asks a try to end. It was not waited for when its number was kept, or has just ended.
pub(super) fn end(pid: Pid, signal: Signal) {
    let _ = kill(pid, signal);
}
