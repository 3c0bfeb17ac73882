//! Disks for real, mounted on the nodes of a local cluster: what a loss of power leaves of what programs did, and what
//! programs meet when a disk fails.
//!
//! Has a `main` of its own, because the sandbox is entered before any thread exists, and because the same executable is the
//! nodes' agent, their disk, and the program that uses it. As root everything runs twice: also as an ordinary user to whom
//! `/dev/fuse` is open.

mod fails;
mod figures;
mod forgets;
mod program;
mod stage;
#[path = "../common/twice.rs"]
mod twice;

use libtest_mimic::{Failed, Trial};
use squall_targets::agent;
use squall_targets::disk::Model;
use std::env;
use std::process::ExitCode;
use twice::Device;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    match arguments.next().as_ref().and_then(|first| first.to_str()) {
        Some(agent::ARGUMENT) => return agent::run(arguments),
        Some(program::ARGUMENT) => return program::run(arguments),
        _ => {}
    }
    twice::run(Some(Device { path: "/dev/fuse", major: 10, minor: 229 }), stage::set_sandbox, trials)
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
    add("ext4_ordered_forgets", false, || stage::run(forgets::all(Model::Ext4Ordered)));
    add("posix_forgets", false, || stage::run(forgets::all(Model::Posix)));
    add("a_disk_is_an_ordinary_one_otherwise", false, || stage::run(fails::in_order()));
    add("a_disk_fails_as_it_is_told", false, || stage::run(fails::switches()));
    add("what_a_failed_sync_did_not_write_no_later_one_does", false, || stage::run(fails::failed_sync()));
    add("a_disk_that_died_leaves_no_dead_mount", false, || stage::run(fails::death()));
    add("figures", true, || stage::run(figures::all()));
    trials
}
