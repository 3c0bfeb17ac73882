//! What the switch costs: round trips and bandwidth over it without any conditions, beside the bridge.
//!
//! cargo test --release -p squall-targets --test packets -- --ignored --nocapture

use crate::connections::pour;
use crate::stage::{Stage, both_ways, delayed, link};
use squall_targets::packets::Conditions;
use std::time::{Duration, Instant};

const BYTES: u64 = 200_000_000;
const ROUNDS: usize = 5;

fn median<T: Ord + Copy>(mut all: Vec<T>) -> T {
    all.sort();
    all[all.len() / 2]
}

pub async fn all() {
    let stage = Stage::up(3).await;
    for way in ["bridge", "switch"] {
        if way == "switch" {
            stage.disturb(1, &both_ways(), Conditions::default()).await;
        }
        let mut trips = Vec::new();
        for _ in 0..200 {
            trips.extend(stage.round_trips(&link(1, 2), 1).await);
        }
        let mut bandwidth = Vec::new();
        for round in 0..ROUNDS {
            let took = pour(&stage, &format!("{way}{round}"), BYTES).await;
            bandwidth.push((BYTES as f64 / took.as_secs_f64() / 1e6) as u64);
        }
        println!("{way}: round trip {:?}, {} MB/s (of {bandwidth:?})", median(trips), median(bandwidth.clone()));
    }
    stage.cluster.calm(1).await.unwrap();
    let links: Vec<_> = [(1, 2), (2, 1), (1, 3), (3, 1)].map(|(from, to)| link(from, to)).into();
    let (mut inject, mut heal): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for number in 0..50 {
        let begin = Instant::now();
        stage.disturb(number, &links, delayed(50)).await;
        inject.push(begin.elapsed());
        let begin = Instant::now();
        stage.cluster.calm(number).await.unwrap();
        heal.push(begin.elapsed());
    }
    println!("four links: injected in {:?}, healed in {:?}", median(inject), median(heal));
}
