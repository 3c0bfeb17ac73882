//! The logs of a node's servers, brought to the controller as they grow.
//!
//! On the node the executable reads along and says what is new, in frames; a thread of the controller writes it down. When the
//! connection breaks it connects again and goes on where it was.

use super::connection::Connection;
use crate::agent::protocol::{self, Unframer};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The argument after [`crate::agent::ARGUMENT`] that makes the executable follow logs: a folder, and `NAME=BYTES` for what is known.
pub(crate) const ARGUMENT: &str = "follow";

/// How often it is looked for something new.
const LOOK_EVERY_MS: u16 = 20;

/// The most that is said at once.
const PART_BYTES: u64 = 256 << 10;

/// How long nothing may come of the rest once everything has ended.
const REST_TIMEOUT: Duration = Duration::from_secs(5);

/// How often it connects again without having got anything.
const TRIES: u32 = 3;

/// Some of a log.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    name: String,
    bytes: Vec<u8>,
}

/// Follows until the input ends, and then to the end of what is there.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter();
    let folder = PathBuf::from(args.next().unwrap_or_default());
    let known = args.filter_map(|argument| {
        let (name, bytes) = argument.to_str()?.rsplit_once('=')?;
        Some((name.to_owned(), bytes.parse().ok()?))
    });
    match say_all(&folder, known.collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("squall: follow the logs in {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn say_all(folder: &Path, mut known: BTreeMap<String, u64>) -> io::Result<()> {
    let (mut out, input) = (io::stdout().lock(), io::stdin());
    loop {
        let is_last = {
            let mut fds = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::from(LOOK_EVERY_MS))? > 0 && io::stdin().read(&mut [0; 64])? == 0
        };
        while say_new(folder, &mut known, &mut out)? {}
        out.flush()?;
        if is_last {
            return Ok(());
        }
    }
}

/// Says some of what is new; whether there was anything.
fn say_new(folder: &Path, known: &mut BTreeMap<String, u64>, out: &mut impl Write) -> io::Result<bool> {
    let mut any = false;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.extension().is_none_or(|extension| extension != "log") || !entry.file_type()?.is_file() {
            continue;
        }
        let at = known.entry(name.clone()).or_default();
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(*at))?;
        let mut bytes = Vec::new();
        file.take(PART_BYTES).read_to_end(&mut bytes)?;
        if !bytes.is_empty() {
            *at += bytes.len() as u64;
            out.write_all(&protocol::frame(&Part { name, bytes })?)?;
            any = true;
        }
    }
    Ok(any)
}

/// Brings the logs of one node.
pub(super) struct Follower {
    pub connection: Connection,
    /// What starts the node's end of it; names of logs and what is known of them are added.
    pub command: String,
    /// Where the logs are kept.
    pub folder: PathBuf,
    /// Tells that everything on the node has ended.
    pub ended: Arc<AtomicBool>,
    /// Connects anew.
    pub open: Box<dyn Fn() -> Result<Connection, String> + Send>,
}

/// What has been brought so far.
#[derive(Default)]
struct Kept {
    bytes: BTreeMap<String, u64>,
    files: BTreeMap<String, File>,
}

impl Follower {
    /// Brings until everything has ended and the rest is there. Returns the connection, for what is still to be done.
    pub(super) fn start(self, name: &str) -> io::Result<JoinHandle<Result<Connection, String>>> {
        thread::Builder::new().name(format!("logs {name}")).spawn(move || self.bring())
    }

    fn bring(mut self) -> Result<Connection, String> {
        let (mut kept, mut tries) = (Kept::default(), 0);
        loop {
            let before: u64 = kept.bytes.values().sum();
            let Err(reason) = self.bring_once(&mut kept) else { return Ok(self.connection) };
            tries = if kept.bytes.values().sum::<u64>() > before { 0 } else { tries + 1 };
            if tries >= TRIES {
                return Err(reason);
            }
            tracing::warn!(folder = %self.folder.display(), reason, "the logs are followed by a new connection");
            self.connection = (self.open)()?;
        }
    }

    fn bring_once(&self, kept: &mut Kept) -> Result<(), String> {
        let known = kept.bytes.iter().map(|(name, bytes)| format!(" {}", super::quoted(&format!("{name}={bytes}"))));
        let mut channel = self.connection.begin(&format!("{}{}", self.command, known.collect::<String>()))?;
        let session = &self.connection.session;
        let patience = session.timeout();
        // A short wait, to see whether everything has ended.
        session.set_timeout(100);
        let (mut unframer, mut part, mut since, mut has_said_eof) =
            (Unframer::default(), vec![0; 64 << 10], None, false);
        let result = loop {
            match channel.read(&mut part) {
                Ok(0) => break Ok(()),
                Ok(length) => {
                    since = None;
                    unframer.push(&part[..length]);
                    while let Some(part) = unframer.next::<Part>().map_err(|error| error.to_string())? {
                        kept.write(&self.folder, &part)?;
                    }
                }
                Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {}
                Err(error) => break Err(format!("the connection broke: {error}")),
            }
            if self.ended.load(Ordering::Acquire) {
                let since = since.get_or_insert_with(Instant::now);
                has_said_eof = has_said_eof || channel.send_eof().is_ok();
                if since.elapsed() > REST_TIMEOUT {
                    break Err(format!("nothing more came for {} s", REST_TIMEOUT.as_secs()));
                }
            }
        };
        session.set_timeout(patience);
        result?;
        let mut complaint = String::new();
        let _ = channel.stderr().read_to_string(&mut complaint); // the status tells
        let status = channel.wait_close().and_then(|()| channel.exit_status());
        match status {
            Ok(0) => Ok(()),
            Ok(status) => Err(format!("status {status}: {}", complaint.trim())),
            Err(error) => Err(format!("the connection broke: {}", error.message())),
        }
    }
}

impl Kept {
    fn write(&mut self, folder: &Path, part: &Part) -> Result<(), String> {
        let path = Path::new(&part.name);
        // The node is not asked where to write.
        if !matches!(path.components().collect::<Vec<_>>()[..], [Component::Normal(_)]) {
            return Err(format!("a log is called {:?}", part.name));
        }
        let wrong = |error: io::Error| format!("write {}: {error}", folder.join(path).display());
        if !self.files.contains_key(&part.name) {
            let file = OpenOptions::new().create(true).append(true).open(folder.join(path)).map_err(wrong)?;
            self.files.insert(part.name.clone(), file);
        }
        let Some(file) = self.files.get_mut(&part.name) else { return Ok(()) };
        file.write_all(&part.bytes).map_err(wrong)?;
        *self.bytes.entry(part.name.clone()).or_default() += part.bytes.len() as u64;
        Ok(())
    }
}
