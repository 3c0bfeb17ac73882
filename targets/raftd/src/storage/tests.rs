use super::memory::Memory;
use super::replay::{Line, Replay};
use super::*;
use crate::types::{Configuration, Entry, HardState, Index, MemberChange, Payload, Snapshot, Term, Ticket};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Small segments, so that a short script fills several.
const SEGMENT: u64 = 1500;

fn identity() -> Identity {
    Identity { cluster: "tests".into(), member: 2, members: [1, 2, 3].into() }
}

fn open(disk: &Memory) -> Result<(Wal<Memory>, Recovered), StorageError> {
    Wal::open(disk.clone(), &identity(), SEGMENT)
}

fn entry(index: Index, term: Term, bytes: usize) -> Entry {
    let ticket = Ticket { origin: 2, incarnation: 7, number: index };
    let payload = if bytes == 0 { Payload::Noop } else { Payload::Command { ticket, bytes: vec![b'x'; bytes] } };
    Entry { term, index, payload }
}

fn vote(term: Term, voted_for: Option<u64>) -> Record {
    Record { hard_state: Some(HardState { term, voted_for }), ..Record::default() }
}

fn append(entries: impl IntoIterator<Item = (Index, Term, usize)>) -> Record {
    let entries = entries.into_iter().map(|(index, term, bytes)| entry(index, term, bytes)).collect();
    Record { entries, ..Record::default() }
}

/// What a member writes in a short life: several records a sync, overwritten entries, segments that fill up.
fn script() -> Vec<Vec<Record>> {
    let mut script = vec![
        vec![vote(1, Some(2))],
        vec![append([(1, 1, 0)]), append([(2, 1, 30), (3, 1, 300)])],
        vec![vote(2, None), vote(2, Some(3)), append([(3, 2, 10)])],
        vec![append([(4, 2, 900), (5, 2, 5)])],
        vec![vote(3, Some(2)), append([(2, 3, 100)])],
    ];
    script.extend((3..20).map(|index| vec![append([(index, 3, 20 + 9 * index as usize)])]));
    script.push(vec![append([(20, 3, 40), (21, 3, 1100)]), vote(4, Some(1))]);
    script
}

/// What must be recovered when the first `count` records were written, one after the other.
fn after(count: usize) -> Recovered {
    let mut replay = Replay::default();
    for Record { hard_state, entries, .. } in script().concat().into_iter().take(count) {
        replay.replay(Line { hard_state, mark: None, entries }).unwrap();
    }
    Recovered { hard_state: replay.hard_state, entries: replay.entries, ..Recovered::default() }
}

/// Writes the script and counts the records that were acknowledged.
fn write(disk: &Memory) -> (usize, Result<(), StorageError>) {
    let mut acknowledged = 0;
    let outcome = open(disk).and_then(|(mut wal, _)| {
        script().iter().try_for_each(|records| {
            wal.save(records)?;
            acknowledged += records.len();
            Ok(())
        })
    });
    (acknowledged, outcome)
}

fn written() -> Memory {
    let disk = Memory::default();
    let (_, outcome) = write(&disk);
    outcome.unwrap();
    disk
}

fn segments(disk: &Memory) -> Vec<String> {
    disk.list().unwrap().into_iter().filter(|name| name.ends_with(".wal")).collect()
}

/// Recovers, goes on, and then loses power: what was recovered, and perhaps spoken of, must still be there.
#[track_caller]
fn check_settled(disk: &Memory, random: &mut ChaCha8Rng) {
    let (mut wal, found) = open(disk).unwrap();
    let (_, again) = open(&disk.after_power_cut(random)).unwrap();
    assert_eq!((again.hard_state, &again.entries), (found.hard_state, &found.entries));
    wal.save(&[vote(9, None)]).unwrap();
    let (_, again) = open(&disk.after_power_cut(random)).unwrap();
    assert_eq!((again.hard_state.term, again.entries), (9, found.entries));
}

/// Recovers, and compares with what `count` records mean. Then the log must take more, and must find that again.
#[track_caller]
fn check_holds(disk: &Memory, counts: std::ops::RangeInclusive<usize>) {
    let (mut wal, found) = open(disk).unwrap();
    let fits = |count: &usize| {
        let expected = after(*count);
        (expected.hard_state, &expected.entries) == (found.hard_state, &found.entries)
    };
    let count = counts.clone().find(fits);
    assert!(count.is_some(), "{found:?}\nis none of the states after {counts:?} records");
    wal.save(&[vote(9, None)]).unwrap();
    drop(wal);
    let (_, again) = open(disk).unwrap();
    assert_eq!((again.hard_state.term, again.entries, again.repairs), (9, found.entries, vec![]));
}

#[test]
fn what_was_saved_is_found_again() {
    let disk = written();
    assert!(segments(&disk).len() >= 3, "{:?}", segments(&disk));
    let total = script().concat().len();
    let (_, found) = open(&disk).unwrap();
    assert_eq!((found.segments, found.repairs), (segments(&disk).len() as u64, vec![]));
    check_holds(&disk, total..=total);
}

#[test]
fn the_last_segment_cut_anywhere_leaves_a_prefix() {
    let disk = written();
    let last = segments(&disk).pop().unwrap();
    let (length, total) = (disk.read(&last).unwrap().len(), script().concat().len());
    let mut repairs = 0;
    for cut in 0..length {
        let disk = disk.fork();
        disk.meddle(&last, |bytes| bytes.truncate(cut));
        repairs += usize::from(!open(&disk.fork()).unwrap().1.repairs.is_empty());
        check_holds(&disk, 5..=total - 1);
    }
    // All cuts but those between two frames are seen.
    assert!(repairs + 10 > length && repairs < length, "{repairs} of {length}");
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let disk = written();
    for name in disk.list().unwrap() {
        for at in 0..disk.read(&name).unwrap().len() {
            let disk = disk.fork();
            disk.meddle(&name, |bytes| bytes[at] ^= 1 << (at % 8));
            assert!(open(&disk).is_err(), "byte {at} of {name}");
        }
    }
}

#[test]
fn corruption_is_told_by_file_and_offset() {
    let disk = written();
    let first = segments(&disk).remove(0);
    disk.meddle(&first, |bytes| bytes[40] ^= 1);
    let error = open(&disk).unwrap_err().to_string();
    assert!(error.contains("`0000000000000001.wal` at offset 36: the record's"), "{error}");
}

#[test]
fn a_segment_that_is_not_the_last_must_be_whole() {
    let disk = written();
    let first = segments(&disk).remove(0);
    for cut in 0..disk.read(&first).unwrap().len() {
        let disk = disk.fork();
        disk.meddle(&first, |bytes| bytes.truncate(cut));
        assert!(open(&disk).is_err(), "cut at {cut}");
    }
    disk.remove(&first).unwrap();
    assert!(matches!(open(&disk), Err(StorageError::Missing { file }) if file == first));
}

#[test]
fn a_sector_of_the_last_record_that_was_never_written_is_cut_off_with_it() {
    let disk = written();
    let last = segments(&disk).pop().unwrap();
    let total = script().concat().len();
    let length = disk.read(&last).unwrap().len();
    disk.meddle(&last, |bytes| bytes[length / 512 * 512..].fill(0));
    let (_, found) = open(&disk.fork()).unwrap();
    assert!(matches!(found.repairs[..], [Repair::Tail { torn: Torn::UnwrittenSector { .. }, .. }]), "{found:?}");
    check_holds(&disk, total - 2..=total - 2);
}

#[test]
fn after_a_failure_the_log_takes_nothing_more_and_loses_nothing_acknowledged() {
    let healthy = written().operations();
    for number in 0..healthy {
        let disk = Memory::default();
        disk.fail_from(number);
        let (acknowledged, outcome) = write(&disk);
        assert!(matches!(outcome, Err(StorageError::Io { .. })), "operation {number}: {outcome:?}");
        // The request that failed may be there in part, by whole records.
        check_holds(&disk.after_kill(), acknowledged..=acknowledged + 3);
        let mut random = ChaCha8Rng::seed_from_u64(number as u64);
        for _ in 0..3 {
            check_settled(&disk.after_kill(), &mut random);
            check_holds(&disk.after_power_cut(&mut random), acknowledged..=acknowledged + 3);
        }
    }
}

#[test]
fn a_log_that_failed_once_is_stopped() {
    let disk = Memory::default();
    let (mut wal, _) = open(&disk).unwrap();
    disk.fail_from(disk.operations() + 1);
    assert!(matches!(wal.save(&[vote(1, None)]), Err(StorageError::Io { action: "sync", .. })));
    disk.fail_from(usize::MAX);
    assert!(matches!(wal.save(&[vote(1, None)]), Err(StorageError::Stopped)));
}

#[test]
fn power_cuts_in_a_row_lose_nothing_acknowledged() {
    for seed in 0..60 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut disk, mut durable, mut attempted) = (Memory::default(), 0, 0);
        for _ in 0..6 {
            disk.fail_from(disk.operations() + random.random_range(0..20));
            if let Ok((mut wal, found)) = open(&disk) {
                let term = found.hard_state.term;
                assert!(term >= durable, "seed {seed}: term {term} after {durable} was acknowledged");
                (attempted, durable) = (term, term);
                while wal.save(&[vote(attempted + 1, Some(1))]).is_ok() {
                    attempted += 1;
                    durable = attempted;
                }
                attempted += 1;
            }
            disk = disk.after_power_cut(&mut random);
            let (_, found) = open(&disk).unwrap();
            let term = found.hard_state.term;
            assert!((durable..=attempted).contains(&term), "seed {seed}: {term} of {durable}..={attempted}");
        }
    }
}

#[test]
fn a_folder_serves_one_member_only() {
    let disk = written();
    let other = Identity { member: 3, ..identity() };
    let error = Wal::open(disk.clone(), &other, SEGMENT).unwrap_err().to_string();
    let owner = "belongs to member 2 of cluster `tests` (of 1, 2, 3), not to member 3";
    assert!(error.contains(owner), "{error}");
    disk.remove("identity.json").unwrap();
    assert!(matches!(open(&disk), Err(StorageError::NoIdentity)));
}

#[test]
fn a_segment_of_another_member_is_refused() {
    let (disk, other) = (written(), Memory::default());
    Wal::open(other.clone(), &Identity { member: 3, ..identity() }, SEGMENT).unwrap();
    let bytes = other.read("0000000000000001.wal").unwrap();
    disk.meddle("0000000000000001.wal", |mine| *mine = bytes);
    assert!(matches!(open(&disk), Err(StorageError::Segment { damage: SegmentDamage::Foreign, .. })));
}

#[test]
fn records_that_contradict_each_other_are_refused() {
    for records in [
        vec![append([(2, 1, 0)])],
        vec![append([(0, 1, 0)])],
        vec![append([(1, 1, 0), (3, 1, 0)])],
        vec![append([(1, 2, 0), (2, 1, 0)])],
        vec![vote(2, None), vote(1, None)],
        vec![vote(2, Some(1)), vote(2, Some(3))],
        vec![vote(2, Some(1)), vote(2, None)],
    ] {
        let disk = Memory::default();
        open(&disk).unwrap().0.save(&records).unwrap();
        let refused = open(&disk);
        assert!(matches!(refused, Err(StorageError::Contradiction { offset: 36, .. })), "{records:?}: {refused:?}");
    }
}

#[test]
fn much_at_once_is_written_in_several_frames() {
    let disk = Memory::default();
    let (mut wal, _) = open(&disk).unwrap();
    let records = [append((1..=40).map(|index| (index, 1, 100_000))), vote(1, None)];
    let before = disk.operations();
    wal.save(&records).unwrap();
    assert!(disk.operations() > before + 6, "{} operations", disk.operations() - before);
    let (_, found) = open(&disk).unwrap();
    assert_eq!((found.hard_state.term, found.entries), (1, records[0].entries.clone()));
}

#[test]
fn a_real_folder_is_locked_and_keeps_what_was_saved() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("made/on/the/way");
    let folder = || Folder::open(&path);
    let (mut wal, _) = Wal::open(folder().unwrap(), &identity(), SEGMENT).unwrap();
    wal.save(&[vote(1, Some(2)), append([(1, 1, 5000), (2, 1, 10)])]).unwrap();
    wal.save(&[append([(2, 1, 20)])]).unwrap();
    assert_eq!(folder().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    drop(wal);
    let (_, found) = Wal::open(folder().unwrap(), &identity(), SEGMENT).unwrap();
    assert_eq!((found.hard_state.term, found.segments), (1, 2));
    assert_eq!(found.entries, [entry(1, 1, 5000), entry(2, 1, 20)]);
}

fn snapshot(last_index: Index, last_term: Term, bytes: usize) -> Snapshot {
    let configuration = Configuration::of_voters([(1, "one:1".to_owned()), (2, "two:2".to_owned())]);
    Snapshot { last_index, last_term, configuration, state: vec![b's'; bytes].into() }
}

/// Entries in several segments, with a snapshot of the first ten.
fn with_snapshot() -> Memory {
    let disk = Memory::default();
    let (mut wal, _) = open(&disk).unwrap();
    wal.save(&[vote(1, Some(2))]).unwrap();
    (1..=12).for_each(|index| wal.save(&[append([(index, 1, 700)])]).unwrap());
    wal.save_snapshot(&snapshot(10, 1, 3000)).unwrap();
    disk
}

#[test]
fn a_snapshot_takes_the_place_of_the_segments_before_it() {
    let disk = with_snapshot();
    let first = segments(&disk).remove(0);
    assert!(segment::number(&first) > Some(3), "{:?}", segments(&disk));
    let (_, found) = open(&disk).unwrap();
    assert_eq!(found.hard_state, HardState { term: 1, voted_for: Some(2) });
    assert_eq!(found.snapshot, Some(snapshot(10, 1, 3000)));
    assert_eq!((found.entries, found.repairs), (vec![entry(11, 1, 700), entry(12, 1, 700)], vec![]));
}

#[test]
fn a_newer_snapshot_takes_the_place_of_an_older_one_and_an_older_one_changes_nothing() {
    let disk = with_snapshot();
    let (mut wal, _) = open(&disk).unwrap();
    wal.save_snapshot(&snapshot(12, 1, 10)).unwrap();
    wal.save_snapshot(&snapshot(11, 1, 10)).unwrap();
    let (_, found) = open(&disk).unwrap();
    assert_eq!((found.snapshot, found.entries), (Some(snapshot(12, 1, 10)), vec![]));
    assert_eq!(disk.list().unwrap().iter().filter(|name| name.ends_with(".snap")).count(), 1);
}

#[test]
fn the_snapshot_of_another_member_makes_the_log_void() {
    let disk = with_snapshot();
    let (mut wal, _) = open(&disk).unwrap();
    let record = Record { snapshot: Some(snapshot(12, 2, 10)), ..vote(2, None) };
    wal.save(&[record, append([(13, 2, 5)])]).unwrap();
    let (_, found) = open(&disk).unwrap();
    assert_eq!(found.hard_state.term, 2);
    assert_eq!((found.snapshot, found.entries), (Some(snapshot(12, 2, 10)), vec![entry(13, 2, 5)]));
}

#[test]
fn a_snapshot_that_was_overtaken_while_it_was_written_is_thrown_away() {
    let disk = with_snapshot();
    let (mut wal, _) = open(&disk).unwrap();
    wal.snapshot_desk().prepare(&snapshot(12, 1, 10)).unwrap();
    wal.save(&[Record { snapshot: Some(snapshot(20, 2, 10)), ..vote(2, None) }]).unwrap();
    wal.adopt_snapshot(12).unwrap();
    assert!(disk.list().unwrap().iter().all(|name| !name.ends_with(".partial")));
    let (_, found) = open(&disk).unwrap();
    assert_eq!((found.snapshot, found.entries), (Some(snapshot(20, 2, 10)), vec![]));
}

/// Whatever operation fails, and whatever a power cut leaves of it: what was acknowledged is there, in one form or the other.
#[test]
fn a_crash_while_snapshots_are_written_loses_nothing() {
    let script = |disk: &Memory| -> Result<(), StorageError> {
        let (mut wal, _) = open(disk)?;
        wal.save_snapshot(&snapshot(12, 1, 2000))?;
        wal.save(&[Record { snapshot: Some(snapshot(20, 2, 2000)), ..vote(2, None) }])?;
        wal.save(&[append([(21, 2, 900)])])?;
        let desk = wal.snapshot_desk();
        desk.prepare(&snapshot(21, 2, 10))?;
        wal.save(&[append([(22, 2, 900)])])?;
        wal.adopt_snapshot(21)?;
        wal.save_snapshot(&snapshot(22, 2, 10))
    };
    let begun = with_snapshot();
    let healthy = begun.fork();
    script(&healthy).unwrap();
    for number in begun.operations()..healthy.operations() {
        let disk = begun.fork();
        disk.fail_from(number);
        assert!(script(&disk).is_err(), "operation {number}");
        let mut random = ChaCha8Rng::seed_from_u64(number as u64);
        for disk in [disk.after_kill(), disk.after_power_cut(&mut random), disk.after_power_cut(&mut random)] {
            let (mut wal, found) = open(&disk).unwrap_or_else(|error| panic!("operation {number}: {error}"));
            let reaches = found
                .entries
                .last()
                .map_or(found.snapshot.map_or(0, |snapshot| snapshot.last_index), |last| last.index);
            assert!([12, 20, 21, 22].contains(&reaches), "operation {number}: {reaches}");
            let next = append([(reaches + 1, 3, 5)]);
            wal.save(&[vote(3, None), next.clone()]).unwrap();
            drop(wal);
            let (_, again) = open(&disk).unwrap();
            assert_eq!((again.entries.last(), again.repairs), (next.entries.last(), vec![]), "operation {number}");
        }
    }
}

/// The last segment is full, so that what the log says of the snapshot of another member comes into one of its own: also when it
/// is the start after a crash that says it.
#[test]
fn a_log_that_begins_anew_in_a_new_segment_reads_back() {
    let begun = Memory::default();
    let (mut wal, _) = open(&begun).unwrap();
    wal.save(&[vote(1, Some(2)), append([(1, 1, SEGMENT as usize)])]).unwrap();
    drop(wal);
    let install =
        |disk: &Memory| open(disk)?.0.save(&[Record { snapshot: Some(snapshot(9, 1, 10)), ..Record::default() }]);
    let healthy = begun.fork();
    install(&healthy).unwrap();
    for number in begun.operations()..=healthy.operations() {
        let disk = begun.fork();
        disk.fail_from(number);
        let _ = install(&disk);
        let disk = disk.after_kill();
        let (wal, found) = open(&disk).unwrap_or_else(|error| panic!("operation {number}: {error}"));
        drop(wal);
        let (_, again) = open(&disk).unwrap_or_else(|error| panic!("once more after operation {number}: {error}"));
        assert_eq!((again.snapshot, again.entries), (found.snapshot, found.entries), "operation {number}");
        assert_eq!(again.repairs, [], "operation {number}");
    }
}

#[test]
fn a_damaged_or_missing_snapshot_is_refused() {
    let disk = with_snapshot();
    let name = disk.list().unwrap().into_iter().find(|name| name.ends_with(".snap")).unwrap();
    for at in 0..disk.read(&name).unwrap().len() {
        let disk = disk.fork();
        disk.meddle(&name, |bytes| bytes[at] ^= 1 << (at % 8));
        assert!(matches!(open(&disk), Err(StorageError::Snapshot { .. })), "byte {at}");
    }
    disk.remove(&name).unwrap();
    assert!(matches!(open(&disk), Err(StorageError::Missing { .. })));
}

#[test]
fn what_a_crash_left_of_a_snapshot_is_removed_and_told() {
    let disk = with_snapshot();
    disk.create("0000000000000012.snap.partial").unwrap();
    let (_, found) = open(&disk).unwrap();
    let file = "0000000000000012.snap.partial".to_owned();
    assert_eq!(found.repairs, [Repair::PartialSnapshot { file }]);
    assert_eq!(open(&disk).unwrap().1.repairs, []);
}

/// Sets the version of the format in a header of this length.
fn set_format(disk: &Memory, file: &str, format: u32, header_length: usize) {
    disk.meddle(file, |bytes| {
        bytes[8..12].copy_from_slice(&format.to_le_bytes());
        let end = header_length - 4;
        let checksum = crc32fast::hash(&bytes[..end]);
        bytes[end..header_length].copy_from_slice(&checksum.to_le_bytes());
    });
}

#[test]
fn files_of_older_formats_are_refused_with_a_reason() {
    for (format, read) in [(1, 3), (2, 3)] {
        let disk = written();
        set_format(&disk, "0000000000000001.wal", format, 36);
        let error = open(&disk).unwrap_err().to_string();
        let reason =
            format!("it has format {format}, this server writes and reads {read}; run the version that wrote it");
        assert!(error.contains(&reason), "{error}");
    }
    let disk = written();
    let snapshot = snapshot(2, 1, 100);
    open(&disk).unwrap().0.save_snapshot(&snapshot).unwrap();
    set_format(&disk, "0000000000000002.snap", 1, 20);
    let error = open(&disk).unwrap_err().to_string();
    assert!(error.contains("it has format 1, this server writes and reads 2"), "{error}");
}

#[test]
fn who_belongs_to_the_cluster_reads_back_from_the_log_and_from_snapshots() {
    let disk = written();
    let (mut wal, recovered) = open(&disk).unwrap();
    let last = recovered.entries.last().unwrap().clone();
    let change = MemberChange::Add { id: 4, address: "four:4".into() };
    let configuration = snapshot(1, 1, 1).configuration.after(&change);
    let payload = Payload::Configuration { ticket: None, configuration: configuration.clone() };
    let entry = Entry { term: last.term, index: last.index + 1, payload };
    wal.save(&[Record { entries: vec![entry.clone()], ..Record::default() }]).unwrap();
    drop(wal);
    let (mut wal, recovered) = open(&disk).unwrap();
    assert_eq!(recovered.entries.last(), Some(&entry));
    let snapshot = Snapshot { configuration, ..snapshot(entry.index, entry.term, 10) };
    wal.save_snapshot(&snapshot).unwrap();
    drop(wal);
    assert_eq!(open(&disk).unwrap().1.snapshot, Some(snapshot));
}
