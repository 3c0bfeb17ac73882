//! Every planted bug is caught within a stated number of seeds, by the properties that it breaks and no others; without
//! faults it goes unnoticed; and where it is said that clients can see it, a client does.

use raftd::types::Bug;
use raftd_sim::property::Property;
use raftd_sim::run::{Plan, run};
use std::ops::Range;

/// The seed among `seeds` that catches the bug first, and the property.
fn first(seeds: Range<u64>, plan: impl Fn(u64) -> Plan) -> Option<(u64, Property)> {
    seeds.into_iter().find_map(|seed| run(&plan(seed), false).violation.map(|violation| (seed, violation.property)))
}

fn check(bug: Bug, seeds: Range<u64>, breaks: &[Property]) {
    let found = first(seeds.clone(), |seed| Plan::storm(seed, Some(bug)));
    let (seed, property) = found.unwrap_or_else(|| panic!("none of the seeds {seeds:?} caught {bug}"));
    assert!(breaks.contains(&property), "seed {seed}: {bug} broke {property}");
    println!("{bug}: seed {seed}, {property}");
}

#[test]
fn rare_bugs_are_caught() {
    use Property::{
        Assertion, ElectionSafety, LeaderCompleteness, LeaseSafety, Linearizability, LockSafety, StateMachineSafety,
    };
    // One seed in some hundred catches them; the ranges begin shortly before one that does.
    check(Bug::VoteBeforeFsync, 1100..1150, &[ElectionSafety]);
    check(Bug::AckSnapshotEarly, 720..740, &[Assertion]);
    check(Bug::CountOldVote, 550..570, &[ElectionSafety]);
    check(Bug::LeaseAfterTransfer, 375..385, &[LeaseSafety]);
    check(Bug::ExpiryWallClock, 395..405, &[LockSafety]);
    check(Bug::ExpireRenewed, 205..215, &[LockSafety]);
    check(Bug::CommitOldTerm, 100..200, &[LeaderCompleteness, StateMachineSafety, Linearizability]);
    check(Bug::StaleRead, 0..100, &[Linearizability]);
}

#[test]
fn common_bugs_are_caught() {
    use Property::{
        Assertion, ElectionSafety, Fencing, LeaderCompleteness, LeaseSafety, Linearizability, LogMatching, Progress,
        SnapshotSafety, StateMachineSafety, WatchSafety,
    };
    check(Bug::ChangesAtOnce, 0..10, &[Property::ConfigurationSafety]);
    check(Bug::RetryTwice, 0..40, &[Linearizability]);
    check(Bug::TwoVotes, 0..10, &[ElectionSafety]);
    check(Bug::ShortLogVote, 0..10, &[LeaderCompleteness]);
    check(Bug::AckBeforeQuorum, 0..10, &[LeaderCompleteness]);
    check(Bug::AckBeforeFsync, 0..40, &[LeaderCompleteness, StateMachineSafety, Assertion]);
    check(Bug::KeepConflict, 0..40, &[LogMatching, StateMachineSafety, LeaderCompleteness]);
    check(Bug::LeaseWallClock, 0..40, &[LeaseSafety]);
    check(Bug::SnapshotWithoutSessions, 0..10, &[SnapshotSafety, Linearizability]);
    check(Bug::SnapshotKeepsTail, 0..40, &[StateMachineSafety, LogMatching]);
    check(Bug::TailIsCommitted, 0..10, &[StateMachineSafety, Assertion]);
    check(Bug::ForgetVote, 0..10, &[ElectionSafety, Assertion]);
    check(Bug::MatchAtStart, 1..10, &[Assertion, Progress, StateMachineSafety]);
    check(Bug::TruncateMatched, 0..10, &[Assertion, LeaderCompleteness]);
    check(Bug::ReadBeforeOwnTerm, 0..40, &[Linearizability]);
    check(Bug::ReadUnapplied, 0..80, &[Linearizability]);
    check(Bug::DenyInDoubt, 0..10, &[Linearizability]);
    check(Bug::FenceAnyToken, 60..80, &[Fencing]);
    check(Bug::WatchPastSnapshot, 0..40, &[WatchSafety]);
}

#[test]
fn no_bug_shows_without_faults() {
    for bug in Bug::ALL {
        let found = first(0..10, |seed| Plan::fair(seed, Some(bug)));
        assert_eq!(found, None, "{bug} shows in fair weather");
    }
}

/// The first such seed of each, as `--only-clients` finds it, and what it is that clients see.
#[test]
fn clients_see_what_they_are_said_to_see() {
    use Property::{Fencing, Linearizability, LockSafety, WatchSafety};
    let seeds = [
        (Bug::StaleRead, 53, Linearizability),
        (Bug::AckBeforeFsync, 1791, Linearizability),
        (Bug::CommitOldTerm, 102, Linearizability),
        (Bug::ShortLogVote, 134, Linearizability),
        (Bug::AckBeforeQuorum, 58, Linearizability),
        (Bug::RetryTwice, 25, Linearizability),
        (Bug::KeepConflict, 6, Linearizability),
        (Bug::LeaseWallClock, 4344, Linearizability),
        (Bug::SnapshotWithoutSessions, 0, Linearizability),
        (Bug::ReadBeforeOwnTerm, 19, Linearizability),
        (Bug::ReadUnapplied, 49, Linearizability),
        (Bug::DenyInDoubt, 1, Linearizability),
        (Bug::ExpireRenewed, 211, LockSafety),
        (Bug::ExpiryWallClock, 401, LockSafety),
        (Bug::FenceAnyToken, 75, Fencing),
        (Bug::WatchPastSnapshot, 20, WatchSafety),
    ];
    for (bug, seed, sees) in seeds {
        let plan = Plan { only_clients: true, ..Plan::storm(seed, Some(bug)) };
        let property = run(&plan, false).violation.map(|violation| violation.property);
        assert_eq!(property, Some(sees), "{bug}: {}", plan.command());
    }
    let seen: Vec<Bug> = seeds.iter().map(|(bug, ..)| *bug).collect();
    let said: Vec<Bug> = Bug::ALL.into_iter().filter(|bug| bug.client_can_see()).collect();
    assert_eq!(seen, said);
}

#[test]
fn a_violation_repeats_exactly() {
    let plan = Plan::storm(1, Some(Bug::TwoVotes));
    let (once, again) = (run(&plan, true), run(&plan, true));
    assert!(once.violation.is_some());
    assert_eq!(once, again);
    assert_eq!(plan.command(), "cargo run --release -p raftd-sim -- --seeds 1 --from 1 --bug two-votes --trace");
}
