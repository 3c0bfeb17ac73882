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

/// Writes a file whole or not at all; see [`WholeFile`].
pub fn write_whole(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = WholeFile::create(path)?;
    file.write_all(contents)?;
    file.finish()
}

/// A file that is there when it is whole: it is written beside its place, under a name that nothing else has, and renamed when
/// it is finished; dropped before, it is gone. What exists and is no file (a pipe, `/dev/stdout`) is written into, and stays
/// what it is. A link stays a link.
#[derive(Debug)]
pub struct WholeFile {
    file: File,
    /// Where it is written, and where it belongs.
    places: Option<(PathBuf, PathBuf)>,
}

impl WholeFile {
    /// Begins the file at `path`.
    ///
    /// # Errors
    /// When there can be none.
    pub fn create(path: &Path) -> io::Result<WholeFile> {
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        // What a process has open has a name there, and may be a file that somebody else goes on writing to.
        let is_open = ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder) || place.starts_with(folder));
        if is_open || fs::metadata(&place).is_ok_and(|metadata| !metadata.is_file()) {
            return Ok(WholeFile { file: File::options().write(true).open(place)?, places: None });
        }
        for number in 0.. {
            let beside = beside(&place, number);
            match File::create_new(&beside) {
                Ok(file) => return Ok(WholeFile { file, places: Some((beside, place)) }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < NAMES_MAX => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Where it is written until it is whole; `None`: in its place.
    pub fn beside(&self) -> Option<&Path> {
        self.places.as_ref().map(|(beside, _)| beside.as_path())
    }

    /// Puts the whole file into its place.
    ///
    /// # Errors
    /// When it cannot be renamed; then it is gone.
    pub fn finish(mut self) -> io::Result<()> {
        let Some((beside, place)) = self.places.take() else { return Ok(()) };
        fs::rename(&beside, place).inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(beside) = self.beside() {
            let _ = fs::remove_file(beside);
        }
    }
}

/// How many names are tried. Of processes that were killed some may be left.
const NAMES_MAX: u32 = 100;

/// A name beside that of a file which no other file has and no other process takes.
fn beside(place: &Path, number: u32) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{number}.partial", std::process::id()));
    place.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsRawFd;

    /// A folder of this test alone, which it removes.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("squall-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn names(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn neighbours_are_left_alone() {
        let folder = Folder::new("neighbours");
        let at = |name: &str| folder.0.join(name);
        fs::write(at("page.partial"), "somebody's").unwrap();
        fs::write(beside(&at("page.html"), 0), "left by one that was killed").unwrap();
        write_whole(&at("page.html"), b"first").unwrap();
        std::os::unix::fs::symlink(at("page.html"), at("link")).unwrap();
        write_whole(&at("link"), b"second").unwrap();
        assert_eq!(fs::read_to_string(at("page.html")).unwrap(), "second");
        assert_eq!(fs::read_to_string(at("page.partial")).unwrap(), "somebody's");
        assert!(at("link").is_symlink());
        let left = beside(Path::new("page.html"), 0).display().to_string();
        assert_eq!(folder.names(), ["link", "page.html", &left, "page.partial"]);
    }

    #[test]
    fn what_is_not_finished_is_gone() {
        let folder = Folder::new("unfinished");
        let path = folder.0.join("page.html");
        fs::write(&path, "old").unwrap();
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(folder.names().len(), 2);
        drop(file);
        assert_eq!((folder.names(), fs::read_to_string(&path).unwrap()), (vec!["page.html".into()], "old".into()));
    }

    #[test]
    fn what_is_no_file_is_written_into() {
        let folder = Folder::new("pipe");
        let link = folder.0.join("link");
        let (mut reader, writer) = io::pipe().unwrap();
        let open = PathBuf::from(format!("/proc/self/fd/{}", writer.as_raw_fd()));
        std::os::unix::fs::symlink(&open, &link).unwrap();
        write_whole(&open, b"by its name, ").unwrap();
        write_whole(&link, b"by a link").unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), folder.names()), ("by its name, by a link", vec!["link".into()]));
        assert!(link.is_symlink());
    }
}
