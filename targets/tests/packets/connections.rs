//! Connections over disturbed links: TCP makes good what is wrong, in its time.

use crate::program;
use crate::stage::{Stage, both_ways, delayed, ms, until};
use squall_targets::packets::{Conditions, Loss, Reorder};
use std::time::Duration;

/// Pours so many bytes from n1 to n2, and returns how long that took.
pub async fn pour(stage: &Stage, name: &str, bytes: u64) -> Duration {
    begin(stage, name, bytes).await;
    end(stage, name, bytes).await
}

async fn begin(stage: &Stage, name: &str, bytes: u64) {
    if stage.printed("n2", "sink").is_empty() {
        stage.start("n2", "sink", &[program::SINK]).await;
        until("the sink listens", async || stage.printed("n2", "sink").contains("ready")).await;
    }
    stage.start("n1", name, &[program::POUR, "n2", &bytes.to_string()]).await;
}

async fn end(stage: &Stage, name: &str, bytes: u64) -> Duration {
    until("all has arrived", async || stage.printed("n1", name).contains('\n')).await;
    let printed = stage.printed("n1", name);
    let (right, took_us) = printed.trim().split_once(' ').unwrap_or_else(|| panic!("{printed}"));
    assert_eq!(right.parse(), Ok(bytes), "{printed}");
    Duration::from_micros(took_us.parse().unwrap())
}

/// Whatever happens to packets, every byte arrives, and right; also when it begins and ends in the middle of a connection.
pub async fn goes_on() {
    let stage = Stage::up(2).await;
    let wild = Conditions {
        loss: Some(Loss { ppm: 20_000, correlation_ppm: 300_000 }),
        duplicate_ppm: 50_000,
        reorder: Some(Reorder { ppm: 100_000, by_ns: 2_000_000 }),
        corrupt_ppm: 20_000,
        ..delayed(1)
    };
    const BYTES: u64 = 300_000;
    stage.disturb(7, &both_ways(), wild).await;
    pour(&stage, "wild", BYTES).await;
    let counters = stage.counters(&both_ways()).await;
    assert!(counters.lost > 0 && counters.duplicated > 0 && counters.corrupted > 0, "{counters:?}");
    stage.cluster.calm(7).await.unwrap();
    // So narrow a link takes half a minute for it: it is healed long before.
    stage.disturb(8, &both_ways(), Conditions { rate_bits: Some(100_000), ..Conditions::default() }).await;
    let before = stage.counters(&both_ways()).await;
    begin(&stage, "healed", BYTES).await;
    until("some of it is under way", async || (stage.counters(&both_ways()).await - before).taken > 5).await;
    stage.cluster.calm(8).await.unwrap();
    assert!(end(&stage, "healed", BYTES).await < Duration::from_secs(20));
}

pub async fn rate() {
    let stage = Stage::up(2).await;
    stage.disturb(7, &both_ways(), Conditions { rate_bits: Some(4_000_000), ..Conditions::default() }).await;
    // 500 kB and their headers take just over a second.
    let took = pour(&stage, "narrow", 500_000).await;
    assert!(took > ms(950), "{took:?}");
    stage.cluster.calm(7).await.unwrap();
    until("it is fast again", async || pour(&stage, &format!("wide{}", moment()), 500_000).await < ms(500)).await;
}

/// A name of its own for each try.
fn moment() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_nanos())
}
