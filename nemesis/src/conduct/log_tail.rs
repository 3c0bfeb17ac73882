//! The lines that a server writes into its log from some moment on.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// The longest line that is looked at as a whole; of a longer one each such part is.
const LINE_MAX: usize = 64 << 10;

/// The most that is read at one look.
const READ_MAX: u64 = 1 << 20;

/// How much of a line is told.
const TOLD_MAX: usize = 160;

/// A log that is read as it grows.
pub(super) struct LogTail {
    path: PathBuf,
    file: Option<File>,
    /// The beginning of a line whose end has not arrived.
    rest: Vec<u8>,
}

impl LogTail {
    /// The log at `path` from the end of its last whole line on. One that is not there yet begins when it is.
    pub fn from_now(path: PathBuf) -> LogTail {
        let file = File::open(&path).ok().and_then(|file| behind_last_line(file).ok());
        LogTail { path, file, rest: Vec::new() }
    }

    /// The first new line that is wanted, cut short for people; none so far. Lines before it are passed over, those behind it
    /// are not kept.
    pub fn find(&mut self, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
        // A log that cannot be read now may be soon.
        self.read().ok()?;
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let whole = if whole == 0 && self.rest.len() > LINE_MAX { self.rest.len() } else { whole };
        let lines = String::from_utf8_lossy(&self.rest[..whole]);
        let found = lines.lines().find(|line| is_wanted(line)).map(told);
        self.rest.drain(..whole);
        found
    }

    fn read(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::open(&self.path)?),
        };
        file.take(READ_MAX).read_to_end(&mut self.rest).map(drop)
    }
}

/// A line for people: without what would move a cursor, and not too long.
pub(crate) fn told(line: &str) -> String {
    let mut told: String = line.trim().chars().filter(|c| !c.is_control()).take(TOLD_MAX).collect();
    if line.trim().chars().count() > TOLD_MAX {
        told.push('…');
    }
    told
}

/// Moves behind the last line of a file that has an end.
fn behind_last_line(mut file: File) -> io::Result<File> {
    let length = file.metadata()?.len();
    let from = file.seek(SeekFrom::Start(length.saturating_sub(LINE_MAX as u64)))?;
    let mut end = Vec::new();
    (&mut file).take(length - from).read_to_end(&mut end)?;
    let behind = end.iter().rposition(|byte| *byte == b'\n').map_or(end.len(), |place| place + 1);
    file.seek(SeekFrom::Start(from + behind as u64))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::OpenOptions;
    use std::io::Write;

    fn holds(text: &str) -> impl Fn(&str) -> bool {
        move |line| line.contains(text)
    }

    #[test]
    fn only_whole_lines_that_come_later_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let late = LogTail::from_now(path.clone());
        std::fs::write(&path, "elected n1\nele").unwrap();
        let mut tail = LogTail::from_now(path.clone());
        let mut log = OpenOptions::new().append(true).open(&path).unwrap();
        let mut more = |text: &str| log.write_all(text.as_bytes()).unwrap();
        assert_eq!(tail.find(holds("elected")), None, "it came before");
        more("cted n2");
        assert_eq!(tail.find(holds("elected")), None, "its end is missing");
        more(" \u{1b}[2Jin term 3\nlost it\nelec");
        assert_eq!(tail.find(holds("elected")).as_deref(), Some("elected n2 [2Jin term 3"));
        more("ted n3\n");
        assert_eq!(tail.find(holds("elected")).as_deref(), Some("elected n3"));
        assert_eq!(tail.find(holds("elected")), None);
        let mut late = late;
        assert_eq!(late.find(holds("elected n1")).as_deref(), Some("elected n1"), "it was not there yet");
    }

    #[test]
    fn a_line_without_end_is_looked_at_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.log");
        let mut tail = LogTail::from_now(path.clone());
        std::fs::write(&path, format!("{}needle", "x".repeat(LINE_MAX))).unwrap();
        assert!(tail.find(holds("needle")).is_some_and(|told| told.ends_with('…')));
        assert_eq!(tail.rest.len(), 0);
    }
}
