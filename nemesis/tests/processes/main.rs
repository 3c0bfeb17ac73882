//! Servers that end, crash and restart, conducted on real nodes: what was told is what they themselves have seen.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is the
//! agent of the nodes and the server.

#[path = "../common/mod.rs"]
mod common;
mod server;
mod stage;

use server::{Manner, START_UP};
use squall_nemesis::{Family, Planned, Restart, Selector, Span};
use stage::Stage;
use std::process::ExitCode;

fn main() -> ExitCode {
    common::main(
        server::ARGUMENT,
        server::run,
        &[
            ("a_server_is_told_to_end_and_is_killed_if_it_does_not", || common::run(stop())),
            ("a_crash_loop_kills_servers_before_they_serve_and_afterwards", || common::run(crash_loop())),
            ("servers_that_take_turns_wait_for_each_other", || common::run(rolling())),
            ("a_starved_server_gets_its_share_and_no_more", || common::run(starve())),
        ],
    )
}

fn planned(lasts_ms: u64, fault: Family) -> Planned {
    Planned::plain(Span::from_ms(0), Span::from_ms(lasts_ms), fault, Selector::All)
}

async fn stop() {
    for (manner, part) in [
        (Manner::Plain, "n1 gone with SIGTERM, "),
        (Manner::DeafToTerm, "n1 was still running 5 s after SIGTERM, gone with SIGKILL"),
    ] {
        let stage = Stage::up(1, manner).await;
        let [in_force, healed] = stage.conduct(planned(100, Family::Stop)).await;
        assert!(in_force.starts_with(part), "{in_force}");
        assert!(healed.starts_with("n1 answers after "), "{healed}");
        assert_eq!(stage.starts("n1").len(), 2);
    }
}

async fn crash_loop() {
    let restart = |restart| Planned { restart: Some(restart), ..planned(3_000, Family::Restart) };
    let early = Span::from_ms(START_UP.as_millis() as u64 / 4);
    for (kind, some_serve) in [(Restart::CrashLoop, true), (Restart::CrashAfter(early), false)] {
        let stage = Stage::up(1, Manner::Plain).await;
        let [in_force, healed] = stage.conduct(restart(kind)).await;
        assert_eq!(in_force, "n1 gone with SIGKILL");
        let told = healed.strip_prefix("n1 was started ").unwrap_or_else(|| panic!("{healed}"));
        let numbers: Vec<usize> = told
            .split([' ', ','])
            .filter_map(|word| match word {
                "once" => Some(1),
                "twice" => Some(2),
                word => word.parse().ok(),
            })
            .collect();
        let [starts, kills, early, _answered_after_ms] = numbers[..] else { panic!("{healed}") };
        assert!(healed.contains("n1 answers after"), "{healed}");
        // The first start was before the fault; the last one may be whose healing it was.
        let (seen, served) = (stage.starts("n1").len(), stage.serves("n1"));
        assert!(kills >= 4 && starts - kills <= 1, "{healed}");
        assert!((starts + 1..=starts + 2).contains(&seen), "the server has seen {seen} starts; told was: {healed}");
        // The first and the last start are not interrupted. One may have listened a moment before its kill, unseen.
        let whole = kills - early + 2;
        assert!((whole..=whole + early / 2).contains(&served), "it served {served} times; told was: {healed}");
        assert_eq!(kills > early, some_serve, "{healed}");
        assert!(early > 0, "{healed}");
    }
}

async fn rolling() {
    for (kind, part) in [(Restart::Rolling, "n1 gone with SIGTERM"), (Restart::RollingKill, "n1 gone with SIGKILL")] {
        let stage = Stage::up(3, Manner::Plain).await;
        let [in_force, healed] =
            stage.conduct(Planned { restart: Some(kind), ..planned(3_000, Family::Restart) }).await;
        assert!(in_force.starts_with(part), "{in_force}");
        assert!(healed.contains(" whole round"), "{healed}");
        let mut starts: Vec<(u128, &str)> = Vec::new();
        for node in ["n1", "n2", "n3"] {
            // The first start was before the fault.
            starts.extend(stage.starts(node).into_iter().skip(1).map(|at_ns| (at_ns, node)));
        }
        starts.sort_unstable();
        assert!(starts.len() >= 6, "{starts:?}; {healed}");
        for (place, pair) in starts.windows(2).enumerate() {
            assert_eq!(pair[0].1, ["n1", "n2", "n3"][place % 3], "they take turns: {starts:?}");
            let apart_ms = (pair[1].0 - pair[0].0) / 1_000_000;
            assert!(apart_ms >= START_UP.as_millis(), "each was waited for: {starts:?}");
        }
    }
}

async fn starve() {
    let stage = Stage::up(1, Manner::Busy).await;
    let share = 5.0;
    let planned = Planned { cpu: format!("{share}%").parse().ok(), ..planned(4_000, Family::Starve) };
    let before = stage.processor_percent("n1").await;
    let (during, told) = stage.conduct_and(planned, stage.processor_percent("n1")).await;
    let after = stage.processor_percent("n1").await;
    // Others may work on the machine, too: nobody gets all of a processor for certain.
    assert!(before > 3.0 * during && after > 3.0 * during, "{before} %, then {during} %, then {after} %");
    assert!(during < 2.0 * share && during > 0.0, "{during} %");
    let [in_force, healed] = told;
    assert!(
        in_force.starts_with("n1 stood still in ") && healed.contains("n1 stood still in 0 of"),
        "{in_force}; {healed}"
    );
    let told = healed.strip_prefix("n1 had ").and_then(|told| told.split(" %").next()).unwrap_or_default();
    assert!(told.parse::<f64>().is_ok_and(|told| told > 0.0 && told < 2.0 * share), "{healed}");
}
