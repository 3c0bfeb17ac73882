//! What a run is like: drawn once from its seed, so that some runs are mild, some wild, and each in its own way.
//!
//! Kinds of faults are drawn like a swarm (Groce and others, "Swarm Testing", 2012): each run leaves some of them out
//! altogether and has much of others. A run in which everything goes wrong a little seldom gets far into any one mistake.

use crate::clocks::Clocks;
use crate::comings::Comings;
use crate::member::Limits;
use crate::time::{MS, Micros};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The climate of a run.
#[derive(Debug, Clone)]
pub struct Weather {
    /// How many members the cluster begins with.
    pub members: usize,
    /// How many clients work on it.
    pub clients: usize,
    /// How long the storm lasts; 0: there is none.
    pub storm_us: Micros,
    /// The usual delay of a message is drawn up to this.
    pub delay_us_max: Micros,
    /// The share of messages that take ten times as long, and so are overtaken.
    pub late: f64,
    /// The share of messages that are lost.
    pub loss: f64,
    /// The share of messages that arrive twice.
    pub twice: f64,
    /// How long a disk takes to make a write durable, at most.
    pub disk_us_max: Micros,
    /// The mean time between two faults.
    pub fault_every_us: Micros,
    /// How often each kind of fault comes.
    pub swarm: Swarm,
    /// How long a member that crashed stays down, at most.
    pub down_us_max: Micros,
    /// How long a partition lasts, at most.
    pub cut_us_max: Micros,
    /// What is small, so that few entries suffice to reach it.
    pub limits: Limits,
    /// What clocks are like, if leaders have leases.
    pub clocks: Option<Clocks>,
    /// How the members change, if they do.
    pub comings: Option<Comings>,
}

/// How often each kind of fault comes, in relation to the others; 0: never.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swarm {
    /// Members crash.
    pub crash: u32,
    /// Links are cut, both ways.
    pub partition: u32,
    /// Links are cut, one way.
    pub one_way: u32,
    /// A member asks for votes without reason.
    pub campaign: u32,
    /// Two members ask for votes at once, and others crash meanwhile.
    pub duel: u32,
    /// A member's clock stands still.
    pub stop_clock: u32,
    /// The leader is asked to hand over.
    pub transfer: u32,
}

impl Swarm {
    fn draw(rng: &mut ChaCha8Rng) -> Swarm {
        let mut weight = |usual: u32| if rng.random_bool(0.75) { rng.random_range(usual / 4..=usual * 2) } else { 0 };
        Swarm {
            crash: weight(40),
            partition: weight(32),
            one_way: weight(8),
            campaign: weight(4),
            duel: weight(14),
            stop_clock: weight(8),
            transfer: weight(4),
        }
    }
}

/// A share that is nought in some runs.
fn share(most: f64, rng: &mut ChaCha8Rng) -> f64 {
    if rng.random_bool(0.8) { rng.random_range(0.0..most) } else { 0.0 }
}

impl Weather {
    /// No fault, no loss, no rival candidates, and messages in order or nearly so.
    pub fn fair(rng: &mut ChaCha8Rng) -> Weather {
        Weather {
            members: if rng.random() { 3 } else { 5 },
            clients: 3,
            storm_us: 0,
            delay_us_max: MS,
            late: 0.0,
            loss: 0.0,
            twice: 0.0,
            disk_us_max: 2 * MS,
            fault_every_us: Micros::MAX,
            swarm: Swarm::default(),
            down_us_max: 0,
            cut_us_max: 0,
            limits: Limits {
                batch_entries: 256,
                segment_bytes: 1 << 14,
                snapshot_entries: [10, 50][rng.random_range(0..2)],
                keep_entries: 5,
                chunk_bytes: 1 << 10,
            },
            clocks: None,
            comings: None,
        }
    }

    /// A storm.
    pub fn storm(rng: &mut ChaCha8Rng) -> Weather {
        let members = [1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 5, 5, 5, 6, 7];
        Weather {
            members: members[rng.random_range(0..members.len())],
            clients: rng.random_range(2..=4),
            storm_us: rng.random_range(3000..10_000) * MS,
            delay_us_max: rng.random_range(1..40) * MS,
            late: share(0.1, rng),
            loss: share(0.15, rng),
            twice: share(0.1, rng),
            disk_us_max: rng.random_range(1..60) * MS,
            fault_every_us: rng.random_range(60..700) * MS,
            swarm: Swarm::draw(rng),
            down_us_max: rng.random_range(50..800) * MS,
            cut_us_max: rng.random_range(100..3000) * MS,
            limits: Limits {
                batch_entries: [1, 1, 2, 4, 256][rng.random_range(0..5)],
                segment_bytes: [300, 1000, 1 << 14][rng.random_range(0..3)],
                snapshot_entries: [4, 12, 40, 150, u64::MAX][rng.random_range(0..5)],
                keep_entries: [0, 3, 50][rng.random_range(0..3)],
                chunk_bytes: [100, 300, 1 << 16][rng.random_range(0..3)],
            },
            clocks: None,
            comings: None,
        }
    }

    /// The same climate when the storm is over: nothing is lost any more.
    pub fn calm(&mut self) {
        (self.late, self.loss, self.twice) = (0.0, 0.0, 0.0);
        self.delay_us_max = self.delay_us_max.min(5 * MS);
        self.disk_us_max = self.disk_us_max.min(5 * MS);
    }
}
