//! Servers that are lost and come back.

use super::side::{PATIENCE, Side};
use futures_util::future::join_all;
use squall_results::{Call, Outcome, Reply};
use squall_targets::client::Session;
use std::error::Error;
use std::time::{Duration, Instant};

/// The key of what is written while nobody leads, and of the last entry that is to be caught up.
const KEY: u64 = 1_000;

/// How long to wait before what failed is tried again.
const REST: Duration = Duration::from_millis(5);

/// How many write at once what another one misses.
const WRITERS: usize = 128;

/// Kills who leads, and waits until a write through another server passes; then the killed one is started again.
pub async fn leader(side: &Side) -> Result<Duration, Box<dyn Error>> {
    let deployment = &side.deployment;
    let leader = deployment.leader().await.ok_or("nobody leads")?;
    let killed = Instant::now();
    deployment.kill(&leader).await?;
    let other = deployment.nodes().iter().position(|node| node.name != leader).ok_or("there are three")?;
    let mut client = side.client_of_often(other);
    let time = loop {
        let ended = client.call(&Call::Write { key: KEY, value: 1 }).await;
        if ended.outcome.is_ok() {
            break killed.elapsed();
        }
        if killed.elapsed() > PATIENCE {
            return Err(format!("{}: no write passed after the leader was killed", side.name).into());
        }
        if ended.session != Session::Kept {
            client = side.client_of_often(other);
        }
        tokio::time::sleep(REST).await;
    };
    deployment.start(&leader).await?;
    deployment.await_agreement(PATIENCE).await?;
    Ok(time)
}

/// Kills a server that does not lead, writes `entries`, starts it again, and waits until it knows the last of them by itself.
pub async fn caught_up(side: &Side, entries: usize) -> Result<Duration, Box<dyn Error>> {
    let deployment = &side.deployment;
    let leader = deployment.leader().await.ok_or("nobody leads")?;
    let late = deployment.nodes().iter().find(|node| node.name != leader).ok_or("there are three")?;
    deployment.kill(&late.name).await?;
    let there = deployment.nodes().iter().enumerate().filter(|(_, node)| node.name != late.name);
    let there: Vec<usize> = there.map(|(number, _)| number).collect();
    let writers =
        (0..WRITERS).map(|number| write(side, there[number % there.len()], number as u64, entries / WRITERS + 1));
    for written in join_all(writers).await {
        written?;
    }
    let value = 77;
    let mut client = side.client(there[0]);
    if let Outcome::Fail(why) | Outcome::Unknown(why) = client.call(&Call::Write { key: KEY, value }).await.outcome {
        return Err(format!("{}: the last write: {why}", side.name).into());
    }
    let started = Instant::now();
    deployment.start(&late.name).await?;
    let mut client = side.client_of_one(late);
    loop {
        let ended = client.call(&Call::Read { key: KEY }).await;
        if matches!(ended.outcome, Outcome::Ok(Reply::Read { value: Some(found), .. }) if found == value) {
            return Ok(started.elapsed());
        }
        if started.elapsed() > PATIENCE {
            return Err(format!("{}: {} does not catch up", side.name, late.name).into());
        }
        if ended.session != Session::Kept {
            client = side.client_of_one(late);
        }
        tokio::time::sleep(REST).await;
    }
}

async fn write(side: &Side, node: usize, key: u64, count: usize) -> Result<(), Box<dyn Error>> {
    let mut client = side.client(node);
    for value in 0..count as i64 {
        if let Outcome::Fail(why) | Outcome::Unknown(why) = client.call(&Call::Write { key, value }).await.outcome {
            return Err(format!("{}: a write with one server down: {why}", side.name).into());
        }
    }
    Ok(())
}
