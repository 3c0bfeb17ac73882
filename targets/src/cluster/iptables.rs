//! Cuts by iptables, as commands: the receiving node drops what comes from a peer, in a chain of our own.
//!
//! All rules of a node change in one transaction of iptables-restore. The chain stands before all other rules, so that
//! nothing the node's user has configured comes first, and is filled and emptied without touching them.

use crate::remote::CommandLine;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const CHAIN: &str = "SQUALL-CUT";

/// Nobody's address (RFC 5737), for a rule that only tries whether rules can be made.
pub(crate) const NOBODY: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Makes the chain, and a rule in it that is removed again: what works for it works for a cut.
pub(crate) fn prepare() -> CommandLine {
    restore(&format!(
        ":{CHAIN} - [0:0]\n-I INPUT -j {CHAIN}\n-A {CHAIN} -s {NOBODY} -j DROP\n-D {CHAIN} -s {NOBODY} -j DROP\n"
    ))
}

/// Drops what comes from `sources`. With `chain_is_new` the chain is made first.
pub(crate) fn cut(sources: &[Ipv4Addr], chain_is_new: bool) -> CommandLine {
    let chain = if chain_is_new { format!(":{CHAIN} - [0:0]\n-I INPUT -j {CHAIN}\n") } else { String::new() };
    restore(&(chain + &rules("-A", sources)))
}

/// Lets `sources` through again.
pub(crate) fn heal(sources: &[Ipv4Addr]) -> CommandLine {
    restore(&rules("-D", sources))
}

/// Shows the rules with exact numbers of packets.
pub(crate) fn show() -> CommandLine {
    CommandLine::new(["iptables", "-w", "-v", "-x", "-n", "-L", CHAIN])
}

/// How many packets each source's rule has dropped, from the output of [`show`].
pub(crate) fn dropped(listing: &str) -> BTreeMap<Ipv4Addr, u64> {
    let rule = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [packets, _, "DROP", _, _, _, _, source, ..] = fields[..] else { return None };
        Some((source.parse().ok()?, packets.parse().ok()?))
    };
    listing.lines().filter_map(rule).collect()
}

fn rules(verb: &str, sources: &[Ipv4Addr]) -> String {
    sources.iter().map(|source| format!("{verb} {CHAIN} -s {source} -j DROP\n")).collect()
}

fn restore(rules: &str) -> CommandLine {
    CommandLine::new(["iptables-restore", "-w", "--noflush"]).reading(format!("*filter\n{rules}COMMIT\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_from_the_listings_of_both_variants() {
        let nft = "Chain SQUALL-CUT (1 references)\n    pkts      bytes target     prot opt in     out     source               destination         \n      12      720 DROP       0    --  *      *       10.77.0.2            0.0.0.0/0           \n";
        let legacy = nft.replace("DROP       0    --", "DROP       all  --");
        for listing in [nft, &legacy] {
            assert_eq!(dropped(listing), BTreeMap::from([(Ipv4Addr::new(10, 77, 0, 2), 12)]));
        }
        assert_eq!(dropped(""), BTreeMap::new());
    }

    #[test]
    fn all_rules_of_a_node_change_in_one_transaction() {
        let command = cut(&[Ipv4Addr::new(10, 77, 0, 1), Ipv4Addr::new(10, 77, 0, 3)], true);
        assert_eq!(
            String::from_utf8(command.stdin).unwrap(),
            "*filter\n:SQUALL-CUT - [0:0]\n-I INPUT -j SQUALL-CUT\n-A SQUALL-CUT -s 10.77.0.1 -j DROP\n\
             -A SQUALL-CUT -s 10.77.0.3 -j DROP\nCOMMIT\n"
        );
    }
}
