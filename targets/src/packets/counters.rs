//! What was done to packets.

use std::iter::Sum;
use std::ops::{Add, Sub};

/// What has become of the packets of some links. A packet under several conditions counts at each that hit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PacketCounters {
    /// That came to the switch.
    pub taken: u64,
    /// That left it for the receiving node, copies counted.
    pub delivered: u64,
    /// That were lost by chance.
    pub lost: u64,
    /// That were dropped because too many waited already.
    pub overrun: u64,
    /// That were sent twice.
    pub duplicated: u64,
    /// That were held back, for others to overtake them.
    pub held_back: u64,
    /// In which a bit was flipped.
    pub corrupted: u64,
    /// By how much the latest one was delivered too late, because the machine was busy; in nanoseconds.
    pub late_ns_max: u64,
}

impl Add for PacketCounters {
    type Output = PacketCounters;

    fn add(self, other: PacketCounters) -> PacketCounters {
        PacketCounters {
            taken: self.taken + other.taken,
            delivered: self.delivered + other.delivered,
            lost: self.lost + other.lost,
            overrun: self.overrun + other.overrun,
            duplicated: self.duplicated + other.duplicated,
            held_back: self.held_back + other.held_back,
            corrupted: self.corrupted + other.corrupted,
            late_ns_max: self.late_ns_max.max(other.late_ns_max),
        }
    }
}

/// What was added since `before`; the latest packet is that of all time.
impl Sub for PacketCounters {
    type Output = PacketCounters;

    fn sub(self, before: PacketCounters) -> PacketCounters {
        PacketCounters {
            taken: self.taken - before.taken,
            delivered: self.delivered - before.delivered,
            lost: self.lost - before.lost,
            overrun: self.overrun - before.overrun,
            duplicated: self.duplicated - before.duplicated,
            held_back: self.held_back - before.held_back,
            corrupted: self.corrupted - before.corrupted,
            late_ns_max: self.late_ns_max,
        }
    }
}

impl Sum for PacketCounters {
    fn sum<I: Iterator<Item = PacketCounters>>(all: I) -> PacketCounters {
        all.fold(PacketCounters::default(), Add::add)
    }
}
