//! Local clusters for real: namespaces, agents, daemons, cuts, and that nothing is left of them.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable plays
//! other parts too: the agent, a controller to be killed, the programs on the nodes. Everything runs
//! twice at the same time: as root where the tests are, and as an ordinary user.

mod controller;
mod cuts;
mod nodes;
mod programs;
mod stage;
mod traces;
#[path = "../common/twice.rs"]
mod twice;

use libtest_mimic::{Failed, Trial};
use squall_targets::cluster::{CutMechanism, Link};
use squall_targets::{agent, doctor};
use stage::Stage;
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|first| first.to_str()) {
        Some(agent::ARGUMENT) => return agent::run(arguments),
        Some(controller::ARGUMENT) => return controller::play(arguments),
        Some(programs::ECHO) => return programs::echo(),
        Some(programs::TALK) => return programs::talk(arguments),
        _ => {}
    }
    let iptables = doctor::examine().into_iter().find(|finding| finding.what == "iptables");
    let has_iptables = iptables.as_ref().is_some_and(|finding| finding.state == doctor::State::Works);
    // Nobody is to believe that it was tested: either the doctor is wrong, or this machine is not fit for these tests.
    if !has_iptables && is_installed("iptables") {
        eprintln!("iptables is installed, and is said not to work: {iptables:?}");
        return ExitCode::FAILURE;
    }
    twice::run(None, stage::set_sandbox, |user| trials(user, has_iptables))
}

fn is_installed(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    let of_administrators = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(Into::into);
    env::split_paths(&folders).chain(of_administrators).any(|folder| folder.join(program).is_file())
}

/// The tests. Those that need iptables are ignored where there is none: the other mechanism is for such machines.
fn trials(user: &str, has_iptables: bool) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut add = |name: &str, test: fn()| {
        let trial = Trial::test(format!("{user}::{name}"), move || {
            test();
            Ok::<(), Failed>(())
        });
        trials.push(trial.with_ignored_flag(name.starts_with("iptables") && !has_iptables));
    };
    add("nodes_have_names_addresses_and_processes_of_their_own", || stage::run(nodes::identity()));
    add("a_command_gives_status_and_output", || stage::run(nodes::commands()));
    add("a_command_that_takes_too_long_is_killed_with_its_children", || stage::run(nodes::time_out()));
    add("a_daemon_stops_continues_and_dies", || stage::run(nodes::daemon_states()));
    add("a_session_gets_a_signal_as_a_whole", || stage::run(nodes::session()));
    add("a_daemon_starts_with_a_clean_slate", || stage::run(nodes::clean_slate()));
    add("what_cannot_be_done_is_told", || stage::run(nodes::refusals()));
    add("an_agent_that_died_is_reported_at_once", || stage::run(nodes::agent_death()));
    add("options_that_contradict_themselves_are_refused", || stage::run(nodes::bad_options()));
    add("clusters_of_one_process_do_not_meet", || stage::run(nodes::two_clusters()));
    add("down_leaves_nothing", || stage::run(traces::down()));
    add("dropping_leaves_nothing", || stage::run(traces::dropped()));
    add("kill_9_leaves_nothing", traces::kill_9);
    add("controllers_side_by_side_do_not_disturb_each_other", controller::side_by_side);
    add("root_of_a_container_uses_a_user_namespace", controller::root_of_a_container);
    add("a_sandbox_is_not_entered_with_threads", controller::too_late);
    add("neighbour_entries_deliver_to_nobody", || stage::run(cuts::deliver_to_nobody()));
    add("arp_does_not_undo_a_cut", || stage::run(cuts::arp()));
    add("iptables_counts_what_it_drops", || stage::run(cuts::counts()));
    add("iptables::cut_both_ways_and_heal", || stage::run(cuts::both_ways(CutMechanism::Iptables)));
    add("iptables::cut_one_way", || stage::run(cuts::one_way(CutMechanism::Iptables)));
    add("iptables::cut_from_clients", || stage::run(cuts::from_clients(CutMechanism::Iptables)));
    add("iptables::overlapping_cuts", || stage::run(cuts::overlapping(CutMechanism::Iptables)));
    add("iptables::cuts_at_the_same_time", || stage::run(cuts::concurrent(CutMechanism::Iptables)));
    add("iptables::a_connection_goes_silent_and_resumes", || stage::run(cuts::connection(CutMechanism::Iptables)));
    add("neighbours::cut_both_ways_and_heal", || stage::run(cuts::both_ways(CutMechanism::Neighbours)));
    add("neighbours::cut_one_way", || stage::run(cuts::one_way(CutMechanism::Neighbours)));
    add("neighbours::cut_from_clients", || stage::run(cuts::from_clients(CutMechanism::Neighbours)));
    add("neighbours::overlapping_cuts", || stage::run(cuts::overlapping(CutMechanism::Neighbours)));
    add("neighbours::cuts_at_the_same_time", || stage::run(cuts::concurrent(CutMechanism::Neighbours)));
    add("neighbours::a_connection_goes_silent_and_resumes", || stage::run(cuts::connection(CutMechanism::Neighbours)));
    trials
}

/// The link between two nodes by their numbers.
fn link(from: u8, to: u8) -> Link {
    Link { from: format!("n{from}"), to: format!("n{to}") }
}

/// How many of the datagrams of a probe arrive over each of the links, in percent.
async fn arrived(stage: &Stage, links: &[Link]) -> u64 {
    let count = stage.cluster.probe(links).await.unwrap();
    count.arrived * 100 / count.sent
}
