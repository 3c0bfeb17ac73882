//! Which changes of folders are not on the disk.
//!
//! Every change of a name is noted with what stood there before, until it is on the disk. What is not when the power goes
//! is undone: each name then stands for what it stood for before the first change that was lost.
//!
//! - `ext4-ordered`: changes go through one journal in their order; what commits one commits all before it.
//! - `posix`: a change is on the disk when its folder was synced, and the changes of other folders need not be.
//!
//! Pure: files and folders are numbers.

use super::Ino;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

/// A name of a folder that stands for something else than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// Its place in the journal.
    pub at: u64,
    pub folder: Ino,
    pub name: OsString,
    pub before: Option<Ino>,
    pub after: Option<Ino>,
}

/// The changes that are not on the disk, in their order.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The place of the last change in the journal; lengths of files have their places there too.
    at: u64,
    changes: Vec<Change>,
}

impl Names {
    /// The place of the last change.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// The place of a new change.
    pub(super) fn next(&mut self) -> u64 {
        self.at += 1;
        self.at
    }

    /// Notes a change at the last place; the names that are changed together share it.
    pub(super) fn note(&mut self, folder: Ino, name: &OsStr, before: Option<Ino>, after: Option<Ino>) {
        let (at, name) = (self.at, name.to_owned());
        self.changes.push(Change { at, folder, name, before, after });
    }

    /// The journal is on the disk up to and with the change `through`. Returns what is no longer needed to undo anything.
    pub(super) fn commit(&mut self, through: u64) -> BTreeSet<Ino> {
        self.take(|change| change.at <= through)
    }

    /// The changes of a folder up to and with `through` are on the disk, and no others.
    pub(super) fn sync_folder(&mut self, folder: Ino, through: u64) -> BTreeSet<Ino> {
        self.take(|change| change.folder == folder && change.at <= through)
    }

    fn take(&mut self, is_on_disk: impl Fn(&Change) -> bool) -> BTreeSet<Ino> {
        let taken: Vec<Change> = self.changes.extract_if(.., |change| is_on_disk(change)).collect();
        let removed = taken.iter().filter_map(|change| change.before);
        removed.filter(|ino| !self.is_needed(*ino)).collect()
    }

    /// Whether undoing a change would bring this back.
    pub(super) fn is_needed(&self, ino: Ino) -> bool {
        self.changes.iter().any(|change| change.before == Some(ino))
    }

    /// The last change that has to do with this.
    pub(super) fn last_of(&self, ino: Ino) -> Option<u64> {
        let concerns = |change: &&Change| [Some(change.folder), change.before, change.after].contains(&Some(ino));
        self.changes.iter().rev().find(concerns).map(|change| change.at)
    }

    /// What every name stands for on the disk that stands for something else in the folder.
    pub(super) fn lost(&self) -> BTreeMap<(Ino, OsString), Option<Ino>> {
        let mut lost: BTreeMap<(Ino, OsString), (Option<Ino>, Option<Ino>)> = BTreeMap::new();
        for Change { folder, name, before, after, .. } in &self.changes {
            lost.entry((*folder, name.clone())).or_insert((*before, None)).1 = *after;
        }
        lost.into_iter().filter(|(_, (before, now))| before != now).map(|(name, (before, _))| (name, before)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(changes: &[(Ino, &str, Option<Ino>, Option<Ino>)]) -> Names {
        let mut names = Names::default();
        for (folder, name, before, after) in changes {
            names.next();
            names.note(*folder, OsStr::new(name), *before, *after);
        }
        names
    }

    fn lost(names: &Names) -> Vec<(Ino, String, Option<Ino>)> {
        let told = |((folder, name), ino): ((Ino, OsString), _)| (folder, name.to_string_lossy().into_owned(), ino);
        names.lost().into_iter().map(told).collect()
    }

    #[test]
    fn a_name_stands_for_what_it_stood_for_before_the_first_lost_change() {
        let mut names = noted(&[(1, "a", None, Some(7)), (1, "a", Some(7), Some(8)), (1, "b", Some(8), None)]);
        assert_eq!(lost(&names), [(1, "a".into(), None), (1, "b".into(), Some(8))]);
        assert_eq!(names.commit(1), BTreeSet::new(), "7 comes back if the second change is lost");
        assert_eq!(lost(&names), [(1, "a".into(), Some(7)), (1, "b".into(), Some(8))]);
        assert_eq!(names.commit(2), BTreeSet::from([7]));
        assert_eq!(lost(&names), [(1, "b".into(), Some(8))]);
    }

    #[test]
    fn a_name_that_stands_for_the_same_again_is_not_lost() {
        assert_eq!(lost(&noted(&[(1, "a", Some(7), None), (1, "a", None, Some(7))])), []);
    }

    #[test]
    fn a_folder_that_is_synced_takes_no_other_along() {
        let mut names = noted(&[(1, "a", Some(7), None), (2, "a", None, Some(7)), (1, "b", None, Some(9))]);
        assert_eq!((names.last_of(7), names.last_of(2), names.last_of(4)), (Some(2), Some(2), None));
        names.sync_folder(2, 3);
        assert_eq!(lost(&names), [(1, "a".into(), Some(7)), (1, "b".into(), None)]);
        assert_eq!(names.sync_folder(1, 1), BTreeSet::from([7]), "the last change came after");
        assert_eq!(lost(&names), [(1, "b".into(), None)]);
    }
}
