//! The Raft core, told as scenarios: `scenarios/*.txt`, each a list of commands and what they lead to.
//!
//! `RAFTD_REWRITE=1 cargo test -p raftd --test core_scenarios` writes down what happens now; read the difference before
//! keeping it. The commands are described at `stage::Stage::obey`.

#[path = "core/script.rs"]
mod script;
#[path = "core/stage.rs"]
mod stage;
#[path = "core/words.rs"]
mod words;

use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn check(name: &str) {
    let path = folder().join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut stage = stage::Stage::default();
    let happened = script::play(&text, |command| stage.obey(command));
    if std::env::var_os("RAFTD_REWRITE").is_some_and(|value| value == "1") {
        std::fs::write(&path, happened).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    } else if happened != text {
        panic!("{name}.txt tells something else; this happened:\n{}", script::difference(&text, &happened));
    }
}

macro_rules! scenarios {
    ($($name:ident),+ $(,)?) => {
        $(#[test] fn $name() { check(stringify!($name)); })+

        #[test]
        fn every_scenario_is_played() {
            let mut files: Vec<String> = std::fs::read_dir(folder()).expect("the folder of scenarios is there")
                .map(|entry| entry.expect("it can be read").file_name().to_string_lossy().into_owned())
                .collect();
            files.sort();
            let mut played = vec![$(concat!(stringify!($name), ".txt").to_owned()),+];
            played.sort();
            assert_eq!(files, played);
        }
    };
}

scenarios! {
    election_first,
    election_split,
    election_log_too_old,
    election_vote_later,
    election_vote_persisted_first,
    election_outdated_leader,
    election_timer,
    prevote_cut_off,
    prevote_one_way,
    prevote_no_leader,
    prevote_higher_term,
    check_quorum,
    check_quorum_deaf,
    check_quorum_one_answers,
    transfer,
    transfer_gives_up,
    replication,
    replication_persisted_first,
    replication_catch_up,
    replication_batches,
    replication_lost_messages,
    replication_duplicates,
    figure_7,
    figure_8,
    figure_8_committed,
    conflict_in_flight,
    read_needs_own_commit,
    read_needs_quorum_after,
    read_isolated_leader,
    read_stale_bug,
    read_shared_round,
    lease,
    lease_silence,
    lease_restart,
    lease_transfer,
    forwarded,
    forwarded_restart,
    forwarded_twice,
    leader_change,
    limits,
    limits_bytes,
    limits_recovered,
    restart,
    restart_while_writing,
    single_member,
    snapshot_behind,
    snapshot_lost_chunks,
    snapshot_resumes,
    snapshot_void_log,
    snapshot_kept_tail,
    snapshot_known,
    snapshot_overtakes_request,
    members_add,
    members_add_slow,
    members_gives_up,
    members_remove_follower,
    members_remove_leader,
    members_remove_leader_of_two,
    members_one_at_a_time,
    members_truncated,
    members_by_snapshot,
    members_removed_is_quiet,
    members_learner,
    members_learner_stands,
    members_restart,
}
