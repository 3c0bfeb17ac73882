//! Plays seeds, and says which of them break a property and how to see it again.

use clap::Parser;
use raftd::types::Bug;
use raftd_sim::run::{Plan, run};
use std::process::ExitCode;
use std::time::Instant;

/// Plays whole clusters of raftd in virtual time. Exit status 1: a property was broken.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to play
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Plants a bug in all members
    #[arg(long, value_name = "NAME", value_parser = parse_bug)]
    bug: Option<Bug>,
    /// No faults
    #[arg(long)]
    fair: bool,
    /// Lets members break their promises until a client sees it
    #[arg(long)]
    only_clients: bool,
    /// Prints what happened
    #[arg(long)]
    trace: bool,
    /// Goes on after a violation
    #[arg(long)]
    all: bool,
}

fn parse_bug(text: &str) -> Result<Bug, String> {
    text.parse::<Bug>().map_err(|error| format!("{error}; there are: {}", Bug::ALL.map(Bug::name).join(", ")))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    let (mut played, mut violations, mut undecided, mut simulated_us, mut committed) = (0u64, 0u64, 0u64, 0u64, 0usize);
    for seed in (arguments.from..).take(usize::try_from(arguments.seeds).unwrap_or(usize::MAX)) {
        let plan = Plan { seed, bug: arguments.bug, is_fair: arguments.fair, only_clients: arguments.only_clients };
        let report = run(&plan, arguments.trace);
        print!("{}", report.trace);
        played += 1;
        undecided += u64::from(report.is_undecided);
        simulated_us += report.simulated_us;
        committed += report.committed;
        if let Some(violation) = report.violation {
            violations += 1;
            println!("seed {seed}: {violation}\n  again: {}", plan.command());
            if !arguments.all {
                break;
            }
        }
    }
    let seconds = begun.elapsed().as_secs_f64().max(1e-9);
    println!(
        "{played} seeds in {seconds:.2} s, {:.0} seeds/s, {:.0} times real time; \
         {committed} entries committed, {violations} violations, {undecided} undecided",
        played as f64 / seconds,
        simulated_us as f64 / 1e6 / seconds,
    );
    if violations > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
