//! Lost power and disks in trouble, conducted on a real node: what its server has on the disk afterwards, and what it met.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is the
//! agent of the node, its disk, and the server.

#[path = "../common/mod.rs"]
mod common;
mod server;
mod stage;

use server::{APPENDED_BYTES, KEPT};
use squall_nemesis::{Family, Planned, Selector, Span, Trouble};
use squall_targets::disk::Model;
use stage::Stage;
use std::process::ExitCode;

fn main() -> ExitCode {
    common::main(
        server::ARGUMENT,
        |_| server::run(),
        &[
            ("what_was_synced_outlives_the_power_and_nothing_else_does", || common::run(power())),
            ("a_disk_in_trouble_is_met_by_the_server_and_in_order_afterwards", || common::run(troubles())),
            ("a_server_whose_disk_is_slow_may_be_killed_and_lose_its_power", || common::run(slow_and_killed())),
        ],
    )
}

fn planned(at_ms: u64, lasts_ms: u64, fault: Family) -> Planned {
    Planned::plain(Span::from_ms(at_ms), Span::from_ms(lasts_ms), fault, Selector::All)
}

async fn power() {
    for model in Model::ALL {
        let mut torn = [false; 2];
        for seed in 0..6 {
            let stage = Stage::up(model).await;
            let schedule = [Planned { model: Some(model), ..planned(0, 100, Family::Power) }];
            let told = stage.conduct(&schedule, seed).await;
            let [in_force, healed] = &told[..] else { panic!("{told:?}") };
            assert!(
                in_force.contains("n1 gone with SIGKILL, ") && in_force.contains(" kB that were not synced are gone")
            );
            assert!(healed.contains("n1 answers after"), "{healed}");
            let contents = stage.read("kept").expect("it was synced, and so was its name");
            let (kept, more) = contents.split_at(KEPT.len());
            assert_eq!(kept, KEPT.as_bytes());
            let is_torn = in_force.contains("torn");
            torn[usize::from(is_torn)] = true;
            assert!(
                more.iter().filter(|byte| **byte != 0).count() < APPENDED_BYTES,
                "what nobody synced is not all there"
            );
            assert!(is_torn || more.is_empty(), "{model}: {in_force}: {} bytes more", more.len());
            // The file was synced, its folder was not.
            let nameless = stage.read("nameless");
            assert_eq!(nameless.is_some(), model == Model::Ext4Ordered, "{model}: {in_force}");
        }
        assert_eq!(torn, [true; 2], "{model}: some last writes were torn, and some were not");
    }
}

async fn troubles() {
    let slow = Trouble::Slow(Span::from_ms(150));
    let slow_reads = Trouble::SlowReads(Span::from_ms(70));
    for (trouble, in_force_parts, stops_server) in [
        (Trouble::Eio, &["read: ", "write: ", "fsync: "][..], true),
        (Trouble::EioSync, &["read ", "write ", "fsync: "], true),
        (Trouble::Full, &["read ", "write: No space left on device", "fsync "], true),
        (slow, &["read ", "write ", "fsync "], false),
        (slow_reads, &["read ", "write ", "fsync "], false),
    ] {
        let stage = Stage::up(Model::default()).await;
        let schedule = [Planned { trouble: Some(trouble), ..planned(0, 700, Family::Disk) }];
        let told = stage.conduct(&schedule, 1).await;
        let [in_force, healed] = &told[..] else { panic!("{trouble}: {told:?}") };
        for part in in_force_parts {
            assert!(in_force.contains(part), "{trouble}: `{part}` is missing in: {in_force}");
        }
        assert!(healed.contains("a probe on n1 met read "), "{trouble}: {healed}");
        assert_eq!(healed.contains("it had stopped itself (gone with status 1)"), stops_server, "{trouble}: {healed}");
        if trouble == slow {
            assert!(stage.slowest_sync_ms() >= 150, "the server itself has waited: {} ms", stage.slowest_sync_ms());
            assert!(healed.contains("delayed"), "{healed}");
        }
    }
}

async fn slow_and_killed() {
    let stage = Stage::up(Model::default()).await;
    let slow = Planned { trouble: Some(Trouble::Slow(Span::from_ms(300))), ..planned(0, 2_500, Family::Disk) };
    let schedule = [slow, planned(300, 500, Family::Kill), planned(1_400, 500, Family::Power)];
    let told = stage.conduct(&schedule, 3).await;
    assert_eq!(told.len(), 6, "{told:?}");
    // Which of them shows first, the first two do not agree upon.
    let count = |part: &str| told.iter().filter(|told| told.contains(part)).count();
    assert_eq!((count("n1 gone with SIGKILL"), count("n1 answers after")), (2, 2), "{told:?}");
    assert!(told[5].contains("a probe on n1 met read "), "{told:?}");
}
