//! Clients that call as fast as they are answered.

use super::side::Side;
use futures_util::future::join_all;
use squall_results::{Call, Outcome};
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value is written.
    Put,
    /// A value is read, linearizably.
    Get,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Put => "puts",
            Kind::Get => "linearizable gets",
        })
    }
}

/// What was measured.
pub struct Figures {
    /// Calls a second, of all clients together.
    pub rate_hz: f64,
    /// The median latency.
    pub median: Duration,
    /// The latency that one of a hundred exceeds.
    pub p99: Duration,
}

/// The first part of the time, which does not count.
const WARM_UP: Duration = Duration::from_millis(500);

/// `count` clients, each with a key of its own.
///
/// # Errors
/// When a call fails: nothing is wrong with the servers, so then the figures are worth nothing.
pub async fn run(side: &Side, kind: Kind, count: usize, time: Duration) -> Result<Figures, Box<dyn Error>> {
    let begin = Instant::now();
    let clients = (0..count).map(|number| one(side, kind, number, begin, time));
    let mut latencies: Vec<Duration> = Vec::new();
    for found in join_all(clients).await {
        latencies.extend(found?);
    }
    latencies.sort_unstable();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    Ok(Figures { rate_hz: latencies.len() as f64 / time.as_secs_f64(), median: at(0.5), p99: at(0.99) })
}

/// The latencies of one client.
async fn one(
    side: &Side,
    kind: Kind,
    number: usize,
    begin: Instant,
    time: Duration,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    let mut client = side.client(number);
    let key = number as u64;
    let mut latencies = Vec::new();
    for value in 0.. {
        let called = Instant::now();
        if called - begin >= WARM_UP + time {
            break;
        }
        let call = match kind {
            Kind::Put => Call::Write { key, value },
            Kind::Get => Call::Read { key },
        };
        if let Outcome::Fail(why) | Outcome::Unknown(why) = client.call(&call).await.outcome {
            return Err(format!("{}: a call failed without a fault: {why}", side.name).into());
        }
        if called - begin >= WARM_UP {
            latencies.push(called.elapsed());
        }
    }
    Ok(latencies)
}
