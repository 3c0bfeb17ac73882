//! The power goes: the folder becomes what the disk has.

use super::Volume;
use crate::disk::contents::Image;
use crate::disk::kept::Piece;
use crate::disk::names::Names;
use crate::disk::tear::tear;
use crate::disk::{Ino, Model, ROOT};
use nix::fcntl::{AtFlags, renameat};
use nix::unistd::linkat;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;

/// Zeros that are written at once.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// What was lost with the power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Loss {
    /// Bytes that were written but not synced.
    pub bytes: u64,
    /// The files in which they were.
    pub files: u64,
    /// Names that stand for what they stood for before.
    pub names: u64,
    /// Files of which a part of the last write is there.
    pub torn: u64,
}

impl Volume {
    /// Makes the folder what the disk has of it. With `torn` a seed, parts of the last write to each file are there, drawn
    /// from it; under `ext4-ordered` the journal is through then.
    pub(in crate::disk) fn cut_power(&mut self, torn: Option<u64>) -> io::Result<Loss> {
        if torn.is_some() && self.model == Model::Ext4Ordered {
            self.commit(self.names.at());
        }
        let mut loss = Loss::default();
        let lost = self.names.lost();
        loss.names = lost.len() as u64;
        self.undo_names(lost)?;
        let mut rng = torn.map(ChaCha8Rng::seed_from_u64);
        let mut inos: Vec<Ino> = self.nodes.keys().copied().collect();
        inos.sort_unstable(); // a seed draws the same for the same files
        for ino in inos {
            self.undo_contents(ino, rng.as_mut(), &mut loss)?;
        }
        self.nodes.retain(|ino, _| *ino == ROOT);
        self.names = Names::default();
        self.cuts += 1;
        self.empty_attic()?;
        Ok(loss)
    }

    /// Lets every name stand for what it stands for on the disk. First all are taken away that stand for something else, so
    /// that what they stand for lies in the attic; then each is given.
    fn undo_names(&mut self, lost: BTreeMap<(Ino, OsString), Option<Ino>>) -> io::Result<()> {
        for ((folder, name), on_disk) in &lost {
            if let Some((now, stat)) = self.find(*folder, name)?.filter(|(now, _)| Some(*now) != *on_disk) {
                self.take_away(*folder, name, now, &stat)?;
            }
        }
        for ((folder, name), on_disk) in lost {
            let Some(ino) = on_disk else { continue };
            let (parent, node, in_attic) = (self.folder(folder)?, self.node(ino)?, ino.to_string());
            if node.is_folder {
                // A folder has one name only: where the disk has it twice, it is where it was put last. One that would lie
                // within itself is lost.
                let _ = renameat(&self.attic, in_attic.as_str(), &*parent, name.as_os_str());
            } else if linkat(&self.attic, in_attic.as_str(), &*parent, name.as_os_str(), AtFlags::empty()).is_err() {
                super::folders::link_open(&node.file, &parent, &name)?;
            }
        }
        Ok(())
    }

    fn undo_contents(&mut self, ino: Ino, rng: Option<&mut ChaCha8Rng>, loss: &mut Loss) -> io::Result<()> {
        let model = self.model;
        let node = self.node_mut(ino)?;
        let Some(mut contents) = node.contents.take() else { return Ok(()) };
        let length = node.file.metadata()?.len();
        if contents.is_clean(length) {
            return Ok(());
        }
        let left = rng.and_then(|rng| Some(tear(model, contents.disk_len(), contents.last_write()?, rng)));
        if let Some(left) = &left {
            contents.leave(left);
            loss.torn += u64::from(!left.bytes.is_empty());
        }
        let image = contents.image();
        loss.bytes += image.lost_bytes;
        loss.files += u64::from(image.lost_bytes > 0);
        restore(&node.file, length, &image)
    }

    /// Removes all that is in the attic.
    pub(super) fn empty_attic(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.attic_path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
        }
        Ok(())
    }
}

/// Makes of a file of `length` bytes what the disk has.
fn restore(file: &File, length: u64, image: &Image) -> io::Result<()> {
    if image.length > length {
        file.set_len(image.length)?;
    }
    for (at, piece) in &image.pieces {
        match piece {
            Piece::Bytes(bytes) => file.write_all_at(bytes, *at)?,
            Piece::Zeros(length) => {
                let mut done = 0;
                while done < *length {
                    let part = (length - done).min(ZEROS.len() as u64);
                    file.write_all_at(&ZEROS[..part as usize], at + done)?;
                    done += part;
                }
            }
        }
    }
    file.set_len(image.length)
}
