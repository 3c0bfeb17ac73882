//! The logs of the nodes: their servers write files; each line is stamped when it arrives, by squall's clock.
//!
//! Beside each log stands its stamped copy: `12.345678 <line>`, seconds since the start of the run.

use crate::clock::RunClock;
use squall_results::report::LogLine;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often the logs are looked at: the error of a stamp.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The most that is read of one log at one look; a server that writes more is stamped a little late.
const READ_MAX: usize = 1 << 20;

/// The stamped copy of the log at `path`.
pub fn stamped(path: &Path) -> PathBuf {
    path.with_extension("stamped.log")
}

/// Stamps the lines of logs as they arrive.
pub struct Tail {
    thread: JoinHandle<()>,
    closing: Arc<AtomicBool>,
}

impl Tail {
    /// Follows the logs at `paths`, which need not exist yet.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn follow(paths: Vec<PathBuf>, clock: RunClock) -> io::Result<Tail> {
        let closing = Arc::new(AtomicBool::new(false));
        let thread_closing = closing.clone();
        let thread = thread::Builder::new().name("log tail".into()).spawn(move || {
            let mut logs: Vec<Log> = paths.into_iter().map(Log::new).collect();
            loop {
                let last = thread_closing.load(Ordering::Acquire);
                let more = logs.iter_mut().fold(false, |more, log| log.look(clock.now_ns()) | more);
                match (last, more) {
                    (true, false) => return,
                    (true, true) => {}
                    (false, _) => thread::park_timeout(LOOK_EVERY),
                }
            }
        })?;
        Ok(Tail { thread, closing })
    }

    /// Stamps what has arrived and ends.
    pub fn finish(self) {
        self.closing.store(true, Ordering::Release);
        self.thread.thread().unpark();
        if self.thread.join().is_err() {
            tracing::error!("the thread that stamps log lines panicked");
        }
    }
}

struct Log {
    path: PathBuf,
    input: Option<File>,
    output: Option<BufWriter<File>>,
    /// The beginning of a line whose end has not arrived.
    rest: Vec<u8>,
}

impl Log {
    fn new(path: PathBuf) -> Log {
        Log { path, input: None, output: None, rest: Vec::new() }
    }

    /// Stamps what has arrived; whether anything had.
    fn look(&mut self, now_ns: u64) -> bool {
        self.try_look(now_ns).unwrap_or_else(|error| {
            // A log that cannot be stamped is a loss for the reader of the report only: the log itself is there.
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!(path = %self.path.display(), %error, "cannot stamp a log");
            }
            false
        })
    }

    fn try_look(&mut self, now_ns: u64) -> io::Result<bool> {
        let input = match &mut self.input {
            Some(input) => input,
            none => none.insert(File::open(&self.path)?),
        };
        let before = self.rest.len();
        input.take(READ_MAX as u64).read_to_end(&mut self.rest)?;
        if self.rest.len() == before {
            return Ok(false);
        }
        let output = match &mut self.output {
            Some(output) => output,
            none => {
                let file = OpenOptions::new().create(true).append(true).open(stamped(&self.path))?;
                none.insert(BufWriter::new(file))
            }
        };
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in self.rest[..whole].split_inclusive(|byte| *byte == b'\n') {
            write!(output, "{:.6} ", now_ns as f64 / 1e9)?;
            output.write_all(line)?;
        }
        self.rest.drain(..whole);
        output.flush()?;
        Ok(true)
    }
}

/// Reads all stamped logs in the folders of `nodes`, each node's lines in order.
pub fn read(folder: &squall_results::folder::RunFolder, nodes: &[String]) -> Vec<LogLine> {
    nodes.iter().flat_map(|node| read_node(&folder.node(node), node)).collect()
}

fn read_node(folder: &Path, node: &str) -> Vec<LogLine> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".stamped.log"));
    paths.sort();
    let texts = paths.iter().filter_map(|path| fs::read(path).ok());
    texts
        .flat_map(|text| String::from_utf8_lossy(&text).lines().map(|line| parse(line, node)).collect::<Vec<_>>())
        .collect()
}

fn parse(line: &str, node: &str) -> LogLine {
    let stamp = line.split_once(' ').and_then(|(stamp, text)| Some((stamp.parse::<f64>().ok()?, text)));
    match stamp {
        Some((at_s, text)) => LogLine { node: node.into(), at_ns: Some((at_s * 1e9) as u64), text: text.into() },
        None => LogLine { node: node.into(), at_ns: None, text: line.into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_stamped_whole_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let run = squall_results::folder::RunFolder::at(folder.path());
        let node = run.node("n1");
        fs::create_dir_all(&node).unwrap();
        let path = node.join("server.log");
        let tail = Tail::follow(vec![path.clone()], RunClock::start()).unwrap();
        let mut log = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        log.write_all(b"one\ntw").unwrap();
        log.write_all(b"o\nthree").unwrap();
        tail.finish();
        let lines = read(&run, &["n1".into(), "n2".into()]);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["one", "two"]);
        assert!(lines.iter().all(|line| line.node == "n1" && line.at_ns.is_some()));
    }

    #[test]
    fn a_long_log_is_stamped_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let lines = 3 * READ_MAX / 8;
        fs::write(&path, "a line.\n".repeat(lines)).unwrap();
        Tail::follow(vec![path.clone()], RunClock::start()).unwrap().finish();
        assert_eq!(fs::read_to_string(stamped(&path)).unwrap().lines().count(), lines);
    }
}
