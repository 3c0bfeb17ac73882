//! etcd for real, three of them on a local cluster: every call, and every way in which a call can go wrong.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable plays
//! the nodes' agent. It needs Debian's etcd-server.

mod calls;
mod leases;
mod proxy;
mod servers;
mod slow_links;
mod stage;
#[path = "../common/transactions.rs"]
mod transactions;
mod troubles;

use libtest_mimic::{Arguments, Failed, Trial};
use squall_targets::{agent, sandbox};
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
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
    add("every_call_does_what_it_says", || stage::run(calls::all()));
    add("a_version_grows_with_every_write", || stage::run(calls::versions()));
    add("a_change_that_was_overtaken_fails", || stage::run(calls::overtaken()));
    add("a_lease_lives_and_ends", || stage::run(leases::life()));
    add("a_lease_that_is_not_kept_alive_expires", || stage::run(leases::expiry()));
    add("nobody_listens", || stage::run(troubles::refused()));
    add("a_reset_in_the_middle_is_doubt_and_the_end_of_the_session", || stage::run(troubles::reset()));
    add("a_server_killed_in_the_middle", || stage::run(troubles::killed()));
    add("a_paused_server_gives_no_answer_in_time", || stage::run(troubles::time_out()));
    add("answers_that_do_not_reach_clients", || stage::run(troubles::unheard()));
    add("without_a_leader", || stage::run(troubles::no_leader()));
    add("the_leader_changes_during_a_write", || stage::run(troubles::leader_change()));
    add("servers_stop_start_die_and_are_wiped", || stage::run(servers::lives()));
    add("what_was_acknowledged_outlives_the_power_of_all", || stage::run(servers::power()));
    add("a_log_with_a_flipped_byte_is_refused", || stage::run(servers::flipped_byte()));
    add("servers_say_who_leads_and_what_they_are", || stage::run(servers::opinions()));
    add("slow_links_make_writes_slow_and_clients_do_not_meet_them", || stage::run(slow_links::all()));
    trials
}
