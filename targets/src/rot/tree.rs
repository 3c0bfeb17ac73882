//! Folders with all that is in them: listed, measured, and put in each other's place. Links are passed over.

use super::pattern;
use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What is read at once.
const CHUNK: usize = 64 << 10;

/// The files in a folder and in those below it, by their paths within it, in order.
pub(super) fn files(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    collect(folder, "", &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        // Of a link, what it is itself.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), found)?;
        } else if kind.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

/// How many bytes the files in a folder take on the disk.
pub(super) fn bytes(folder: &Path) -> io::Result<u64> {
    files(folder)?.into_iter().map(|file| Ok(fs::symlink_metadata(folder.join(file))?.blocks() * 512)).sum()
}

/// Puts all files and folders of `source` in the place of those of `folder`, which itself stays; and syncs them. Returns how many
/// bytes were written.
pub(super) fn replace(folder: &Path, source: &Path) -> io::Result<u64> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
    }
    copy_all(source, folder)
}

fn copy_all(source: &Path, folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(source)? {
        let entry = entry?;
        let (from, to, kind) = (entry.path(), folder.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            fs::create_dir(&to)?;
            fs::set_permissions(&to, fs::metadata(&from)?.permissions())?;
            bytes += copy_all(&from, &to)?;
        } else if kind.is_file() {
            bytes += copy(&from, &to)?;
        }
    }
    File::open(folder)?.sync_all()?;
    Ok(bytes)
}

/// Copies a file with its time of change, but for what is zeros in it, which becomes a hole; and syncs it. Returns how many bytes were written.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    let mut source = File::open(from)?;
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).custom_flags(libc::O_NOFOLLOW).open(to)?;
    let (mut chunk, mut at, mut written) = (vec![0; CHUNK], 0, 0);
    loop {
        let length = match source.read(&mut chunk)? {
            0 => break,
            length => length,
        };
        if chunk[..length].iter().any(|byte| *byte != 0) {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&chunk[..length])?;
            written += length as u64;
        }
        at += length as u64;
    }
    file.set_len(at)?;
    let metadata = source.metadata()?;
    file.set_permissions(metadata.permissions())?;
    // Last, since writing sets it too. Whoever looks for the file that was written last looks at it.
    file.set_modified(metadata.modified()?)?;
    file.sync_all()?;
    Ok(written)
}

/// What the files hold that match one of these patterns, with their names, as a number: of others it is another one, by all odds.
pub(super) fn mark(folder: &Path, patterns: &[String]) -> io::Result<u64> {
    let mut mark = DefaultHasher::new();
    let matches = |file: &String| patterns.iter().any(|pattern| pattern::matches(pattern, file));
    for name in files(folder)?.into_iter().filter(matches) {
        name.hash(&mut mark);
        // What is preallocated is no matter.
        let mut file = File::open(folder.join(&name))?;
        let written = written(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        let (mut rest, mut chunk) = (file.take(written), vec![0; CHUNK]);
        loop {
            match rest.read(&mut chunk)? {
                0 => break,
                length => mark.write(&chunk[..length]),
            }
        }
        written.hash(&mut mark);
    }
    Ok(mark.finish())
}

/// How many bytes of a file were written: all up to the last one that is not zero.
pub(super) fn written(file: &mut File) -> io::Result<u64> {
    let (mut chunk, mut at, mut written) = (vec![0; CHUNK], 0, 0);
    file.seek(SeekFrom::Start(0))?;
    loop {
        let length = match file.read(&mut chunk)? {
            0 => return Ok(written),
            length => length,
        };
        if let Some(last) = chunk[..length].iter().rposition(|byte| *byte != 0) {
            written = at + last as u64 + 1;
        }
        at += length as u64;
    }
}
