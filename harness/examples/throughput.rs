//! How many operations a second the run loop can do, history included, when the target answers at once.
//!
//!     cargo run --release -p squall --example throughput

use async_trait::async_trait;
use squall::clock::RunClock;
use squall::driver::{Clients, Crew, Workplace};
use squall::interpreter::Interpreter;
use squall::traffic::Traffic;
use squall::{recorder, seed, stop};
use squall_results::{Call, Outcome, Reply};
use squall_targets::client::{Client, Completion, Session};
use squall_workloads::generator::{KeyLimits, Limit};
use squall_workloads::{Generator, Options};
use std::sync::Arc;
use std::time::Instant;

const CALLS: usize = 1_000_000;
const ROUNDS: usize = 5;

/// Answers at once, and to every call the same.
struct Instantly;

impl Clients for Instantly {
    fn client(&self, _node: usize, _process: u64) -> Box<dyn Client> {
        Box::new(Instantly)
    }
}

#[async_trait]
impl Client for Instantly {
    async fn call(&mut self, call: &Call) -> Completion {
        let reply = match call {
            Call::Read { .. } => Reply::Read { value: None, version: None },
            _ => Reply::Written { version: None },
        };
        Completion { outcome: Outcome::Ok(reply), session: Session::Kept }
    }
}

fn generator(workers: usize) -> Box<dyn Generator> {
    let rng = seed::stream(1, "workload");
    let options = Options { workers, nodes: 3, key_limits: KeyLimits::default(), rng };
    let register = squall_workloads::find("register").expect("it is in the list");
    Box::new(Limit::new(CALLS, (register.storm)(options)))
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for workers in [1, 12, 100] {
        let rounds = (0..ROUNDS).map(|_| runtime.block_on(round(workers))).collect::<anyhow::Result<Vec<f64>>>()?;
        let mut rates = rounds;
        rates.sort_by(f64::total_cmp);
        let (least, median, most) = (rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]);
        println!("{workers:>4} workers: {median:>9.0} operations/s, history included (from {least:.0} to {most:.0})");
    }
    Ok(())
}

async fn round(workers: usize) -> anyhow::Result<f64> {
    let folder = std::env::temp_dir().join(format!("squall-throughput-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("history.jsonl");
    let (stopper, mut stop) = stop::channel();
    let (recorder, recording) = recorder::start(&path, stopper, None)?;
    let place = Workplace {
        clock: RunClock::start(),
        recorder,
        tally: Arc::default(),
        traffic: Arc::new(Traffic::new(["n1", "n2", "n3"].map(String::from))),
        clients: Arc::new(Instantly),
    };
    let begin = Instant::now();
    let mut crew = Crew::hire(workers, place);
    crew.drive(&mut Interpreter::new(generator(workers), workers, 3), &mut stop).await.expect("no worker panics");
    drop(crew);
    recording.finish()?;
    let rate = CALLS as f64 / begin.elapsed().as_secs_f64();
    std::fs::remove_dir_all(&folder)?;
    Ok(rate)
}
