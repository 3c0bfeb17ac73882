//! Helps, lists, completions, manuals, and what the machine can do.

use crate::check;
use crate::common::Squall;
use squall_nemesis::{Change, Family, Packets, Restart, Rot, Selector, Shape, Skew, Trigger, Trouble};
use squall_results::models;
use squall_targets::disk::Model;
use squall_targets::{doctor, target};

#[test]
fn help_and_version_are_no_errors() {
    let commands = commands();
    for command in ["test", "replay", "check", "convert", "list", "doctor", "completions", "man"] {
        assert!(commands.iter().any(|name| name == command), "`{command}` is not among {commands:?}");
    }
    check(&["--help"], 0, &["Exit status"]);
    check(&["test", "--help"], 0, &["Examples", "--bug stale-read", "Exit status"]);
    check(&["--version"], 0, &[env!("CARGO_PKG_VERSION")]);
    check(&[], 64, &["Usage"]);
}

/// `squall list` has a row of this name, with what is said of it.
#[track_caller]
fn is_listed(list: &str, name: &str, about: &str) {
    let is_row = |line: &str| line.starts_with(&format!("  {name} ")) && line.ends_with(about);
    assert!(list.lines().any(is_row), "`{name}`, {about}: is missing in:\n{list}");
}

#[test]
fn list_names_everything() {
    let run = Squall::new().run(&["list"]);
    run.expect(0);
    let list = |name: &str, about: &str| is_listed(&run.stdout, name, about);
    for target in target::ALL {
        list(target.name, &format!("promises: {}", target.reads[0].promise));
        for read in target.reads {
            list(&format!("{} --read {}", target.name, read.name), &format!("promises: {}", read.promise));
        }
        target.settings.iter().for_each(|setting| list(&format!("{} --set {}=N", target.name, setting.name), ""));
        (target.bugs)().iter().for_each(|bug| list(&format!("{} --bug {}", target.name, bug.name), bug.about));
    }
    squall_workloads::ALL.iter().for_each(|workload| list(workload.name, workload.about));
    Family::ALL.iter().for_each(|family| list(family.name(), family.about()));
    Model::ALL.iter().for_each(|model| list(model.name(), model.about()));
    models::ALL.iter().for_each(|model| list(model.name, model.about));
    let of_plans: [&[(&str, &str)]; 9] = [
        &Selector::ALL,
        &Trigger::ALL,
        &Shape::ALL,
        &Skew::ALL,
        &Trouble::ALL,
        &Packets::ALL,
        &Restart::ALL,
        &Change::ALL,
        &Rot::ALL,
    ];
    of_plans.into_iter().flatten().for_each(|(name, about)| list(name, about));
}

/// The commands, as the help names them.
fn commands() -> Vec<String> {
    let run = Squall::new().run(&["--help"]);
    run.expect(0);
    let lines = run.stdout.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Long descriptions are told on lines of their own, further in.
    let names = lines.filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
    names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_help_has_examples() {
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in &commands {
        check(&[command, "--help"], 0, &["Examples:", &format!("squall {command}")]);
    }
    check(&["--help"], 0, &["Examples:", "squall test", "squall check"]);
}

#[test]
fn planted_bugs_are_told_with_all_that_is_known() {
    check(&["list", "--bugs"], 0, &["stale-read", "without confirming", "squall test raft --bug stale-read"]);
    check(
        &["list", "--bugs"],
        0,
        &["jetcd, 2024, https://", "clients see it", "--bug retry-twice --retry", "no storm"],
    );
    // One at a time: two mistakes together would hide which one was seen.
    check(&["test", "--bug", "stale-read", "--bug", "two-votes"], 64, &["--bug", "cannot be used multiple times"]);
}

#[test]
fn what_fits_together_is_told_within_80_columns() {
    let squall = Squall::new();
    let run = squall.run(&["list", "--long"]);
    run.expect(0);
    for part in ["raft --read read-index", "raft --read local", "register", "accounts", "sequential", "linearizable"] {
        assert!(run.stdout.contains(part), "`{part}` is missing in:\n{}", run.stdout);
    }
    let wide: Vec<&str> = run.stdout.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());
}

#[test]
fn completions_know_commands_flags_and_names() {
    for shell in ["bash", "zsh", "fish"] {
        check(&["completions", shell], 0, &["squall", "doctor", "time-limit", "stale-read", "partition"]);
    }
    check(&["completions", "tcsh"], 64, &["tcsh", "bash", "zsh", "fish"]);
}

#[test]
fn bash_accepts_its_completions() {
    let squall = Squall::new();
    let script = squall.file("squall.bash", &squall.run(&["completions", "bash"]).stdout);
    let words = "COMP_WORDS=(squall test --bug st); COMP_CWORD=3; _squall squall st --bug; echo \"${COMPREPLY[@]}\"";
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", &format!("set -e; . {script}; {words}")])
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "stale-read");
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    check(&["man"], 0, &[".TH squall 1", "SUBCOMMANDS", "Exit status"]);
    check(
        &["man", "test"],
        0,
        &[".TH squall-test 1", concat!("squall ", env!("CARGO_PKG_VERSION")), "time\\-limit", "Examples"],
    );
    check(&["man", "tets"], 64, &["did you mean `test`?"]);
}

#[test]
fn doctor_tells_what_works() {
    let run = Squall::new().run(&["doctor"]);
    run.expect(0);
    let findings = doctor::examine();
    for finding in &findings {
        let row = format!("  {:<8} {}: {}", finding.state, finding.what, finding.detail);
        assert!(run.stdout.lines().any(|line| line.starts_with(&row)), "`{row}` is missing in:\n{}", run.stdout);
        let remedy = finding.remedy.as_deref().unwrap_or_default();
        assert!(run.stdout.contains(remedy), "`{remedy}` is missing in:\n{}", run.stdout);
    }
    let programs = ["iptables", "tc netem", "/dev/net/tun", "/dev/fuse", "ptrace of own processes"];
    for what in programs.into_iter().chain(target::ALL.iter().map(|target| target.name)) {
        assert!(findings.iter().any(|finding| finding.what == what), "{what} is not looked for");
    }
    // Every family stands behind what it needs.
    for (family, line) in [("clock", "ptrace"), ("disk", "/dev/fuse"), ("packet", "tun"), ("starve", "no more than")] {
        let is_told = |told: &str| told.contains(line) && told.split([' ', ',', ')']).any(|word| word == family);
        assert!(run.stdout.lines().any(is_told), "{family} is missing at {line} in:\n{}", run.stdout);
    }
}
