//! Packets between nodes that are delayed, lost, duplicated, overtaken, corrupted or squeezed. That they are is measured by
//! datagrams and round trips over the links themselves, before, at the beginning and after. Client links are never touched.

use super::{FaultError, Hit};
use crate::packets::{Delay, Packets};
use squall_targets::Deployment;
use squall_targets::cluster::{ClusterError, Disturbance, Link};
use squall_targets::packets::PacketCounters;
use squall_targets::remote::Arrivals;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long it may take until it shows. It takes milliseconds, or as long as the delay; but what does not show ends the run,
/// and an overloaded machine is no reason for that.
const SHOW_TIMEOUT: Duration = Duration::from_secs(10);

/// How many round trips are made over each pair of nodes at a time.
const TRIPS: u32 = 10;

/// With fewer the middle of them says nothing.
const TRIPS_MIN: usize = 5;

/// How many datagrams are sent over each link at a time to see what becomes of them, and to see that all is well again.
const PROBES: u32 = 100;
const PROBES_AFTER: u32 = 20;

/// The size of datagrams, where it does not matter, and where it does.
const SMALL_BYTES: u32 = 20;
const LARGE_BYTES: u32 = 1_400;

/// A large datagram with the headers of UDP and IP.
const LARGE_BITS: u64 = 8 * (LARGE_BYTES as u64 + 28);

/// How much faster than its limit a link may look, measured by few datagrams.
const RATE_TOLERANCE: f64 = 1.25;

/// What tells a fault from others, and what was measured before it.
#[derive(Debug, Clone, Default)]
pub struct Ticket {
    /// Its number at the cluster, and the seed of its chance.
    pub number: u64,
    before: Arc<OnceLock<Before>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Before {
    trip: Option<Duration>,
    counters: Option<PacketCounters>,
}

impl Ticket {
    /// One of this number.
    pub fn of(number: u64) -> Ticket {
        Ticket { number, before: Arc::default() }
    }
}

/// Disturbs the links, and measures them until it shows.
pub async fn inject(packets: Packets, hit: &Hit, deployment: &Deployment) -> Result<String, FaultError> {
    let cluster = deployment.cluster();
    let pairs = pairs(&deployment.uncut(&hit.links));
    let trip = middle(cluster.round_trips(&pairs, TRIPS).await?.concat());
    let before = Before { trip, counters: cluster.packet_counters(&hit.links).await? };
    let _ = hit.packets.before.set(before); // a fault is injected once
    let (number, links) = (hit.packets.number, hit.links.clone());
    cluster.disturb(&Disturbance { number, links, conditions: packets.conditions() }).await?;
    let begin = Instant::now();
    let mut seen = Seen::default();
    loop {
        let open = deployment.uncut(&hit.links);
        if open.is_empty() {
            return Ok("it is there, but was not measured: partitions hold all of its links".into());
        }
        seen.look(packets, &open, deployment).await?;
        match seen.told(packets, hit) {
            Ok(told) => return Ok(told),
            Err(missing) if begin.elapsed() > SHOW_TIMEOUT => return Err(FaultError::NotShown(missing)),
            Err(_) => {}
        }
    }
}

/// Leaves the links alone again, and measures them until nothing shows any more.
pub async fn heal(packets: Option<Packets>, hit: &Hit, deployment: &Deployment) -> Result<String, FaultError> {
    let cluster = deployment.cluster();
    let before = hit.packets.before.get().copied().unwrap_or_default();
    cluster.calm(hit.packets.number).await?;
    let done = cluster.packet_counters(&hit.links).await?;
    let done = done.zip(before.counters).map(|(now, before)| counted(now - before)).unwrap_or_default();
    let added = packets.map_or(Duration::ZERO, |packets| packets.round_trip_max(&hit.links));
    let limit = before.trip.filter(|_| !added.is_zero()).map(|trip| trip + added / 2);
    let begin = Instant::now();
    loop {
        let open = left_alone(&hit.links, deployment).await?;
        if open.is_empty() {
            return Ok(format!("taken away, but not measured: other faults hold all of its links{done}"));
        }
        let passed = cluster.packet_counters(&open).await?;
        let arrivals = cluster.probe_each(&open, PROBES_AFTER, SMALL_BYTES).await?;
        let trips = cluster.round_trips(&pairs(&open), TRIPS).await?;
        let whole = arrivals.iter().filter(|arrivals| is_whole(arrivals)).count();
        let are_back = trips.iter().all(|trips| trips.len() == TRIPS as usize);
        let trip = middle(trips.concat());
        let is_fast = trip.zip(limit).is_none_or(|(trip, limit)| trip < limit);
        let is_left_alone = passed == cluster.packet_counters(&open).await?;
        if whole == open.len() && are_back && is_fast && is_left_alone {
            let trip = trip.map(|trip| format!("round trip {}; ", ms(trip))).unwrap_or_default();
            let probes = u64::from(PROBES_AFTER) * open.len() as u64;
            return Ok(format!("{trip}all of {probes} probes arrived once and in order{done}"));
        }
        if begin.elapsed() > SHOW_TIMEOUT {
            let trip = trip.map_or("unknown".into(), ms);
            return Err(FaultError::NotShown(format!(
                "{whole} of {} links are whole again, and the round trip is {trip}",
                open.len()
            )));
        }
    }
}

/// Those of the links that neither a partition nor another packet fault has.
async fn left_alone(links: &[Link], deployment: &Deployment) -> Result<Vec<Link>, ClusterError> {
    let disturbed = deployment.cluster().disturbed(links).await?;
    Ok(deployment.uncut(links).into_iter().filter(|link| !disturbed.contains(link)).collect())
}

fn is_whole(arrivals: &Arrivals) -> bool {
    (arrivals.distinct, arrivals.copies, arrivals.overtaken) == (PROBES_AFTER, 0, 0)
}

/// What was measured over the links so far.
#[derive(Debug, Default)]
struct Seen {
    trips: BTreeMap<Link, Vec<Duration>>,
    sent: u64,
    arrived: u64,
    copies: u64,
    overtaken: u64,
    /// How much passed each link, in bits a second.
    rates_bits: Vec<f64>,
}

impl Seen {
    /// Measures whatever these packet faults change. Links that a partition takes meanwhile do not count.
    async fn look(&mut self, packets: Packets, open: &[Link], deployment: &Deployment) -> Result<(), ClusterError> {
        let cluster = deployment.cluster();
        if packets.delay.is_some() {
            let pairs = pairs(open);
            let trips = cluster.round_trips(&pairs, TRIPS).await?;
            for (pair, trips) in pairs.into_iter().zip(trips) {
                let both = [pair.clone(), opposite(&pair)];
                if deployment.uncut(&both).len() == both.len() {
                    self.trips.entry(pair).or_default().extend(trips);
                }
            }
        }
        let is_any = [packets.loss, packets.duplicate, packets.corrupt].iter().any(Option::is_some);
        if is_any || packets.reorder.is_some() {
            let arrivals = cluster.probe_each(open, PROBES, SMALL_BYTES).await?;
            for arrivals in still_open(open, arrivals, deployment) {
                self.sent += u64::from(PROBES);
                self.arrived += u64::from(arrivals.distinct);
                self.copies += u64::from(arrivals.copies);
                self.overtaken += u64::from(arrivals.overtaken);
            }
        }
        if let Some(rate) = packets.rate {
            // What passes in a fifth of a second, within reason.
            let count = (rate.bits() / 5 / LARGE_BITS).clamp(4, 60) as u32;
            let arrivals = cluster.probe_each(open, count, LARGE_BYTES).await?;
            let measured = still_open(open, arrivals, deployment).into_iter();
            self.rates_bits.extend(measured.filter(|arrivals| arrivals.distinct > 1).map(|arrivals| {
                let bits = (u64::from(arrivals.distinct) - 1) * LARGE_BITS;
                bits as f64 * 1e9 / arrivals.span_ns.max(1) as f64
            }));
        }
        Ok(())
    }

    /// What shows all of it, or what does not show yet.
    fn told(&self, packets: Packets, hit: &Hit) -> Result<String, String> {
        let mut told = Vec::new();
        if let Some(delay) = packets.delay {
            told.push(self.delay_told(delay, hit)?);
        }
        let probed = [
            (packets.loss.or(packets.corrupt).is_some(), self.sent - self.arrived, "were lost"),
            (packets.duplicate.is_some(), self.copies, "came twice"),
            (packets.reorder.is_some(), self.overtaken, "were overtaken"),
        ];
        for (_, count, what) in probed.into_iter().filter(|(is_wanted, ..)| *is_wanted) {
            if count == 0 {
                return Err(format!("none of {} probes {what}", self.sent));
            }
            told.push(format!("{count} of {} probes {what}", self.sent));
        }
        if let Some(rate) = packets.rate {
            let fastest = self.rates_bits.iter().copied().reduce(f64::max);
            let fastest = fastest.ok_or_else(|| "too few probes arrived to measure a rate".to_owned())?;
            if fastest > rate.bits() as f64 * RATE_TOLERANCE {
                return Err(format!("{:.2} mbit/s pass", fastest / 1e6));
            }
            told.push(format!("{:.2} mbit/s pass at most", fastest / 1e6));
        }
        Ok(told.join("; "))
    }

    /// Every pair of nodes must be as slow as both of its links are to be.
    fn delay_told(&self, delay: Delay, hit: &Hit) -> Result<String, String> {
        if self.trips.is_empty() {
            return Ok("delayed, but not measured: partitions hold one of two ways everywhere".into());
        }
        for (pair, trips) in &self.trips {
            let delayed = [pair.clone(), opposite(pair)].iter().filter(|link| hit.links.contains(link)).count() as u64;
            let least = Duration::from_millis(delayed * (delay.by.ms() - delay.jitter.ms().min(delay.by.ms())));
            let trip = middle(trips.clone()).filter(|_| trips.len() >= TRIPS_MIN);
            let trip = trip.ok_or_else(|| format!("too few probes came back over {pair}"))?;
            if trip < least {
                return Err(format!("the round trip over {pair} takes {}", ms(trip)));
            }
        }
        let now = middle(self.trips.values().flatten().copied().collect()).map_or_else(String::new, ms);
        let before = hit.packets.before.get().and_then(|before| before.trip);
        Ok(format!("round trip {}{now}", before.map(|before| format!("{} → ", ms(before))).unwrap_or_default()))
    }
}

/// The results of those links that are still open.
fn still_open(links: &[Link], results: Vec<Arrivals>, deployment: &Deployment) -> Vec<Arrivals> {
    let open = deployment.uncut(links);
    links.iter().zip(results).filter(|(link, _)| open.contains(link)).map(|(_, result)| result).collect()
}

/// The links of which the opposite one is no earlier one: to go there and back over each.
fn pairs(links: &[Link]) -> Vec<Link> {
    let is_first = |place: usize| !links[..place].contains(&opposite(&links[place]));
    (0..links.len()).filter(|place| is_first(*place)).map(|place| links[place].clone()).collect()
}

fn opposite(link: &Link) -> Link {
    Link { from: link.to.clone(), to: link.from.clone() }
}

fn middle(mut all: Vec<Duration>) -> Option<Duration> {
    all.sort();
    all.get(all.len() / 2).copied()
}

fn ms(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.2} ms") } else { format!("{ms:.0} ms") }
}

/// What was done to packets, for people.
fn counted(counters: PacketCounters) -> String {
    let PacketCounters { taken, delivered: _, lost, overrun, duplicated, held_back, corrupted, late_ns_max } = counters;
    let counts = [
        (lost, "lost"),
        (overrun, "dropped for want of room"),
        (duplicated, "sent twice"),
        (held_back, "held back"),
        (corrupted, "corrupted"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
    let late = ms(Duration::from_nanos(late_ns_max));
    format!("; {taken} packets were under it{}; none was late by more than {late}", counts.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packets::Reorder;
    use crate::span::Span;

    fn link(from: u8, to: u8) -> Link {
        Link { from: format!("n{from}"), to: format!("n{to}") }
    }

    fn hit(links: Vec<Link>) -> Hit {
        Hit {
            nodes: Vec::new(),
            links,
            clients: Vec::new(),
            torn: Vec::new(),
            seeds: Vec::new(),
            what: String::new(),
            packets: Ticket::of(1),
            seed: 0,
        }
    }

    #[test]
    fn every_pair_of_nodes_is_measured_once() {
        assert_eq!(pairs(&[link(1, 2), link(2, 1), link(3, 1), link(1, 3)]), [link(1, 2), link(3, 1)]);
    }

    /// What a delay of 50 ms ± 10 ms on these links tells after round trips of so many milliseconds over n1 and n2.
    fn check_delay(links: Vec<Link>, trips_ms: &[u64], expected: Result<&str, &str>) {
        let delay = Delay { by: Span::from_ms(50), jitter: Span::from_ms(10), distribution: Default::default() };
        let packets = Packets { delay: Some(delay), ..Packets::default() };
        let trips = trips_ms.iter().copied().map(Duration::from_millis).collect();
        let seen = Seen { trips: [(link(1, 2), trips)].into(), ..Seen::default() };
        let told = seen.told(packets, &hit(links));
        assert_eq!(told.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn a_delay_shows_when_both_ways_are_as_slow_as_they_are_to_be() {
        let both = || vec![link(1, 2), link(2, 1)];
        check_delay(both(), &[101; 5], Ok("round trip 101 ms"));
        check_delay(both(), &[79, 79, 79, 101, 101], Err("the round trip over n1 -> n2 takes 79 ms"));
        check_delay(both(), &[101; 4], Err("too few probes came back over n1 -> n2"));
        check_delay(vec![link(2, 1)], &[51; 5], Ok("round trip 51 ms"));
        check_delay(vec![link(2, 1)], &[3; 5], Err("the round trip over n1 -> n2 takes 3.00 ms"));
    }

    #[test]
    fn each_thing_that_is_wrong_must_show() {
        let share = |text: &str| Some(text.parse().unwrap());
        let packets = Packets { loss: share("20%"), duplicate: share("5%"), ..Packets::default() };
        let told = |arrived, copies| {
            Seen { sent: 400, arrived, copies, ..Seen::default() }.told(packets, &hit(vec![link(1, 2)]))
        };
        assert_eq!(told(320, 20), Ok("80 of 400 probes were lost; 20 of 400 probes came twice".into()));
        assert_eq!(told(320, 0), Err("none of 400 probes came twice".into()));
        assert_eq!(told(400, 20), Err("none of 400 probes were lost".into()));
        // Corrupted ones do not arrive, and those that were overtaken do.
        let reorder = Some(Reorder { share: "25%".parse().unwrap(), by: Span::from_ms(10) });
        let packets = Packets { corrupt: share("1%"), reorder, ..Packets::default() };
        let told = |arrived, overtaken| {
            Seen { sent: 400, arrived, overtaken, ..Seen::default() }.told(packets, &hit(vec![link(1, 2)]))
        };
        assert_eq!(told(396, 90), Ok("4 of 400 probes were lost; 90 of 400 probes were overtaken".into()));
        assert_eq!(told(396, 0), Err("none of 400 probes were overtaken".into()));
        assert_eq!(told(400, 90), Err("none of 400 probes were lost".into()));
        let packets = Packets { rate: Some("1mbit".parse().unwrap()), ..Packets::default() };
        let told = |rates_bits| Seen { rates_bits, ..Seen::default() }.told(packets, &hit(vec![link(1, 2)]));
        assert_eq!(told(vec![0.7e6, 1.0e6]), Ok("1.00 mbit/s pass at most".into()));
        assert_eq!(told(vec![0.7e6, 9.0e6]), Err("9.00 mbit/s pass".into()));
        assert_eq!(told(vec![]), Err("too few probes arrived to measure a rate".into()));
    }

    #[test]
    fn only_what_was_done_is_counted() {
        let counters = PacketCounters { taken: 90, lost: 7, late_ns_max: 1_500_000, ..PacketCounters::default() };
        assert_eq!(counted(counters), "; 90 packets were under it, 7 lost; none was late by more than 1.50 ms");
    }
}
