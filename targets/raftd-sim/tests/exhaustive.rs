//! All that can happen within small bounds is right, and what planted bugs break there is found.

use raftd::types::Bug;
use raftd_sim::exhaustive::{Bounds, Ended, explore};
use raftd_sim::property::Property;

/// Within these bounds nothing goes wrong, and all of it was looked at.
fn check_all(bounds: Bounds, states_min: usize) {
    let found = explore(&bounds, None);
    println!("{bounds:?}: {} states, {} deep", found.states, found.depth);
    assert_eq!(found.ended, Ended::All);
    assert!(found.states >= states_min, "only {} states", found.states);
}

/// The bug breaks one of these within the bounds, in so many steps at most; without it nothing is broken by then.
fn check_bug(bounds: Bounds, bug: Bug, breaks: &[Property], steps_max: usize) {
    let found = explore(&bounds, Some(bug));
    let Ended::Broken { property, story, .. } = &found.ended else { panic!("{bug} is not found: {found:?}") };
    println!("{bug}: {property} after {} states:\n{}", found.states, story.join("\n"));
    assert!(breaks.contains(property), "{bug} breaks {property}");
    assert!(story.len() <= steps_max, "{} steps", story.len());
}

#[test]
fn all_that_can_happen_is_right() {
    check_all(Bounds::default(), 50_000);
    check_all(Bounds { terms: 3, in_flight: 1, ..Bounds::default() }, 50_000);
    check_all(Bounds { in_flight: 1, commands: 1, heartbeats: 1, ..Bounds::default() }, 100_000);
    check_all(Bounds { in_flight: 1, crashes: 1, slow_disk: true, ..Bounds::default() }, 100_000);
}

/// Figure 8 of the extended paper: an entry of an older term travels alone, without the leader's own behind it.
#[test]
fn figure_8_is_found() {
    let bounds = Bounds { terms: 4, newest_only: true, ..Bounds::default() };
    check_bug(bounds, Bug::CommitOldTerm, &[Property::LeaderCompleteness], 25);
}

#[test]
fn two_votes_in_a_term_are_found() {
    let twice = [Property::ElectionSafety];
    check_bug(Bounds { terms: 1, ..Bounds::default() }, Bug::TwoVotes, &twice, 9);
    let crash = Bounds { terms: 1, crashes: 1, slow_disk: true, ..Bounds::default() };
    check_bug(crash, Bug::VoteBeforeFsync, &twice, 12);
}

#[test]
fn what_is_acknowledged_too_soon_is_missed() {
    let lacks = [Property::LeaderCompleteness];
    check_bug(Bounds::default(), Bug::AckBeforeQuorum, &lacks, 9);
    check_bug(Bounds { commands: 1, ..Bounds::default() }, Bug::ShortLogVote, &lacks, 15);
}
