//! How long a local cluster of five nodes takes to come up, to cut in two, to heal and to go down.
//!
//! `cargo run --release -p squall-targets --example cluster_start`

use squall_targets::cluster::{Cluster, ClusterOptions, CutMechanism, Link};
use squall_targets::{agent, sandbox};
use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const ROUNDS: usize = 10;
const NODES: usize = 5;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == agent::ARGUMENT) {
        return agent::run(arguments);
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed to {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Box<dyn Error>> {
    let sandbox = sandbox::enter()?;
    println!("{NODES} nodes, {:?}, median of {ROUNDS} rounds in milliseconds", sandbox.privilege());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let folder = std::env::temp_dir().join(format!("squall-cluster-start-{}", std::process::id()));
    for mechanism in [CutMechanism::Neighbours, CutMechanism::Iptables] {
        let mut times: [Vec<Duration>; 4] = Default::default();
        for _ in 0..ROUNDS {
            let names = (1..=NODES).map(|node| format!("n{node}")).collect();
            let options = ClusterOptions {
                names,
                folder: folder.clone(),
                cut: Some(mechanism),
                packets: Default::default(),
                agent: std::env::current_exe()?,
            };
            let round = runtime.block_on(round(&sandbox, options))?;
            times.iter_mut().zip(round).for_each(|(times, time)| times.push(time));
        }
        let [up, cut, heal, down] = times.map(median_ms);
        println!("{mechanism}: up {up:.1} (agents answer), cut {cut:.1}, heal {heal:.1}, down {down:.1}");
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Up, cut two nodes off from three in both directions, heal, down.
async fn round(sandbox: &sandbox::Sandbox, options: ClusterOptions) -> Result<[Duration; 4], Box<dyn Error>> {
    let begun = Instant::now();
    let cluster = Cluster::up(sandbox, options).await?;
    let up = begun.elapsed();
    let mut links = Vec::new();
    for (a, b) in [(1, 3), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)] {
        let (a, b) = (format!("n{a}"), format!("n{b}"));
        links.extend([Link { from: a.clone(), to: b.clone() }, Link { from: b, to: a }]);
    }
    let begun = Instant::now();
    cluster.cut(&links).await?;
    let cut = begun.elapsed();
    let begun = Instant::now();
    cluster.heal(&links).await?;
    let heal = begun.elapsed();
    let begun = Instant::now();
    cluster.down().await?;
    Ok([up, cut, heal, begun.elapsed()])
}

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}
