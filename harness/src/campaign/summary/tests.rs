//! Small campaigns, and what they come to.

use super::*;
use crate::campaign::file::Expect;
use crate::campaign::fingerprint::{Fingerprint, Found};
use crate::campaign::measures::Measures;
use crate::campaign::outcome::{End, Verdict};
use crate::exit::Exit;
use crate::plan::Wishes;
use squall_results::figures::Share;
use squall_results::{Promise, Validity};

/// A case of this target and its verdict; what a control is expected to find it must in one of two.
pub(crate) fn case(
    number: usize,
    target: &str,
    expect: Expect,
    validity: Validity,
    measures: Measures,
) -> (Case, Option<CaseOutcome>, PathBuf) {
    let control = super::super::case::Control { number: 1, name: "old reads".into(), least: 1, of: 2 };
    let case = Case {
        number,
        target: target.into(),
        workload: "register".into(),
        faults: "kill".into(),
        nodes: 3,
        seed: 40 + number as u64,
        expect,
        control: (expect == Expect::Invalid).then_some(control),
        plan: Wishes::default(),
    };
    let found = (validity == Validity::Invalid).then(|| {
        let (kind, family, roles) = ("stale read".into(), "kill".into(), "leader".into());
        Found {
            mark: Fingerprint { kind, target: target.into(), workload: "register".into(), family, roles },
            count: 2,
        }
    });
    let verdict = Verdict {
        validity,
        promise: Promise::Linearizable,
        about: "linearizable".into(),
        reason: "a reason with <angles> & \"quotes\"".into(),
        did_not_serve: None,
        found: found.into_iter().collect(),
        measures,
        run: format!("run/{number}"),
        command: format!("./squall test --seed {}", 40 + number),
    };
    let began_unix_ms = 1_000_000 * number as u64;
    let outcome = CaseOutcome { began_unix_ms, took_ms: 600_000, tries: 1, end: End::Judged(Box::new(verdict)) };
    let folder = PathBuf::from("cases").join(case.id());
    (case, Some(outcome), folder)
}

pub(crate) fn agenda(done: &Done) -> Agenda {
    let cases = done.iter().map(|(case, ..)| case.clone()).collect();
    Agenda { squall: "0.1.0".into(), name: "nightly".into(), seed: 7, began_unix_ms: 1_000_000, shard: None, cases }
}

fn known(marks: &[&str]) -> Option<(PathBuf, BTreeSet<String>)> {
    Some(("before/summary.json".into(), marks.iter().map(|mark| (*mark).to_owned()).collect()))
}

fn measured(served: usize, recoveries_ms: &[u64], staleness_ms: Option<u64>, lost: Option<usize>) -> Measures {
    Measures {
        under_faults: Share { served, slots: 10 },
        recoveries_ns: recoveries_ms.iter().map(|ms| ms * 1_000_000).collect(),
        staleness_ns: staleness_ms.map(|ms| ms * 1_000_000),
        lost,
        ..Measures::default()
    }
}

#[test]
fn cases_of_one_kind_share_a_cell() {
    let done = vec![
        case(1, "raft", Expect::Valid, Validity::Valid, measured(10, &[10, 30], Some(0), Some(0))),
        case(2, "raft", Expect::Valid, Validity::Valid, measured(5, &[20], Some(40), Some(3))),
        case(3, "etcd", Expect::Valid, Validity::Invalid, measured(0, &[], None, None)),
        case(4, "etcd", Expect::Valid, Validity::Valid, measured(1, &[], None, None)),
        case(5, "etcd local", Expect::Invalid, Validity::Invalid, measured(1, &[], None, None)),
    ];
    let summary = Summary::of(&agenda(&done), done, None, None);
    assert_eq!(summary.choice.targets, ["raft", "etcd"], "a control is no choice");
    let [row] = &summary.choice.rows[..] else { panic!("{:?}", summary.choice) };
    let [Some(raft), Some(etcd)] = &row.cells[..] else { panic!("{row:?}") };
    assert_eq!(
        (raft.verdict(), etcd.verdict()),
        ("2 valid: linearizable".into(), "1 of 2 invalid: linearizable".into())
    );
    assert_eq!((raft.availability_under_faults, etcd.availability_under_faults), (Some(0.75), Some(0.05)));
    assert_eq!((raft.recoveries, raft.recovery_p50_ms, raft.recovery_p95_ms), (3, Some(20.0), Some(30.0)));
    assert_eq!((raft.staleness_ms, raft.lost, etcd.staleness_ms, etcd.lost), (Some(40.0), Some(3), None, None));
}

#[test]
fn what_went_wrong_is_told_once_and_the_new_first() {
    let invalid = |number, target, expect| case(number, target, expect, Validity::Invalid, Measures::default());
    let done = vec![
        invalid(1, "raft", Expect::Valid),
        invalid(2, "etcd", Expect::Valid),
        invalid(3, "etcd", Expect::Valid),
        invalid(4, "etcd local", Expect::Invalid),
        case(5, "etcd local", Expect::Invalid, Validity::Valid, Measures::default()),
    ];
    let before = known(&["stale read, etcd, register, kill of leader"]);
    let summary = Summary::of(&agenda(&done), done.clone(), None, before);
    let told: Vec<_> = summary
        .fingerprints
        .iter()
        .map(|mark| (&*mark.mark.target, mark.cases.len(), mark.anomalies, mark.new))
        .collect();
    assert_eq!(told, [("raft", 1, 2, Some(true)), ("etcd", 2, 4, Some(false)), ("etcd local", 1, 2, Some(true))]);
    assert_eq!(summary.fingerprints.iter().map(|mark| mark.expected).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!((summary.controls.len(), summary.controls[0].rate.hits, summary.controls[0].rate.runs), (1, 1, 2));
    assert_eq!((Exit::from(summary.result), summary.counts.invalid, summary.counts.caught), (Exit::Invalid, 3, 1));
    let alone = Summary::of(&agenda(&done), done, None, None);
    assert!(alone.fingerprints.iter().all(|mark| mark.new.is_none()), "there is nothing to compare with");
}

#[test]
fn time_is_counted_while_some_case_goes_on() {
    let mut done = vec![
        case(1, "raft", Expect::Valid, Validity::Valid, Measures::default()),
        case(2, "raft", Expect::Valid, Validity::Valid, Measures::default()),
        case(9, "raft", Expect::Valid, Validity::Valid, Measures::default()),
    ];
    // The first two overlap: 1000 s to 1600 s, 1300 s to 1900 s.
    done[1].1.as_mut().unwrap().began_unix_ms = 1_300_000;
    let mut not_run = done[2].clone();
    (not_run.0.number, not_run.1) = (10, None);
    done.push(not_run);
    let summary = Summary::of(&agenda(&done), done, Some(Cut::Budget), None);
    assert_eq!((summary.took_ms, summary.cases_per_hour), (1_500_000, Some(7.2)));
    assert_eq!((Exit::from(summary.result), summary.counts.not_run), (Exit::Unknown, 1));
    assert_eq!(summary.cut.as_deref(), Some("the budget was used up"));
}

#[test]
fn a_link_goes_from_folder_to_folder() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    std::fs::create_dir_all(at("shards/one/cases")).unwrap();
    std::fs::create_dir_all(at("merged")).unwrap();
    assert_eq!(relative(&at("merged"), &at("shards/one/cases")), Path::new("../shards/one/cases"));
    assert_eq!(relative(&at("shards"), &at("shards/one")), Path::new("one"));
    assert_eq!(relative(&at("merged"), Path::new("/no/such/file")), Path::new("/no/such/file"));
    assert_eq!(plain(Path::new("cases/7/../../../shard/cases/7/run")), Path::new("../shard/cases/7/run"));
}
