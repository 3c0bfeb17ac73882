//! Conditions as commands of tc(8), where the kernel of the sending node has netem.
//!
//! A node's link has sixteen bands: the first for whatever is left alone, the others for one peer each, chosen by the
//! destination of the packet. All commands of a change are one batch, read from standard input.

use super::{Conditions, Delay, Distribution, Loss, Reorder, WAIT_NS_MAX};
use crate::local::search_path;
use crate::remote::CommandLine;
use std::io;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

/// How many peers can have conditions at once: the bands of a link but for the first.
pub(crate) const PEERS_MAX: usize = 15;

/// How many packets may be under way on a delayed link.
const LIMIT: u64 = 100_000;

/// Makes the bands.
pub(crate) fn prepare(link: &str) -> CommandLine {
    batch(&[format!("qdisc add dev {link} root handle 1: prio bands 16 priomap{}", " 0".repeat(16))])
}

/// Removes the bands from all links of the machine itself, where there are any. Where there is no tc there are none.
pub(crate) fn forget() -> io::Result<()> {
    let tc = |args: &[&str]| Command::new("tc").args(args).env("PATH", search_path()).stdin(Stdio::null()).output();
    let listed = match tc(&["qdisc", "show"]) {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for link in links_with_bands(&listed) {
        let removed = tc(&["qdisc", "del", "dev", link, "root"])?;
        if !removed.status.success() {
            let complaint = String::from_utf8_lossy(&removed.stderr);
            return Err(io::Error::other(format!("the queues of {link} stay: {}", complaint.trim())));
        }
    }
    Ok(())
}

/// The links that have the bands, in what `tc qdisc show` lists.
fn links_with_bands(listed: &str) -> Vec<&str> {
    let bands = listed.lines().filter_map(|line| line.strip_prefix("qdisc prio 1: dev "));
    let ours = bands.filter(|rest| rest.contains(" root ") && rest.contains(" bands 16 "));
    ours.filter_map(|rest| rest.split_whitespace().next()).collect()
}

/// Tries whether netem is there, before the bands are made; where it is not nothing is left of it.
pub(crate) fn attempt(link: &str) -> CommandLine {
    batch(&[format!("qdisc add dev {link} root netem delay 1ms"), format!("qdisc del dev {link} root")])
}

/// Puts all of `conditions`, one after the other, on what goes from this node to `peer`, the one of this number from 0. Before,
/// so many were there.
pub(crate) fn set(link: &str, number: usize, peer: Ipv4Addr, before: usize, conditions: &[Conditions]) -> CommandLine {
    let band = number + 2;
    let mut lines = Vec::new();
    if before > 0 {
        lines.push(format!("filter del dev {link} parent 1: protocol ip prio {band}"));
        lines.push(format!("qdisc del dev {link} parent 1:{band:x}"));
    }
    let mut parent = format!("1:{band:x}");
    for (depth, conditions) in conditions.iter().enumerate() {
        let handle = format!("{band:x}{depth:x}:");
        lines.push(format!("qdisc add dev {link} parent {parent} handle {handle} netem {}", words(conditions)));
        parent = format!("{handle}1");
    }
    if !conditions.is_empty() {
        lines.push(format!(
            "filter add dev {link} parent 1: protocol ip prio {band} u32 match ip dst {peer}/32 flowid 1:{band:x}"
        ));
    }
    batch(&lines)
}

/// What netem is told.
fn words(conditions: &Conditions) -> String {
    let mut words = vec![format!("limit {}", limit(conditions))];
    if let Some(Delay { by_ns, jitter_ns, distribution }) = conditions.delay {
        words.push(format!("delay {}", time(by_ns)));
        if jitter_ns > 0 {
            words.push(time(jitter_ns));
            match distribution {
                Distribution::Uniform => {}
                Distribution::Normal => words.push("distribution normal".into()),
                Distribution::Pareto => words.push("distribution pareto".into()),
            }
        }
    }
    if let Some(Reorder { ppm, by_ns }) = conditions.reorder {
        // netem tells how many packets are not held back.
        words.push(format!("delay {} reorder {}", time(by_ns), percent(1_000_000 - ppm.min(1_000_000))));
    }
    match conditions.loss {
        Some(Loss { ppm, correlation_ppm: 0 }) => words.push(format!("loss {}", percent(ppm))),
        // The chances of the two steps of the chain; netem's own correlation of losses makes less of them.
        Some(Loss { ppm, correlation_ppm }) => {
            let step = |share: u32| {
                percent((u64::from(share) * u64::from(1_000_000 - correlation_ppm.min(1_000_000)) / 1_000_000) as u32)
            };
            words.push(format!("loss gemodel {} {}", step(ppm), step(1_000_000 - ppm.min(1_000_000))));
        }
        None => {}
    }
    if conditions.corrupt_ppm > 0 {
        words.push(format!("corrupt {}", percent(conditions.corrupt_ppm)));
    }
    if conditions.duplicate_ppm > 0 {
        words.push(format!("duplicate {}", percent(conditions.duplicate_ppm)));
    }
    if let Some(rate_bits) = conditions.rate_bits {
        words.push(format!("rate {rate_bits}bit"));
    }
    words.join(" ")
}

/// How many packets may wait: with limited bandwidth as many full ones as pass while one may wait.
fn limit(conditions: &Conditions) -> u64 {
    let full_packet_bits = 8 * 1_500;
    conditions.rate_bits.map_or(LIMIT, |rate| {
        (u128::from(rate) * u128::from(WAIT_NS_MAX) / 1_000_000_000 / full_packet_bits).clamp(10, LIMIT.into()) as u64
    })
}

fn time(ns: u64) -> String {
    format!("{}us", ns / 1_000)
}

fn percent(ppm: u32) -> String {
    format!("{}%", f64::from(ppm) / 1e4)
}

fn batch(lines: &[String]) -> CommandLine {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    CommandLine::new(["tc", "-batch", "-"]).reading(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(command: CommandLine) -> Vec<String> {
        assert_eq!(command.argv, ["tc", "-batch", "-"]);
        String::from_utf8(command.stdin).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn only_links_with_bands_of_squall_are_taken_for_such() {
        let listed = "qdisc noqueue 0: dev lo root refcnt 2 \nqdisc prio 1: dev eth1 root refcnt 2 bands 16 priomap 0 0\n\
                      qdisc netem 20: dev eth1 parent 1:2 limit 1000\nqdisc prio 1: dev eth2 root refcnt 2 bands 3 priomap 1 2\n";
        assert_eq!(links_with_bands(listed), ["eth1"]);
    }

    /// How the conditions are told to netem.
    fn check(conditions: Conditions, expected: &str) {
        let lines = lines(set("eth0", 0, Ipv4Addr::new(10, 77, 0, 2), 0, &[conditions]));
        assert_eq!(
            lines,
            [
                format!("qdisc add dev eth0 parent 1:2 handle 20: netem {expected}"),
                "filter add dev eth0 parent 1: protocol ip prio 2 u32 match ip dst 10.77.0.2/32 flowid 1:2".into(),
            ]
        );
    }

    #[test]
    fn every_condition_has_its_words() {
        let none = Conditions::default();
        let delay = |jitter_ns, distribution| Conditions {
            delay: Some(Delay { by_ns: 50_000_000, jitter_ns, distribution }),
            ..none
        };
        let loss =
            |ppm, correlation_ppm| Conditions { loss: Some(Loss { ppm, correlation_ppm }), ..Conditions::default() };
        for (conditions, expected) in [
            (none, "limit 100000"),
            (delay(0, Distribution::Normal), "limit 100000 delay 50000us"),
            (delay(10_000_000, Distribution::Uniform), "limit 100000 delay 50000us 10000us"),
            (delay(10_000_000, Distribution::Normal), "limit 100000 delay 50000us 10000us distribution normal"),
            (delay(10_000_000, Distribution::Pareto), "limit 100000 delay 50000us 10000us distribution pareto"),
            (loss(200_000, 0), "limit 100000 loss 20%"),
            (loss(200_000, 250_000), "limit 100000 loss gemodel 15% 60%"),
            (Conditions { duplicate_ppm: 50_000, ..none }, "limit 100000 duplicate 5%"),
            (Conditions { corrupt_ppm: 5_000, ..none }, "limit 100000 corrupt 0.5%"),
            (
                Conditions { reorder: Some(Reorder { ppm: 250_000, by_ns: 10_000_000 }), ..none },
                "limit 100000 delay 10000us reorder 75%",
            ),
            (Conditions { rate_bits: Some(1_000_000), ..none }, "limit 83 rate 1000000bit"),
            (Conditions { rate_bits: Some(8_000), ..none }, "limit 10 rate 8000bit"),
            (Conditions { duplicate_ppm: 10_000, ..loss(10_000, 0) }, "limit 100000 loss 1% duplicate 1%"),
        ] {
            check(conditions, expected);
        }
    }

    #[test]
    fn only_the_link_to_the_peer_changes_and_conditions_stand_one_behind_the_other() {
        assert_eq!(
            lines(prepare("eth0")),
            ["qdisc add dev eth0 root handle 1: prio bands 16 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"]
        );
        let conditions = [Conditions { rate_bits: Some(1_000_000), ..Conditions::default() }, Conditions::default()];
        assert_eq!(
            lines(set("eth0", 14, Ipv4Addr::new(10, 77, 0, 15), 1, &conditions)),
            [
                "filter del dev eth0 parent 1: protocol ip prio 16",
                "qdisc del dev eth0 parent 1:10",
                "qdisc add dev eth0 parent 1:10 handle 100: netem limit 83 rate 1000000bit",
                "qdisc add dev eth0 parent 100:1 handle 101: netem limit 100000",
                "filter add dev eth0 parent 1: protocol ip prio 16 u32 match ip dst 10.77.0.15/32 flowid 1:10",
            ]
        );
        assert_eq!(
            lines(set("eth0", 0, Ipv4Addr::new(10, 77, 0, 1), 2, &[])),
            ["filter del dev eth0 parent 1: protocol ip prio 2", "qdisc del dev eth0 parent 1:2"]
        );
    }
}
