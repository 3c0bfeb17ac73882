//! raftd beside etcd: the same clients, the same times, the same disk, one after the other in one run.
//!
//! ```text
//! cargo run --release -p squall-targets --example versus [-- FOLDER]
//! ```
//!
//! Three servers each on a local cluster, data under FOLDER (a new one under the target's temporary folder): every
//! acknowledged write is on the disk of two of them. It prints a table with the ratios, medians of all rounds.

mod load;
mod lost;
mod side;
mod table;

use load::{Figures, Kind};
use side::Side;
use squall_targets::{agent, raft, sandbox};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use table::Table;

/// How often everything is measured; the two take turns.
const ROUNDS: usize = 3;

/// How many clients call at once, spread over the servers.
const CLIENTS: [usize; 3] = [1, 16, 64];

/// How long each load lasts.
const LOAD: Duration = Duration::from_secs(4);

/// How often a leader is killed in each round.
const LEADERS: usize = 5;

/// How many entries a server misses that has to catch up.
const ENTRIES: usize = 100_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    if first.as_ref().is_some_and(|first| first == agent::ARGUMENT) {
        return agent::run(arguments);
    }
    if first.as_ref().is_some_and(|first| first == raft::ARGUMENT) {
        return raftd::cli::main(std::env::args_os().skip(1));
    }
    let folder = first.map_or_else(|| std::env::temp_dir().join("squall-versus"), PathBuf::from);
    match measure(&folder.join(std::process::id().to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to measure: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let sandbox = sandbox::enter()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut table = Table::default();
    for round in 0..ROUNDS {
        for name in ["raft", "etcd"] {
            eprintln!("round {} of {ROUNDS}: {name}", round + 1);
            let place = folder.join(format!("{name}-{round}"));
            runtime.block_on(async {
                let side = Side::up(&sandbox, name, &place).await?;
                round_of(&side, &mut table).await?;
                side.down().await
            })?;
            std::fs::remove_dir_all(&place)?;
        }
    }
    let _ = std::fs::remove_dir(folder);
    print!("{table}");
    Ok(())
}

async fn round_of(side: &Side, table: &mut Table) -> Result<(), Box<dyn Error>> {
    for clients in CLIENTS {
        for kind in [Kind::Put, Kind::Get] {
            let Figures { rate_hz, median, p99 } = load::run(side, kind, clients, LOAD).await?;
            let what = format!("{kind}, {clients} at once");
            table.more(&format!("{what}: a second"), side.name, rate_hz);
            table.less(&format!("{what}: median ms"), side.name, median.as_secs_f64() * 1e3);
            table.less(&format!("{what}: 99 % ms"), side.name, p99.as_secs_f64() * 1e3);
        }
    }
    for _ in 0..LEADERS {
        let time = lost::leader(side).await?;
        table.less("kill -9 of the leader to the first write: ms", side.name, time.as_secs_f64() * 1e3);
    }
    let time = lost::caught_up(side, ENTRIES).await?;
    table.less(&format!("start to having caught up {ENTRIES} entries: ms"), side.name, time.as_secs_f64() * 1e3);
    Ok(())
}
