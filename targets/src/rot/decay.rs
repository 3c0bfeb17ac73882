//! How files rot: what is drawn, what is written, and that it is there.

use super::{Answer, Change, Decay, What, pattern, tree};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

/// Lets the files of `folder` rot that `files` names.
pub(super) fn rot(folder: &Path, files: &str, decay: Decay, copy: &Path, seed: u64) -> io::Result<Answer> {
    if decay == Decay::Restore {
        return restore(folder, files, copy);
    }
    let Some((name, mut file)) = newest(folder, files)? else {
        return Ok(Answer::Nothing(format!("no file matches {files}")));
    };
    let written = tree::written(&mut file)?;
    let changes = match decay {
        Decay::Flip { bits } if u64::from(bits) > 8 * (written / 2) => {
            return Ok(Answer::Nothing(format!("{name} holds {written} bytes, too few to flip {bits} bits")));
        }
        Decay::Flip { bits } => flip(&file, bits, written, seed)?,
        Decay::Truncate { bytes } if bytes > written => {
            return Ok(Answer::Nothing(format!("{name} holds {written} bytes, too few to lose {bytes}")));
        }
        Decay::Truncate { bytes } => {
            file.set_len(written - bytes)?;
            vec![What::Length { before: Some(written), after: Some(file.metadata()?.len()) }]
        }
        Decay::Restore => Vec::new(),
    };
    file.sync_all()?;
    Ok(Answer::Changed(changes.into_iter().map(|what| Change { file: name.clone(), what }).collect()))
}

/// The file that was written last, by its path in the folder; of several, the last by name.
fn newest(folder: &Path, files: &str) -> io::Result<Option<(String, File)>> {
    let mut found: Vec<(SystemTime, String)> = Vec::new();
    for file in tree::files(folder)?.into_iter().filter(|file| pattern::matches(files, file)) {
        found.push((fs::symlink_metadata(folder.join(&file))?.modified()?, file));
    }
    let Some((_, name)) = found.into_iter().max() else { return Ok(None) };
    let file = open(&folder.join(&name))?;
    Ok(Some((name, file)))
}

/// Opens a file that is there, and no link.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOFOLLOW).open(path)
}

fn flip(file: &File, bits: u32, written: u64, seed: u64) -> io::Result<Vec<What>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut places = BTreeSet::new();
    while places.len() < bits as usize {
        places.insert((rng.random_range(0..written / 2), rng.random_range(0..8_u32)));
    }
    let offsets: BTreeSet<u64> = places.iter().map(|(at, _)| *at).collect();
    let flipped = offsets.into_iter().map(|at| {
        let mask = places.iter().filter(|place| place.0 == at).fold(0, |mask, (_, bit)| mask | 1_u8 << bit);
        let before = byte(file, at)?;
        file.write_all_at(&[before ^ mask], at)?;
        Ok(What::Byte { at, before, after: byte(file, at)?, written })
    });
    flipped.collect()
}

fn byte(file: &File, at: u64) -> io::Result<u8> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    Ok(byte[0])
}

/// Undoes what [`flip`] did to files that are still there, where nobody has written since. Returns what it has undone.
pub(super) fn flip_back(folder: &Path, changes: &[Change]) -> io::Result<Vec<Change>> {
    let mut undone = Vec::new();
    for change in changes {
        let What::Byte { at, before, after, written } = change.what else { continue };
        let file = match open(&folder.join(&change.file)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() > at && byte(&file, at)? == after {
            file.write_all_at(&[before], at)?;
            file.sync_all()?;
            let what = What::Byte { at, before: after, after: byte(&file, at)?, written };
            undone.push(Change { file: change.file.clone(), what });
        }
    }
    Ok(undone)
}

/// The files that `files` names are what they are in the copy: changed, there again, or gone.
fn restore(folder: &Path, files: &str, copy: &Path) -> io::Result<Answer> {
    let all: BTreeSet<String> = tree::files(folder)?.into_iter().chain(tree::files(copy)?).collect();
    let mut changes = Vec::new();
    for file in all.into_iter().filter(|file| pattern::matches(files, file)) {
        let (here, there) = (folder.join(&file), copy.join(&file));
        let (before, old) = (length(&here)?, length(&there)?);
        if before.is_some() && old.is_some() && fs::read(&here)? == fs::read(&there)? {
            continue;
        }
        match old {
            Some(_) => {
                if let Some(parent) = here.parent() {
                    fs::create_dir_all(parent)?;
                }
                tree::copy(&there, &here)?;
            }
            None => fs::remove_file(&here)?,
        }
        if let Some(parent) = here.parent() {
            File::open(parent)?.sync_all()?;
        }
        changes.push(Change { file, what: What::Length { before, after: length(&here)? } });
    }
    match changes.is_empty() {
        true => Ok(Answer::Nothing(format!("nothing that matches {files} has changed since the copy"))),
        false => Ok(Answer::Changed(changes)),
    }
}

/// How many bytes of a file were written; none where it is not there.
fn length(path: &Path) -> io::Result<Option<u64>> {
    match File::open(path) {
        Ok(mut file) => tree::written(&mut file).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
