//! Packets of real links that are delayed, lost, duplicated, overtaken, corrupted, squeezed: measured by datagrams and
//! connections of programs on the nodes, under squall's own switch.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is the
//! agent and the programs on the nodes. As root everything runs twice: also as an ordinary user to whom `/dev/net/tun` is
//! open.

mod connections;
mod figures;
mod links;
mod program;
mod refusals;
mod stage;
#[path = "../common/twice.rs"]
mod twice;

use libtest_mimic::{Failed, Trial};
use squall_targets::agent;
use squall_targets::cluster::CutMechanism;
use std::env;
use std::process::ExitCode;
use twice::Device;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|first| first.to_str()) {
        Some(agent::ARGUMENT) => return agent::run(arguments),
        Some(program::SINK) => return program::sink(),
        Some(program::POUR) => return program::pour(arguments),
        _ => {}
    }
    twice::run(Some(Device { path: "/dev/net/tun", major: 10, minor: 200 }), stage::set_sandbox, trials)
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
