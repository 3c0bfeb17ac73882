//! Cuts by iptables, as commands: a node drops what comes from a peer, or what it sends to the clients, in a chain of our own.
//!
//! All rules of a node change in one transaction of iptables-restore. The chain stands before all other rules, so that
//! nothing the node's user has configured comes first, and is filled and emptied without touching them.

use crate::local::search_path;
use crate::remote::CommandLine;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

const CHAIN: &str = "SQUALL-CUT";

/// The chain, passed by all that a node receives and sends.
const NEW_CHAIN: &str = ":SQUALL-CUT - [0:0]\n-I INPUT -j SQUALL-CUT\n-I OUTPUT -j SQUALL-CUT\n";

/// How a rule for all addresses is listed.
const ANY: &str = "0.0.0.0/0";

/// Nobody's address (RFC 5737), for a rule that only tries whether rules can be made.
pub(crate) const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Whose packets a node drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Peer {
    /// What comes from this address.
    Source(Ipv4Addr),
    /// What goes to this address.
    Destination(Ipv4Addr),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Source(address) => write!(f, "-s {address}"),
            Peer::Destination(address) => write!(f, "-d {address}"),
        }
    }
}

/// Makes the chain, and a rule in it that is removed again: what works for it works for a cut.
pub(crate) fn prepare() -> CommandLine {
    restore(&format!("{NEW_CHAIN}-A {CHAIN} -s {NOBODY} -j DROP\n-D {CHAIN} -s {NOBODY} -j DROP\n"))
}

/// Drops the packets of `peers`. With `chain_is_new` the chain is made first.
pub(crate) fn cut(peers: &[Peer], chain_is_new: bool) -> CommandLine {
    let chain = if chain_is_new { NEW_CHAIN } else { "" };
    restore(&(chain.to_owned() + &rules("-A", peers)))
}

/// Lets the packets of `peers` through again.
pub(crate) fn heal(peers: &[Peer]) -> CommandLine {
    restore(&rules("-D", peers))
}

/// Shows the rules with exact numbers of packets.
pub(crate) fn show() -> CommandLine {
    CommandLine::new(["iptables", "-w", "-v", "-x", "-n", "-L", CHAIN])
}

/// Removes the chain, where there is one, and what leads there; on the machine itself. Where there is no iptables there is none.
pub(crate) fn forget() -> io::Result<()> {
    let iptables = |args: &[&str]| {
        let mut command = Command::new("iptables");
        command.arg("-w").args(args).env("PATH", search_path()).stdin(Stdio::null()).output()
    };
    match iptables(&["-n", "-L", CHAIN]) {
        Ok(output) if output.status.success() => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    for from in ["INPUT", "OUTPUT"] {
        // Whoever was killed may have left it there more than once.
        while iptables(&["-D", from, "-j", CHAIN])?.status.success() {}
    }
    iptables(&["-F", CHAIN])?;
    let removed = iptables(&["-X", CHAIN])?;
    if removed.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&removed.stderr);
    Err(io::Error::other(format!("the chain {CHAIN} of iptables stays: {}", complaint.trim())))
}

/// How many packets each peer's rule has dropped, from the output of [`show`].
pub(crate) fn dropped(listing: &str) -> BTreeMap<Peer, u64> {
    let rule = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [packets, _, "DROP", _, _, _, _, source, destination, ..] = fields[..] else { return None };
        let peer = if source == ANY {
            Peer::Destination(destination.parse().ok()?)
        } else {
            Peer::Source(source.parse().ok()?)
        };
        Some((peer, packets.parse().ok()?))
    };
    listing.lines().filter_map(rule).collect()
}

fn rules(verb: &str, peers: &[Peer]) -> String {
    peers.iter().map(|peer| format!("{verb} {CHAIN} {peer} -j DROP\n")).collect()
}

fn restore(rules: &str) -> CommandLine {
    CommandLine::new(["iptables-restore", "-w", "--noflush"]).reading(format!("*filter\n{rules}COMMIT\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_from_the_listings_of_both_variants() {
        let nft = "Chain SQUALL-CUT (1 references)\n    pkts      bytes target     prot opt in     out     source               destination         \n      12      720 DROP       0    --  *      *       10.77.0.2            0.0.0.0/0           \n       3      180 DROP       0    --  *      *       0.0.0.0/0            10.77.0.253         \n";
        let legacy = nft.replace("DROP       0    --", "DROP       all  --");
        for listing in [nft, &legacy] {
            let peers = [
                (Peer::Source(Ipv4Addr::new(10, 77, 0, 2)), 12),
                (Peer::Destination(Ipv4Addr::new(10, 77, 0, 253)), 3),
            ];
            assert_eq!(dropped(listing), BTreeMap::from(peers));
        }
        assert_eq!(dropped(""), BTreeMap::new());
    }

    #[test]
    fn all_rules_of_a_node_change_in_one_transaction() {
        let peers = [Peer::Source(Ipv4Addr::new(10, 77, 0, 1)), Peer::Destination(Ipv4Addr::new(10, 77, 0, 253))];
        let command = cut(&peers, true);
        assert_eq!(
            String::from_utf8(command.stdin).unwrap(),
            "*filter\n:SQUALL-CUT - [0:0]\n-I INPUT -j SQUALL-CUT\n-I OUTPUT -j SQUALL-CUT\n\
             -A SQUALL-CUT -s 10.77.0.1 -j DROP\n-A SQUALL-CUT -d 10.77.0.253 -j DROP\nCOMMIT\n"
        );
    }
}
