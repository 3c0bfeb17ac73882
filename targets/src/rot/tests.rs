//! Folders on the disk, and what becomes of them.

use super::*;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

const DATA: &[u8] = b"a header, and then some records of a log";

/// A folder with a log of two files, the newer one preallocated, and something else; and room for a copy.
fn stage() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let (folder, copy) = (scratch.path().join("data"), scratch.path().join("copy"));
    fs::create_dir_all(folder.join("wal")).unwrap();
    let now = SystemTime::now();
    for (name, contents, age_s) in
        [("wal/1.wal", DATA.to_vec(), 9), ("wal/0.wal", preallocated(), 1), ("id", b"7".into(), 0)]
    {
        let file = fs::File::create(folder.join(name)).unwrap();
        (&file).write_all(&contents).unwrap();
        file.set_modified(now - Duration::from_secs(age_s)).unwrap();
    }
    (scratch, folder, copy)
}

fn preallocated() -> Vec<u8> {
    let mut contents = DATA.to_vec();
    contents.resize(1 << 20, 0);
    contents
}

fn rot(folder: &Path, decay: Decay, copy: &Path, seed: u64) -> Answer {
    let (folder, files, copy) = (folder.into(), "wal/*.wal".into(), copy.into());
    act(&Ask::Rot { folder, files, decay, copy, seed }).unwrap()
}

fn changed(answer: Answer) -> Vec<Change> {
    let Answer::Changed(changes) = answer else { panic!("{answer:?}") };
    changes
}

#[test]
fn bits_flip_in_the_first_half_of_what_was_written_and_flip_back() {
    for seed in 0..40 {
        let (_scratch, folder, copy) = stage();
        let changes = changed(rot(&folder, Decay::Flip { bits: 3 }, &copy, seed));
        let mut expected = preallocated();
        let mut bits = 0;
        for change in &changes {
            let What::Byte { at, before, after, written } = change.what else { panic!("{change}") };
            assert_eq!((change.file.as_str(), written), ("wal/0.wal", DATA.len() as u64));
            assert!(at < DATA.len() as u64 / 2 && expected[at as usize] == before, "{change}");
            expected[at as usize] = after;
            bits += (before ^ after).count_ones();
        }
        assert_eq!(bits, 3, "{changes:?}");
        assert!(fs::read(folder.join("wal/0.wal")).unwrap() == expected);
        assert_eq!(fs::read(folder.join("wal/1.wal")).unwrap(), DATA);
        // Who has written since has the last word.
        if let What::Byte { at, after, .. } = changes[0].what {
            expected[at as usize] = !after;
            fs::write(folder.join("wal/0.wal"), &expected).unwrap();
        }
        let undone = changed(act(&Ask::FlipBack { folder: folder.clone(), changes: changes.clone() }).unwrap());
        assert_eq!(undone.len(), changes.len() - 1);
        let left = fs::read(folder.join("wal/0.wal")).unwrap();
        assert_eq!(left.iter().zip(preallocated()).filter(|(one, other)| **one != *other).count(), 1);
    }
}

#[test]
fn the_end_that_is_lost_is_one_that_was_written() {
    let (_scratch, folder, copy) = stage();
    let changes = changed(rot(&folder, Decay::Truncate { bytes: 7 }, &copy, 1));
    let [change] = &changes[..] else { panic!("{changes:?}") };
    let length = DATA.len() as u64;
    assert_eq!(change.what, What::Length { before: Some(length), after: Some(length - 7) });
    assert_eq!(fs::read(folder.join("wal/0.wal")).unwrap(), DATA[..DATA.len() - 7]);
    assert_eq!(change.to_string(), format!("wal/0.wal has {} bytes and had {length}", length - 7));
}

#[test]
fn an_old_copy_takes_the_place_of_what_it_names() {
    let (_scratch, folder, copy) = stage();
    act(&Ask::Keep { folder: folder.clone(), copy: copy.clone() }).unwrap();
    assert!(matches!(rot(&folder, Decay::Restore, &copy, 1), Answer::Nothing(why) if why.contains("has changed")));
    fs::write(folder.join("wal/0.wal"), b"newer").unwrap();
    fs::remove_file(folder.join("wal/1.wal")).unwrap();
    fs::write(folder.join("wal/2.wal"), b"a new one").unwrap();
    fs::write(folder.join("id"), b"8").unwrap();
    let changes = changed(rot(&folder, Decay::Restore, &copy, 1));
    let length = Some(DATA.len() as u64);
    let expected = [("wal/0.wal", Some(5), length), ("wal/1.wal", None, length), ("wal/2.wal", Some(9), None)];
    let expected =
        expected.map(|(file, before, after)| Change { file: file.into(), what: What::Length { before, after } });
    assert_eq!(changes, expected);
    assert!(fs::read(folder.join("wal/0.wal")).unwrap() == preallocated());
    assert_eq!(fs::read(folder.join("id")).unwrap(), b"8", "it was not named");
    assert!(!folder.join("wal/2.wal").exists());
}

#[test]
fn what_was_kept_is_put_back_whole_and_links_are_not_followed() {
    let (scratch, folder, copy) = stage();
    let outside = scratch.path().join("outside.wal");
    fs::write(&outside, DATA).unwrap();
    std::os::unix::fs::symlink(&outside, folder.join("wal/9.wal")).unwrap();
    let Answer::Copied(bytes) = act(&Ask::Keep { folder: folder.clone(), copy: copy.clone() }).unwrap() else {
        panic!("it is small");
    };
    assert!(bytes < 200 << 10, "{bytes} bytes: what is preallocated is not copied");
    let count = act(&Ask::Count { folder: folder.clone(), files: "wal/*.wal".into() }).unwrap();
    assert_eq!(count, Answer::Counted(2));
    changed(rot(&folder, Decay::Flip { bits: 1 }, &copy, 3));
    fs::remove_file(folder.join("id")).unwrap();
    fs::write(folder.join("more"), b"x").unwrap();
    act(&Ask::PutBack { folder: folder.clone(), copy }).unwrap();
    assert!(fs::read(folder.join("wal/0.wal")).unwrap() == preallocated());
    assert_eq!(fs::read(folder.join("id")).unwrap(), b"7");
    assert!(!folder.join("more").exists() && !folder.join("wal/9.wal").exists());
    assert_eq!(fs::read(outside).unwrap(), DATA);
}

#[test]
fn what_is_not_there_does_not_rot() {
    let (_scratch, folder, copy) = stage();
    let nothing = |decay, files: &str| {
        let (folder, copy, files) = (folder.clone(), copy.clone(), files.into());
        match act(&Ask::Rot { folder, files, decay, copy, seed: 1 }).unwrap() {
            Answer::Nothing(why) => why,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(nothing(Decay::Flip { bits: 1 }, "*.wal"), "no file matches *.wal");
    assert!(nothing(Decay::Truncate { bytes: 99 }, "wal/*").contains("too few to lose 99"));
    assert!(nothing(Decay::Flip { bits: 999 }, "wal/*").contains("too few to flip 999"));
}

#[test]
fn a_copy_that_is_put_back_has_the_times_it_had() {
    let (_scratch, folder, copy) = stage();
    let keep = |folder: &Path, copy: &Path| Ask::Keep { folder: folder.into(), copy: copy.into() };
    let times =
        || ["wal/0.wal", "wal/1.wal", "id"].map(|file| fs::metadata(folder.join(file)).unwrap().modified().unwrap());
    let before = times();
    act(&keep(&folder, &copy)).unwrap();
    // In the copy the names are in another order than the times, and on the way back everything is written anew.
    fs::write(folder.join("wal/1.wal"), "newer").unwrap();
    act(&Ask::PutBack { folder: folder.clone(), copy: copy.clone() }).unwrap();
    assert_eq!(times(), before);
    let changes = changed(rot(&folder, Decay::Flip { bits: 1 }, &copy, 1));
    assert_eq!(changes[0].file, "wal/0.wal", "the newest file is the one that was");
}

#[test]
fn a_mark_changes_with_what_was_written_to_the_files_it_is_of() {
    let (_scratch, folder, _copy) = stage();
    let mark = || {
        let files = ["wal/*.wal", "epoch"].map(String::from).into();
        let Answer::Marked(mark) = act(&Ask::Mark { folder: folder.clone(), files }).unwrap() else { panic!("a mark") };
        mark
    };
    let first = mark();
    // Other files, room that is reserved, and times are no matter.
    fs::write(folder.join("id"), "8").unwrap();
    fs::File::options().write(true).open(folder.join("wal/0.wal")).unwrap().set_len(2 << 20).unwrap();
    fs::File::open(folder.join("wal/1.wal")).unwrap().set_modified(SystemTime::now()).unwrap();
    assert_eq!(mark(), first);
    let mut seen = vec![first];
    let mut differs = |what: &str| {
        let mark = mark();
        assert!(!seen.contains(&mark), "{what}");
        seen.push(mark);
    };
    fs::OpenOptions::new().append(true).open(folder.join("wal/1.wal")).unwrap().write_all(b"more").unwrap();
    differs("a record more");
    fs::write(folder.join("epoch"), "").unwrap();
    differs("an empty file more");
    fs::rename(folder.join("wal/1.wal"), folder.join("wal/2.wal")).unwrap();
    differs("another name");
}
