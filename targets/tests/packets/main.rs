//! Packets of real links that are delayed, lost, duplicated, overtaken, corrupted, squeezed: measured by datagrams and
//! connections of programs on the nodes, under squall's own switch.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is the
//! agent and the programs on the nodes. As root everything runs twice: also as an ordinary user to whom `/dev/net/tun` is
//! open.

mod connections;
mod figures;
mod links;
mod ordinary;
mod program;
mod refusals;
mod stage;

use libtest_mimic::{Arguments, Failed, Trial};
use ordinary::OrdinaryUser;
use squall_targets::cluster::CutMechanism;
use squall_targets::{agent, sandbox};
use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|first| first.to_str()) {
        Some(agent::ARGUMENT) => return agent::run(arguments),
        Some(program::SINK) => return program::sink(),
        Some(program::POUR) => return program::pour(arguments),
        _ => {}
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let is_root = nix::unistd::geteuid().is_root();
    let ordinary = if is_root && !arguments.list { OrdinaryUser::start().map(Some) } else { Ok(None) };
    let sandbox = if arguments.list { Ok(()) } else { sandbox::enter().map(stage::set_sandbox) };
    if let Err(error) = sandbox {
        eprintln!("failed to {error}");
        return ExitCode::FAILURE;
    }
    let here = libtest_mimic::run(&arguments, trials(if is_root { "root" } else { "user" }));
    match ordinary.and_then(|run| run.map_or(Ok(true), OrdinaryUser::finish)) {
        Ok(true) => here.exit_code(),
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the tests could not be run as an ordinary user: {error}");
            ExitCode::FAILURE
        }
    }
}

fn trials(user: &str) -> Vec<Trial> {
    let mut trials = Vec::new();
    let mut add = |name: &str, is_ignored: bool, test: fn()| {
        let trial = Trial::test(format!("{user}::{name}"), move || {
            test();
            Ok::<(), Failed>(())
        });
        trials.push(trial.with_ignored_flag(is_ignored));
    };
    add("a_delay_shows_in_round_trips_of_its_link_alone_until_it_is_healed", false, || stage::run(links::delay()));
    add("a_direction_is_delayed_alone", false, || stage::run(links::one_way()));
    add("as_many_are_lost_as_are_to_be", false, || stage::run(links::loss()));
    add("packets_come_twice", false, || stage::run(links::duplicates()));
    add("packets_overtake_others", false, || stage::run(links::reordering()));
    add("checksums_find_what_is_corrupted", false, || stage::run(links::corruption()));
    add("no_more_passes_than_the_link_is_wide", false, || stage::run(links::rate()));
    add("what_is_wrong_adds_up_and_goes_by_its_number", false, || stage::run(links::overlapping()));
    add("iptables_cut_disturbed_links", false, || stage::run(links::cuts(None)));
    add("neighbour_entries_cut_disturbed_links", false, || stage::run(links::cuts(Some(CutMechanism::Neighbours))));
    add("a_connection_goes_on_over_all_of_it", false, || stage::run(connections::goes_on()));
    add("a_connection_is_as_fast_as_the_link_is_wide", false, || stage::run(connections::rate()));
    add("what_cannot_be_done_is_told", false, || stage::run(refusals::told()));
    add("nothing_is_left", false, || stage::run(refusals::nothing_is_left()));
    add("figures", true, || stage::run(figures::all()));
    trials
}
