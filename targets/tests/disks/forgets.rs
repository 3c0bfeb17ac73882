//! What a loss of power leaves, under each model.

use crate::stage::Stage;
use squall_targets::disk::Model;
use std::collections::BTreeMap;

/// The steps of a program, and what is there after the power went: under `ext4-ordered`, and under `posix`.
struct Case {
    steps: &'static [&'static str],
    ext4_ordered: &'static [(&'static str, &'static str)],
    posix: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    // Nothing was synced.
    Case { steps: &["write a hello", "mkdir d", "write d/b hello"], ext4_ordered: &[], posix: &[] },
    // What was synced stays; the name of a new file needs its folder under posix.
    Case { steps: &["write a hello", "sync a", "append a more"], ext4_ordered: &[("a", "hello")], posix: &[] },
    Case {
        steps: &["write a hello", "sync a", "sync .", "append a more"],
        ext4_ordered: &[("a", "hello")],
        posix: &[("a", "hello")],
    },
    Case {
        steps: &["write a hello", "datasync a", "sync .", "write a HE"],
        ext4_ordered: &[("a", "hello")],
        posix: &[("a", "hello")],
    },
    // A sync of a folder says nothing of what is in its files.
    Case { steps: &["write a hello", "sync ."], ext4_ordered: &[("a", "")], posix: &[("a", "")] },
    // One journal: the sync of any file brings all names along, but nobody's data.
    Case {
        steps: &["write a hello", "mkdir d", "write b x", "sync b"],
        ext4_ordered: &[("a", ""), ("b", "x"), ("d", "d")],
        posix: &[],
    },
    // A file that takes another's place by rename is written before the name tells of it.
    Case {
        steps: &["write a old", "sync a", "sync .", "write t new", "rename t a"],
        ext4_ordered: &[("a", "old")],
        posix: &[("a", "old")],
    },
    Case {
        steps: &["write a old", "sync a", "sync .", "write t new", "rename t a", "write z x", "sync z"],
        ext4_ordered: &[("a", "new"), ("z", "x")],
        posix: &[("a", "old")],
    },
    Case {
        steps: &["write a old", "sync a", "sync .", "write t new", "sync t", "rename t a", "sync ."],
        ext4_ordered: &[("a", "new")],
        posix: &[("a", "new")],
    },
    // Truncated, written anew and closed: the old or the new one under ext4.
    Case {
        steps: &["write a old!", "sync a", "sync .", "replace a new"],
        ext4_ordered: &[("a", "old!")],
        posix: &[("a", "old!")],
    },
    Case {
        steps: &["write a old!", "sync a", "sync .", "replace a new", "write z x", "sync z"],
        ext4_ordered: &[("a", "new"), ("z", "x")],
        posix: &[("a", "old!")],
    },
    // A length alone goes through the journal.
    Case {
        steps: &["write a hello", "sync a", "sync .", "truncate a 2", "mkdir d", "sync d"],
        ext4_ordered: &[("a", "he"), ("d", "d")],
        posix: &[("a", "hello")],
    },
    Case {
        steps: &["preallocate a 9", "sync a", "sync .", "write a hello"],
        ext4_ordered: &[("a", "+9 zeros")],
        posix: &[("a", "+9 zeros")],
    },
    // What was removed comes back.
    Case {
        steps: &["write a hello", "sync a", "mkdir d", "sync .", "remove a", "rmdir d"],
        ext4_ordered: &[("a", "hello"), ("d", "d")],
        posix: &[("a", "hello"), ("d", "d")],
    },
    Case {
        steps: &["write a hello", "sync a", "sync .", "remove a", "sync .", "write a x"],
        ext4_ordered: &[],
        posix: &[],
    },
    // From one folder to another: posix may lose either half.
    Case {
        steps: &["write a hello", "sync a", "mkdir d", "sync .", "rename a d/a", "sync d"],
        ext4_ordered: &[("d", "d"), ("d/a", "hello")],
        posix: &[("a", "hello"), ("d", "d"), ("d/a", "hello")],
    },
    Case {
        steps: &["write a hello", "sync a", "mkdir d", "sync .", "rename a d/a", "sync ."],
        ext4_ordered: &[("d", "d"), ("d/a", "hello")],
        posix: &[("d", "d")],
    },
    // More names, and links.
    Case {
        steps: &["write a hello", "sync a", "sync .", "link a b", "remove a", "symlink b s"],
        ext4_ordered: &[("a", "hello")],
        posix: &[("a", "hello")],
    },
    Case {
        steps: &["write a hello", "sync a", "link a b", "symlink b s", "sync .", "remove b", "remove s"],
        ext4_ordered: &[("a", "hello"), ("b", "hello"), ("s", "l")],
        posix: &[("a", "hello"), ("b", "hello"), ("s", "l")],
    },
    // A file opened with O_DSYNC is synced at every write.
    Case {
        steps: &["append-dsync a one", "sync .", "append-dsync a two", "append a three"],
        ext4_ordered: &[("a", "onetwo")],
        posix: &[("a", "onetwo")],
    },
    // Past the page cache is not onto the disk.
    Case { steps: &["write-direct a", "sync ."], ext4_ordered: &[("a", "")], posix: &[("a", "")] },
    // Mapped memory is written when it is synced, and not before.
    Case {
        steps: &["write a hello", "sync a", "sync .", "map-msync a HELLO", "map a hi"],
        ext4_ordered: &[("a", "HELLO")],
        posix: &[("a", "HELLO")],
    },
];

pub async fn all(model: Model) {
    let stage = Stage::up(model).await;
    for Case { steps, ext4_ordered, posix } in CASES {
        stage.steps(steps).await;
        let before = stage.listing().await;
        let loss = stage.lose_power(None).await;
        let expected = match model {
            Model::Ext4Ordered => ext4_ordered,
            Model::Posix => posix,
        };
        let expected: BTreeMap<String, String> =
            expected.iter().map(|(path, contents)| ((*path).to_owned(), (*contents).to_owned())).collect();
        let after = stage.listing().await;
        assert_eq!(after, expected, "{model}: {steps:?}; before: {before:?}; {loss}");
        // What is there now is on the disk.
        let again = stage.lose_power(None).await;
        assert_eq!((again.bytes, again.names, stage.listing().await), (0, 0, after), "{model}: {steps:?}");
        stage.command(&["sh", "-c", &format!("rm -rf '{}'/*", stage.data().display())]).await;
        stage.steps(&["sync ."]).await;
    }
    torn(&stage).await;
}

/// Of a write that was torn some sectors are there; what was synced is there whole.
async fn torn(stage: &Stage) {
    let (old, new) = ("o".repeat(4_096), "n".repeat(4_096));
    let mut kinds = [false; 2];
    for seed in 0..4 {
        let write = |text: &str| format!("write a {text}");
        stage.steps(&[&write(&old), "sync a", "sync .", &write(&new)]).await;
        let loss = stage.lose_power(Some(seed)).await;
        let contents = stage.listing().await.remove("a").unwrap();
        assert_eq!(contents.len(), 4_096);
        for sector in contents.as_bytes().chunks(512) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is written whole or not");
            kinds[usize::from(sector[0] == b'n')] = true;
        }
        assert_eq!(loss.bytes as usize, contents.matches('o').count(), "{loss}");
    }
    assert_eq!(kinds, [true; 2], "some sectors were written and some were not");
}
