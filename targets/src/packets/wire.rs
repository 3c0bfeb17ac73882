//! All links between the nodes of a cluster, in each direction: the conditions on them, and the packets that are under way.
//!
//! Pure: instants come in, packets that are due come out. A packet is routed by its destination, as it stands in the header
//! of IP; whatever has none of this cluster's nodes there is dropped.

use super::Conditions;
use super::counters::PacketCounters;
use super::passage::{Onward, Passage};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

/// A direction between two nodes, by their numbers from 0.
pub(crate) type Direction = (usize, usize);

/// How much is under way at most; more is dropped rather than that memory runs out.
const HELD_BYTES_MAX: usize = 256 << 20;

/// The links of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    links: BTreeMap<Direction, Link>,
    held: BinaryHeap<Reverse<Held>>,
    held_bytes: usize,
    next_number: u64,
}

#[derive(Debug, Default)]
struct Link {
    /// What a packet passes, one after the other, by the number of whoever wants it so.
    passages: Vec<(u64, Passage)>,
    /// Nothing at all passes.
    is_cut: bool,
    counters: PacketCounters,
}

/// A packet that is under way.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    at_ns: u64,
    /// Of two that are due at once the first that came goes first.
    number: u64,
    direction: Direction,
    packet: Vec<u8>,
}

impl Ord for Held {
    fn cmp(&self, other: &Held) -> Ordering {
        (self.at_ns, self.number).cmp(&(other.at_ns, other.number))
    }
}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Held) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Wire {
    /// Puts conditions on a link, behind those that are there; `number` is the one to take them away by.
    pub(crate) fn add(&mut self, direction: Direction, number: u64, conditions: Conditions, seed: u64) {
        let link = self.links.entry(direction).or_default();
        link.passages.push((number, Passage::new(conditions, seed)));
    }

    /// Takes the conditions of this number away. On a link without any more what was under way arrives at once, in the order
    /// in which it would have.
    pub(crate) fn remove(&mut self, direction: Direction, number: u64) {
        let Some(link) = self.links.get_mut(&direction) else { return };
        link.passages.retain(|(other, _)| *other != number);
        if link.passages.is_empty() {
            let mut held = std::mem::take(&mut self.held).into_sorted_vec(); // the last one first
            held.reverse();
            for Reverse(one) in held {
                let at_ns = if one.direction == direction { 0 } else { one.at_ns };
                let number = self.number();
                self.held.push(Reverse(Held { at_ns, number, ..one }));
            }
        }
    }

    /// Lets nothing pass on exactly these links.
    pub(crate) fn cut_exactly(&mut self, cut: impl IntoIterator<Item = Direction>) {
        self.links.values_mut().for_each(|link| link.is_cut = false);
        cut.into_iter().for_each(|direction| self.links.entry(direction).or_default().is_cut = true);
    }

    /// What was done on a link so far.
    pub(crate) fn counters(&self, direction: Direction) -> PacketCounters {
        self.links.get(&direction).map(|link| link.counters).unwrap_or_default()
    }

    /// Takes a packet that a node has sent. `place` says which node has an address.
    pub(crate) fn take(&mut self, at_ns: u64, from: usize, packet: &[u8], place: impl Fn([u8; 4]) -> Option<usize>) {
        let Some((destination, header_bytes)) = header(packet) else { return };
        let Some(to) = place(destination).filter(|to| *to != from) else { return };
        let link = self.links.entry((from, to)).or_default();
        link.counters.taken += 1;
        if link.is_cut {
            return;
        }
        let mut under_way = vec![(at_ns, None)];
        for (_, passage) in &mut link.passages {
            let mut behind = Vec::with_capacity(under_way.len());
            for (at_ns, flipped_before) in under_way {
                let through = passage.pass(at_ns, packet.len(), header_bytes, &mut link.counters);
                behind.extend(through.into_iter().map(|Onward { at_ns, flipped }| (at_ns, flipped.or(flipped_before))));
            }
            under_way = behind;
        }
        for (at_ns, flipped) in under_way {
            self.hold((from, to), at_ns, packet, flipped);
        }
    }

    fn hold(&mut self, direction: Direction, at_ns: u64, packet: &[u8], flipped: Option<u64>) {
        if self.held_bytes + packet.len() > HELD_BYTES_MAX {
            self.links.entry(direction).or_default().counters.overrun += 1;
            return;
        }
        let mut packet = packet.to_vec();
        if let Some(byte) = flipped.and_then(|bit| packet.get_mut((bit / 8) as usize)) {
            *byte ^= 1 << (flipped.unwrap_or_default() % 8);
        }
        self.held_bytes += packet.len();
        let number = self.number();
        self.held.push(Reverse(Held { at_ns, number, direction, packet }));
    }

    /// When the next packet is due.
    pub(crate) fn next_ns(&self) -> Option<u64> {
        self.held.peek().map(|Reverse(held)| held.at_ns)
    }

    /// The next packet that is due, and the node that it is for.
    pub(crate) fn release(&mut self, now_ns: u64) -> Option<(usize, Vec<u8>)> {
        loop {
            if self.next_ns()? > now_ns {
                return None;
            }
            let Reverse(Held { at_ns, direction, packet, .. }) = self.held.pop()?;
            self.held_bytes -= packet.len();
            let link = self.links.entry(direction).or_default();
            if link.is_cut {
                continue; // cut while it was under way
            }
            link.counters.delivered += 1;
            if at_ns > 0 {
                link.counters.late_ns_max = link.counters.late_ns_max.max(now_ns - at_ns);
            }
            return Some((direction.1, packet));
        }
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

/// Where a packet of IPv4 is to go, and the length of its header; none for anything else.
fn header(packet: &[u8]) -> Option<([u8; 4], usize)> {
    let first = *packet.first()?;
    let destination = *packet.get(16..)?.first_chunk()?;
    (first >> 4 == 4).then_some((destination, usize::from(first & 0xf) * 4))
}

#[cfg(test)]
mod tests {
    use super::super::{Delay, Distribution, Loss};
    use super::*;

    /// A packet from node to node, told apart by its last byte.
    fn packet(to: u8, mark: u8) -> Vec<u8> {
        let mut packet = vec![0; 32];
        packet[0] = 0x45;
        packet[16..20].copy_from_slice(&[10, 77, 0, to + 1]);
        packet[31] = mark;
        packet
    }

    fn place([_, _, _, host]: [u8; 4]) -> Option<usize> {
        usize::from(host).checked_sub(1).filter(|place| *place < 3)
    }

    fn delayed(by_ns: u64) -> Conditions {
        let delay = Delay { by_ns, jitter_ns: 0, distribution: Distribution::Uniform };
        Conditions { delay: Some(delay), ..Conditions::default() }
    }

    fn lossy() -> Conditions {
        Conditions { loss: Some(Loss { ppm: 1_000_000, correlation_ppm: 0 }), ..Conditions::default() }
    }

    /// All that is due, as receivers and marks.
    fn due(wire: &mut Wire, now_ns: u64) -> Vec<(usize, u8)> {
        std::iter::from_fn(|| wire.release(now_ns)).map(|(to, packet)| (to, packet[31])).collect()
    }

    #[test]
    fn each_direction_has_conditions_of_its_own() {
        let mut wire = Wire::default();
        wire.add((0, 1), 1, delayed(50), 1);
        wire.take(100, 0, &packet(1, 7), place);
        wire.take(100, 1, &packet(0, 8), place);
        wire.take(100, 0, &packet(2, 9), place);
        assert_eq!(due(&mut wire, 100), [(0, 8), (2, 9)]);
        assert_eq!((wire.next_ns(), due(&mut wire, 149)), (Some(150), vec![]));
        assert_eq!(due(&mut wire, 160), [(1, 7)]);
        let counters = wire.counters((0, 1));
        assert_eq!((counters.taken, counters.delivered, counters.late_ns_max), (1, 1, 10));
    }

    #[test]
    fn conditions_come_one_after_the_other_and_go_by_their_number() {
        let mut wire = Wire::default();
        wire.add((0, 1), 1, delayed(50), 1);
        wire.add((0, 1), 2, delayed(30), 1);
        wire.take(0, 0, &packet(1, 1), place);
        assert_eq!(wire.next_ns(), Some(80));
        wire.remove((0, 1), 1);
        wire.take(0, 0, &packet(1, 2), place);
        assert_eq!(due(&mut wire, 80), [(1, 2), (1, 1)]);
    }

    #[test]
    fn what_is_under_way_arrives_at_once_when_the_last_conditions_go() {
        let mut wire = Wire::default();
        wire.add((0, 1), 1, delayed(50), 1);
        wire.add((2, 1), 2, delayed(50), 1);
        for mark in [1, 2] {
            wire.take(u64::from(mark), 0, &packet(1, mark), place);
            wire.take(u64::from(mark), 2, &packet(1, mark + 10), place);
        }
        wire.remove((0, 1), 1);
        assert_eq!(due(&mut wire, 10), [(1, 1), (1, 2)]);
        assert_eq!(due(&mut wire, 100), [(1, 11), (1, 12)]);
        assert_eq!(wire.counters((0, 1)).late_ns_max, 0, "whatever was set free was not late");
    }

    #[test]
    fn a_cut_also_ends_what_is_under_way() {
        let mut wire = Wire::default();
        wire.add((0, 1), 1, delayed(50), 1);
        wire.take(0, 0, &packet(1, 1), place);
        wire.cut_exactly([(0, 1)]);
        wire.take(10, 0, &packet(1, 2), place);
        assert_eq!(due(&mut wire, 100), []);
        wire.cut_exactly([]);
        wire.take(100, 0, &packet(1, 3), place);
        assert_eq!(due(&mut wire, 150), [(1, 3)]);
    }

    #[test]
    fn one_bit_is_flipped_and_never_in_the_header() {
        let mut wire = Wire::default();
        wire.add((0, 1), 1, Conditions { corrupt_ppm: 1_000_000, ..Conditions::default() }, 1);
        let sent = packet(1, 0);
        for _ in 0..200 {
            wire.take(0, 0, &sent, place);
            let (_, received) = wire.release(0).unwrap();
            assert_eq!(received[..20], sent[..20]);
            let differs: u32 = received.iter().zip(&sent).map(|(one, other)| (one ^ other).count_ones()).sum();
            assert_eq!(differs, 1);
        }
    }

    #[test]
    fn what_is_lost_is_never_due_and_what_is_no_packet_of_ours_is_dropped() {
        let mut wire = Wire::default();
        wire.add((0, 1), 1, lossy(), 1);
        wire.take(0, 0, &packet(1, 1), place);
        assert_eq!(wire.counters((0, 1)).lost, 1);
        let version_6 = [&[0x60], &packet(1, 1)[1..]].concat();
        for nothing in [&packet(9, 1)[..], &packet(0, 1), &version_6, &[0x45; 7], &[]] {
            wire.take(0, 0, nothing, place);
        }
        assert_eq!((wire.next_ns(), due(&mut wire, u64::MAX)), (None, vec![]));
    }
}
