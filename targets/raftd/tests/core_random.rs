//! Whole clusters of the Raft core in bad weather, by the thousand steps: every message, write, tick, crash and partition
//! is drawn from a seed, and after every step the witness checks what Raft promises.
//!
//! A failure names its seed; `RAFTD_SEED=123 cargo test -p raftd --test core_random -- one_seed` plays that one alone.
//! `RAFTD_TIMES=25` plays 25 times as many seeds.

#[path = "core/storm.rs"]
mod storm;
#[path = "core/witness.rs"]
mod witness;

use raftd::types::Bug;
use storm::{Calm, Storm};
use witness::Violation;

/// For each member.
const STEPS: u64 = 1000;

/// Plays one seed: a storm, then calm.
fn play(seed: u64, members: u64, bug: Option<Bug>) -> Result<Calm, Violation> {
    let _named = NameSeedOnPanic(seed);
    let mut storm = Storm::new(seed, members, bug);
    for _ in 0..STEPS * members {
        storm.step()?;
    }
    storm.calm_down()
}

/// How many times as many seeds as usual.
fn times() -> u64 {
    std::env::var("RAFTD_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

fn check(members: u64, seeds: std::ops::Range<u64>) {
    let (mut committed, mut leaders, mut reads) = (0, 0, 0);
    let count = (seeds.end - seeds.start) * times();
    for seed in seeds.start..seeds.start + count {
        let calm = play(seed, members, None).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        committed += calm.committed_in_storm;
        leaders += calm.leaders;
        reads += calm.reads_granted;
    }
    println!("{count} storms of {members} members: {committed} committed, {leaders} leaders, {reads} reads");
    // A storm in which nothing happens proves nothing.
    assert!(committed > 10 * count as usize, "{committed} entries committed over {count} seeds");
    assert!(leaders > count as usize, "{leaders} leaders over {count} seeds");
    assert!(reads > 10 * count as usize, "{reads} reads granted over {count} seeds");
}

#[test]
fn three_members() {
    check(3, 0..120);
}

#[test]
fn five_members() {
    check(5, 1000..1080);
}

#[test]
fn one_and_two_members() {
    check(1, 2000..2015);
    check(2, 3000..3030);
}

/// Of four members two are no majority: a quorum is more than half, not half.
#[test]
fn four_members() {
    check(4, 4000..4030);
}

#[test]
fn one_seed() {
    let seed = std::env::var("RAFTD_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    let once = [3, 5].map(|members| play(seed, members, None).map_err(|violation| violation.to_string()));
    let again = [3, 5].map(|members| play(seed, members, None).map_err(|violation| violation.to_string()));
    assert_eq!(once, again, "the same seed told two stories");
    assert!(once.iter().all(Result::is_ok), "seed {seed}: {once:?}");
}

/// The witness can see: a leader that does not confirm its leadership is caught, and for just that.
#[test]
fn stale_reads_are_found() {
    let seeds = 120 * times();
    let violations: Vec<Violation> = (0..seeds).filter_map(|seed| play(seed, 3, Some(Bug::StaleRead)).err()).collect();
    assert!(!violations.is_empty(), "no storm found the planted bug");
    println!("{seeds} storms found the planted bug {} times", violations.len());
    let others: Vec<&Violation> =
        violations.iter().filter(|found| !matches!(found, Violation::StaleRead { .. })).collect();
    assert!(others.is_empty(), "the planted bug broke more than reads: {others:?}");
}

/// Assertions of the core know nothing of seeds.
struct NameSeedOnPanic(u64);

impl Drop for NameSeedOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this was seed {}", self.0);
        }
    }
}
