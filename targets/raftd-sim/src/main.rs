//! Plays seeds, and says which of them break a property and how to see it again.

use clap::Parser;
use raftd::types::Bug;
use raftd_sim::run::{Plan, Report, run};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use std::process::ExitCode;
use std::time::Instant;

/// Plays whole clusters of raftd in virtual time, on all processors. Exit status 1: a property was broken; 2: none was, but
/// a history was too hard to judge.
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

impl Arguments {
    fn plan(&self, seed: u64) -> Plan {
        Plan { seed, bug: self.bug, is_fair: self.fair, only_clients: self.only_clients }
    }
}

fn parse_bug(text: &str) -> Result<Bug, String> {
    text.parse::<Bug>().map_err(|error| format!("{error}; there are: {}", Bug::ALL.map(Bug::name).join(", ")))
}

/// So many seeds are played before the next ones begin; what they did is told in their order.
const BATCH: u64 = 64;

/// What became of all seeds together.
#[derive(Debug, Default)]
struct Sum {
    played: u64,
    violations: u64,
    undecided: u64,
    simulated_us: u64,
    committed: usize,
}

impl Sum {
    fn add(&mut self, report: &Report) {
        self.played += 1;
        self.violations += u64::from(report.violation.is_some());
        self.undecided += u64::from(report.is_undecided);
        self.simulated_us += report.simulated_us;
        self.committed += report.committed;
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let begun = Instant::now();
    let mut sum = Sum::default();
    let end = arguments.from.saturating_add(arguments.seeds);
    let mut first = arguments.from;
    while first < end && (sum.violations == 0 || arguments.all) {
        let next = end.min(first.saturating_add(BATCH));
        let plans = (first..next).into_par_iter().map(|seed| arguments.plan(seed));
        let played: Vec<(Plan, Report)> = plans.map(|plan| (plan, run(&plan, arguments.trace))).collect();
        for (plan, report) in &played {
            print!("{}", report.trace);
            sum.add(report);
            if let Some(violation) = &report.violation {
                println!("seed {}: {violation}\n  again: {}", plan.seed, plan.command());
                if !arguments.all {
                    break;
                }
            }
        }
        first = next;
    }
    let seconds = begun.elapsed().as_secs_f64().max(1e-9);
    println!(
        "{} seeds in {seconds:.2} s on {} threads, {:.0} seeds/s, {:.0} times real time; \
         {} entries committed, {} violations, {} undecided",
        sum.played,
        rayon::current_num_threads(),
        sum.played as f64 / seconds,
        sum.simulated_us as f64 / 1e6 / seconds,
        sum.committed,
        sum.violations,
        sum.undecided,
    );
    match sum {
        Sum { violations: 1.., .. } => ExitCode::FAILURE,
        Sum { undecided: 1.., .. } => ExitCode::from(2),
        _ => ExitCode::SUCCESS,
    }
}
