//! What can go wrong with the packets of a link between nodes: delay, loss, duplication, reordering, corruption, little
//! bandwidth.
//!
//! [`Conditions`] are data. Where the kernel has netem they become commands (`netem`). Elsewhere they are squall's own
//! doing: `passage` decides what becomes of one packet under them, `wire` holds all links and what is under way on them,
//! both without clock and IO; `forwarder` is the thread that gives them packets and time. Only links under a fault lead
//! there: a node reaches all others, and the controller every node, over the kernel's bridge as always.
//!
//! It must not know which faults exist, nor how nodes are made.

mod counters;
mod forwarder;
pub(crate) mod netem;
mod passage;
mod wire;

pub use counters::PacketCounters;
pub(crate) use forwarder::{End, Forwarder};

use std::fmt;

/// What is wrong with packets. The default: nothing, and yet they take the way of those with which something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conditions {
    /// How long each is on its way.
    pub delay: Option<Delay>,
    /// How many get lost.
    pub loss: Option<Loss>,
    /// Of a million packets so many arrive twice.
    pub duplicate_ppm: u32,
    /// How many are overtaken by others.
    pub reorder: Option<Reorder>,
    /// Of a million packets so many have one bit flipped behind the header of IP. The checksums of TCP and UDP find every such
    /// packet, so the receiving kernel drops it.
    pub corrupt_ppm: u32,
    /// How much passes at most, in bits a second. What would wait for longer than [`WAIT_NS_MAX`] is dropped.
    pub rate_bits: Option<u64>,
}

/// How long a packet waits at most for those before it, where bandwidth is limited, in nanoseconds.
pub const WAIT_NS_MAX: u64 = 1_000_000_000;

/// How long packets are on their way, one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// On average, in nanoseconds.
    pub by_ns: u64,
    /// How much it varies, in nanoseconds. Packets may overtake one another by it, as they do in netem.
    pub jitter_ns: u64,
    /// How it varies.
    pub distribution: Distribution,
}

/// How a delay varies around its average.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Distribution {
    /// Evenly, by the jitter at most.
    #[default]
    Uniform,
    /// As a bell; the jitter is its standard deviation.
    Normal,
    /// Mostly a little less than the average, and now and then much more: a Pareto distribution of shape 3. The jitter is its
    /// standard deviation; its tail is cut at [`TAIL_MAX`] of them.
    Pareto,
}

/// How many standard deviations a delay is above its average at most.
pub const TAIL_MAX: u64 = 6;

/// How many packets get lost: a chain of two states after Gilbert (1960), which loses what is sent in the bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loss {
    /// So many of a million, in the long run.
    pub ppm: u32,
    /// How much the fate of a packet is that of the one before it, in millionths: 0, each is lost by a chance of its own;
    /// towards 1,000,000, losses come in ever longer rows.
    pub correlation_ppm: u32,
}

/// How many packets are overtaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reorder {
    /// So many of a million are held back.
    pub ppm: u32,
    /// For so long, in nanoseconds: whatever is sent meanwhile overtakes them.
    pub by_ns: u64,
}

/// How packets of links are disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PacketMechanism {
    /// The sending node's kernel does it, by `tc ... netem`.
    Netem,
    /// A thread of squall does it, which forwards the packets of disturbed links between TUN devices of the nodes. It counts.
    Switch,
}

impl Conditions {
    /// How long a packet is on its way at most, as far as it is up to these conditions, in nanoseconds.
    pub fn delay_ns_max(&self) -> u64 {
        let delay = self.delay.map_or(0, |delay| delay.by_ns + TAIL_MAX * delay.jitter_ns);
        let back = self.reorder.map_or(0, |reorder| reorder.by_ns);
        delay + back + self.rate_bits.map_or(0, |_| WAIT_NS_MAX)
    }
}

impl fmt::Display for PacketMechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            PacketMechanism::Netem => "tc netem",
            PacketMechanism::Switch => "squall's own switch over TUN",
        })
    }
}
