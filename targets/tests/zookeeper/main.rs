//! Clients of `zookeeper` against real servers: every call, and every way in which one can end badly.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is the
//! agent of the nodes.

mod bad_ends;
mod calls;
mod power;
mod proxy;
mod stage;
#[path = "../common/transactions.rs"]
mod transactions;

use libtest_mimic::{Arguments, Failed, Trial};
use squall_targets::{agent, sandbox};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == agent::ARGUMENT) {
        return agent::run(arguments);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let sandbox = if arguments.list { Ok(()) } else { sandbox::enter().map(stage::set_sandbox) };
    if let Err(error) = sandbox {
        eprintln!("failed to {error}");
        return ExitCode::FAILURE;
    }
    libtest_mimic::run(&arguments, trials()).exit_code()
}

fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut add = |name: &str, test: fn()| {
        trials.push(Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        }));
    };
    add("every_call_has_its_reply", || stage::run(calls::replies()));
    add("a_version_that_has_changed_fails_and_keeps_the_session", || stage::run(calls::bad_version()));
    add("too_little_is_confirmed_before_it_is_told", || stage::run(calls::too_little()));
    add("single_reads_tear_and_accounts_do_not", || stage::run(calls::snapshot()));
    add("nobody_listens", || stage::run(bad_ends::refused()));
    add("a_reset_in_the_middle_is_the_end_of_the_client", || stage::run(bad_ends::reset()));
    add("a_server_that_hangs", || stage::run(bad_ends::time_out()));
    add("no_leader", || stage::run(bad_ends::no_leader()));
    add("the_leader_changes_during_a_write", || stage::run(bad_ends::leader_change()));
    add("a_session_that_moved_or_expired", || stage::run(bad_ends::expired()));
    add("a_client_that_is_dropped_closes_its_session", || stage::run(bad_ends::politely_closed()));
    add("what_was_acknowledged_outlives_the_power_of_all", || stage::run(power::of_all()));
    trials
}
