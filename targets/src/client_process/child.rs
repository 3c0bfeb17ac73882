//! The inside of a client's process.

use super::wire::{Ask, Birth, Tell, line};
use crate::client::Client;
use crate::cluster::Node;
use crate::lock::LockClient;
use crate::remote::Nowhere;
use crate::target::TargetInfo;
use nix::time::{ClockId, clock_gettime};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream as StdStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

/// Serves calls until the input ends, as a client of one of the `known` targets. Standard input is a socket to squall.
pub fn run(known: &[&'static TargetInfo]) -> ExitCode {
    // One thread: whatever the client does, it does not do while that thread is stopped.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(serve(known))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("squall {}: {error}", super::ARGUMENT);
            ExitCode::FAILURE
        }
    }
}

async fn serve(known: &[&'static TargetInfo]) -> io::Result<()> {
    let socket = StdStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    socket.set_nonblocking(true)?;
    let (reading, mut writing) = UnixStream::from_std(socket)?.into_split();
    let mut lines = BufReader::new(reading).lines();
    let Some(birth) = next(&mut lines).await? else { return Ok(()) };
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut client = client(known, birth, tell).map_err(io::Error::other)?;
    while let Some(ask) = next(&mut lines).await? {
        match ask {
            Ask::Ready => say(&mut writing, &Tell::Ready).await?,
            Ask::Call(call) => {
                let completion = {
                    let call = client.call(&call);
                    tokio::pin!(call);
                    loop {
                        tokio::select! {
                            // What is told before the end is sent before it.
                            biased;
                            Some(holds) = told.recv() => say(&mut writing, &Tell::Holds(holds)).await?,
                            completion = &mut call => break completion,
                        }
                    }
                };
                // In one piece: a fault stops a process as soon as it says that it holds a lock, and a call that has given it the
                // lock must not stay open for so long. Its holder would learn of it when the lock is long over.
                let mut lines = Vec::new();
                while let Ok(holds) = told.try_recv() {
                    lines.extend(line(&Tell::Holds(holds))?);
                }
                lines.extend(line(&Tell::Ended(completion))?);
                writing.write_all(&lines).await?;
            }
        }
    }
    Ok(())
}

async fn next<T: serde::de::DeserializeOwned>(lines: &mut Lines<BufReader<OwnedReadHalf>>) -> io::Result<Option<T>> {
    let line = lines.next_line().await?;
    Ok(line.map(|line| serde_json::from_str(&line)).transpose()?)
}

async fn say(writing: &mut OwnedWriteHalf, tell: &Tell) -> io::Result<()> {
    writing.write_all(&line(tell)?).await
}

/// The client that this process is; `tell` learns whether it holds a lock.
fn client(
    known: &[&'static TargetInfo],
    birth: Birth,
    tell: mpsc::UnboundedSender<bool>,
) -> Result<Box<dyn Client>, String> {
    let Birth { target, options, node, address, clients, dir, reads, origin_ns } = birth;
    let timeout = options.call_timeout;
    let info = known.iter().find(|info| info.name == target);
    let info = info.ok_or_else(|| format!("there is no target called {target}"))?;
    let target = (info.make)(options).map_err(|error| error.to_string())?;
    let remote = Arc::new(Nowhere { node: node.clone() });
    let logs = dir.clone();
    let node = Node { name: node, address, clients, link: String::new(), dir, logs, remote };
    match target.locks(&node, reads) {
        Some(locks) => {
            let origin = origin(origin_ns).map_err(|error| format!("cannot read the clock: {error}"))?;
            Ok(Box::new(LockClient::new(locks, timeout, origin, tell)))
        }
        None => Ok(target.client(&node, reads)),
    }
}

/// The instant at which CLOCK_MONOTONIC read `origin_ns`, or a little later: who calculates with it is on the safe side.
fn origin(origin_ns: u64) -> io::Result<Instant> {
    let since =
        Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?).saturating_sub(Duration::from_nanos(origin_ns));
    Ok(Instant::now() - since)
}
