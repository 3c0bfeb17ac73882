//! Looks at all that can happen to three members within bounds, and says how much that was:
//!
//! ```text
//! cargo run --release -p raftd-sim --example exhaustive -- --terms 3 --in-flight 3 --crashes 1
//! cargo run --release -p raftd-sim --example exhaustive -- --terms 4 --bug commit-old-term
//! ```

use clap::Parser;
use raftd::types::Bug;
use raftd_sim::exhaustive::{Bounds, Ended, Found, explore};
use std::process::ExitCode;
use std::time::Instant;

/// Looks at everything that can happen to a small cluster of raftd's core. Exit status 1: a property was broken; 2: there were
/// too many states
#[derive(Debug, Parser)]
struct Arguments {
    /// How many members there are
    #[arg(long, default_value_t = Bounds::default().members)]
    members: u64,
    /// No election begins a later term than this
    #[arg(long, default_value_t = Bounds::default().terms)]
    terms: u64,
    /// Only members that know of the newest term begin elections
    #[arg(long)]
    newest_only: bool,
    /// How many messages are under way at most
    #[arg(long, default_value_t = Bounds::default().in_flight)]
    in_flight: usize,
    /// How many times members lose their power
    #[arg(long, default_value_t = Bounds::default().crashes)]
    crashes: u32,
    /// How many times leaders send heartbeats
    #[arg(long, default_value_t = Bounds::default().heartbeats)]
    heartbeats: u32,
    /// How many commands are asked for
    #[arg(long, default_value_t = Bounds::default().commands)]
    commands: u32,
    /// Writes take time
    #[arg(long)]
    slow_disk: bool,
    /// With more states than this the search gives up
    #[arg(long, default_value_t = Bounds::default().states_max)]
    states_max: usize,
    /// Plants a bug in all members
    #[arg(long, value_name = "NAME")]
    bug: Option<Bug>,
}

fn main() -> ExitCode {
    let Arguments { members, terms, newest_only, in_flight, crashes, heartbeats, commands, slow_disk, states_max, bug } =
        Arguments::parse();
    let bounds =
        Bounds { members, terms, newest_only, in_flight, crashes, heartbeats, commands, slow_disk, states_max };
    let begun = Instant::now();
    let Found { states, steps, depth, ended } = explore(&bounds, bug);
    let status = match &ended {
        Ended::All => ExitCode::SUCCESS,
        Ended::Broken { property, evidence, story } => {
            println!("{property} is broken: {evidence}");
            story.iter().zip(1..).for_each(|(told, number)| println!("  {number:>2}  {told}"));
            ExitCode::FAILURE
        }
        Ended::GaveUp => ExitCode::from(2),
    };
    let how = match ended {
        Ended::All => "finished: there are no others",
        Ended::Broken { .. } => "until the first violation",
        Ended::GaveUp => "gave up",
    };
    let seconds = begun.elapsed().as_secs_f64();
    println!("{states} states by {steps} steps, {depth} deep, in {seconds:.1} s; {how}");
    status
}
