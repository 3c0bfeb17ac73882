//! One member of the Raft core, told things that its peers would hardly tell it, or started from a strange disk.

use raftd::core::{Body, Config, Core, Message, RoleName, StartError};
use raftd::types::{Entry, HardState, Index, NodeId, Payload, Term};

fn noop((index, term): (Index, Term)) -> Entry {
    Entry { term, index, payload: Payload::Noop }
}

/// Member 1 of three, in `term`, with a log of these terms.
fn member(term: Term, log: &[Term]) -> Core {
    let hard_state = HardState { term, voted_for: None };
    let log = (1..).zip(log.iter().copied()).map(noop).collect();
    Core::new(Config::new(1, vec![1, 2, 3], 1, 1), hard_state, None, log).expect("the disk is sound")
}

fn append(from: NodeId, term: Term, previous: (Index, Term), entries: &[(Index, Term)], commit: Index) -> Message {
    let (previous_index, previous_term) = previous;
    let entries = entries.iter().copied().map(noop).collect();
    Message { from, to: 1, term, body: Body::Append { previous_index, previous_term, entries, commit } }
}

/// What is committed goes as far as the message proves the logs to agree, not as far as the log happens to reach: here
/// 2/1 is a leftover that the leader of term 2 does not have.
#[test]
fn commits_only_what_the_message_covers() {
    let mut core = member(2, &[1, 1]);
    core.receive(append(2, 2, (1, 1), &[], 2));
    let committed: Vec<Index> = core.drain().committed.iter().map(|committed| committed.entry.index).collect();
    assert_eq!((committed, core.status().last_index), (vec![1], 2));
}

#[test]
fn ignores_what_is_not_for_it_or_misshapen() {
    let strange = [
        append(1, 9, (0, 0), &[(1, 9)], 1),
        Message { to: 3, ..append(2, 9, (0, 0), &[(1, 9)], 1) },
        append(2, 9, (0, 0), &[(2, 9)], 1),
        append(2, 9, (0, 0), &[(1, 9), (3, 9)], 1),
        append(2, 9, (0, 0), &[(1, 9), (2, 8)], 1),
        append(2, 9, (1, 3), &[(2, 2)], 1),
        append(2, 9, (0, 0), &[(1, 10)], 1),
    ];
    for message in strange {
        let mut core = member(1, &[]);
        core.receive(message.clone());
        assert!(core.drain().is_empty() && core.status().term == 1, "heeded {message:?}");
    }
}

/// Who is no member here may be a candidate that knows of a newer configuration, or one that was removed. While a leader is heard it
/// is the latter that counts: its questions are not answered, and its term, however new, is not taken over.
#[test]
fn a_stranger_disturbs_nobody_while_a_leader_is_heard() {
    let vote = |by_leave| Body::RequestVote { last_index: 9, last_term: 9, by_leave };
    let stranger = |term, body| Message { from: 4, to: 1, term, body };
    let cases = [
        (stranger(9, vote(false)), false),
        (stranger(2, Body::RequestPreVote { last_index: 9, last_term: 9 }), false),
        (stranger(9, Body::Outdated), false),
        // The leader gave leave to this one, and this one leads.
        (stranger(9, vote(true)), true),
        (append(4, 9, (0, 0), &[(1, 9)], 1), true),
    ];
    for (message, is_heeded) in cases {
        let mut core = member(2, &[]);
        core.receive(append(2, 2, (0, 0), &[], 0));
        core.drain();
        core.receive(message.clone());
        assert_eq!(core.status().term == 9 || !core.drain().is_empty(), is_heeded, "{message:?}");
        // Where nobody leads it may be the only one that can.
        let mut core = member(2, &[]);
        core.receive(message.clone());
        assert!(core.status().term == 9 || !core.drain().is_empty(), "{message:?}");
    }
}

/// Members that are all given one seed must not ask for pre-votes in step for ever.
#[test]
fn members_with_one_seed_draw_different_time_outs() {
    let elections = |id: NodeId| -> Vec<u64> {
        let config = Config::new(id, vec![1, 2, 3], 1, 7);
        let mut core = Core::new(config, HardState::default(), None, Vec::new()).expect("a fresh start");
        let asks = |_: &u64| {
            core.tick();
            !core.drain().messages.is_empty()
        };
        (0..1000).filter(asks).collect()
    };
    assert!(elections(1).len() > 10);
    assert_eq!(elections(1), elections(1));
    assert_ne!(elections(1), elections(2));
    assert_ne!(elections(2), elections(3));
}

#[test]
#[should_panic(expected = "both lead term 2")]
fn stops_when_a_term_has_two_leaders() {
    let mut core = member(1, &[]);
    core.receive(append(2, 2, (0, 0), &[], 0));
    core.receive(append(3, 2, (0, 0), &[], 0));
}

#[test]
#[should_panic(expected = "contradicts entry 1")]
fn stops_when_a_committed_entry_is_contradicted() {
    let mut core = member(1, &[1]);
    core.receive(append(2, 1, (1, 1), &[], 1));
    core.receive(append(3, 2, (0, 0), &[(1, 2)], 0));
}

#[test]
#[should_panic(expected = "it lost entries it had acknowledged")]
fn stops_when_its_disk_lost_what_it_had_acknowledged() {
    let mut core = member(1, &[1]);
    core.receive(Message { from: 2, to: 1, term: 1, body: Body::Heartbeat { round: 1, commit: 2 } });
}

#[test]
#[should_panic(expected = "was never made")]
fn stops_when_a_write_is_acknowledged_that_was_never_asked_for() {
    member(1, &[]).persisted(1);
}

#[test]
fn refuses_to_start_from_a_broken_disk() {
    let start = |hard_state: HardState, log: &[(Index, Term)]| {
        let log = log.iter().copied().map(noop).collect();
        Core::new(Config::new(1, vec![1], 1, 1), hard_state, None, log).map(drop)
    };
    let in_term = |term| HardState { term, voted_for: None };
    assert_eq!(start(in_term(2), &[(1, 1), (2, 2)]), Ok(()));
    assert_eq!(start(in_term(2), &[(1, 1), (3, 2)]), Err(StartError::BrokenLog { index: 1 }));
    assert_eq!(start(in_term(2), &[(2, 1)]), Err(StartError::BrokenLog { index: 0 }));
    assert_eq!(start(in_term(2), &[(1, 2), (2, 1)]), Err(StartError::BrokenLog { index: 1 }));
    assert_eq!(start(in_term(1), &[(1, 2)]), Err(StartError::HardStateLost { last_term: 2, term: 1 }));
}

#[test]
fn refuses_a_configuration_that_contradicts_itself() {
    let start = |change: fn(&mut Config)| {
        let mut config = Config::new(1, vec![1, 2, 3], 1, 1);
        change(&mut config);
        Core::new(config, HardState::default(), None, Vec::new()).map(drop)
    };
    assert_eq!(start(|_| {}), Ok(()));
    assert_eq!(start(|config| config.id = 4), Err(StartError::NotAMember { id: 4 }));
    assert_eq!(
        start(|config| config.election_ticks = 5),
        Err(StartError::Times { heartbeat_ticks: 5, election_ticks: 5 })
    );
    assert_eq!(start(|config| config.max_inflight = 0), Err(StartError::ZeroLimit { limit: "max_inflight" }));
}

/// Members that start in step do not stay in step: each draws its own time-outs.
#[test]
fn draws_election_time_outs_between_once_and_twice() {
    let timeouts: Vec<u32> = (0..100)
        .map(|seed| {
            let config = Config { seed, ..Config::new(1, vec![1, 2, 3], 1, 1) };
            let mut core = Core::new(config, HardState::default(), None, Vec::new()).expect("the disk is empty");
            (1..)
                .find(|_| {
                    core.tick();
                    core.status().role == RoleName::PreCandidate
                })
                .expect("it asks in the end")
        })
        .collect();
    assert!(timeouts.iter().all(|ticks| (30..60).contains(ticks)), "{timeouts:?}");
    let mut different = timeouts.clone();
    different.sort_unstable();
    different.dedup();
    assert!(different.len() > 15, "{different:?}");
}
