//! What Vagrant prints, read without asking anybody.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::net::Ipv4Addr;

/// A machine that `vagrant ssh-config` describes. How to log in there, ssh reads for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Machine {
    /// Its name in the Vagrantfile.
    pub name: String,
    /// Where ssh reaches it.
    pub host_name: String,
}

/// An address that a machine has, and how many bits of it are its network's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interface {
    pub address: Ipv4Addr,
    pub prefix: u32,
}

/// Reads what `vagrant ssh-config` printed when it ended with status 0: a block for each machine.
pub(super) fn read(text: &str) -> Result<Vec<Machine>, String> {
    let mut machines: Vec<Machine> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let wrong = |what: &str| format!("line {} of what `vagrant ssh-config` printed: {what}: {line:?}", number + 1);
        let Some((keyword, value)) = line.trim().split_once(char::is_whitespace) else {
            if line.trim().is_empty() {
                continue;
            }
            return Err(wrong("a word alone"));
        };
        let value = unquoted(value.trim());
        match (keyword, machines.last_mut()) {
            ("Host", _) => {
                let is_plain = |char: char| char.is_alphanumeric() || "._-".contains(char);
                if value.starts_with('-') || !value.chars().all(is_plain) {
                    return Err(wrong("no name of a machine that ssh can be called with"));
                }
                if machines.iter().any(|machine| machine.name == value) {
                    return Err(wrong("a machine that was there before"));
                }
                machines.push(Machine { name: value.into(), host_name: String::new() });
            }
            (_, None) => return Err(wrong("it belongs to no Host")),
            ("HostName", Some(machine)) => machine.host_name = value.into(),
            _ => {}
        }
    }
    if let Some(machine) = machines.iter().find(|machine| machine.host_name.is_empty()) {
        return Err(format!("`vagrant ssh-config` tells no HostName of {0}; `vagrant reload {0}`", machine.name));
    }
    if machines.is_empty() {
        return Err("`vagrant ssh-config` tells of no machine; define some in the Vagrantfile".into());
    }
    Ok(machines)
}

/// A value stands in quotes where it has spaces.
fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// The machines and their states in what `vagrant status --machine-readable` prints.
pub(super) fn states(text: &str) -> Vec<(String, String)> {
    let state = |line: &str| {
        let mut fields = line.trim().splitn(4, ',').skip(1);
        match (fields.next(), fields.next(), fields.next()) {
            (Some(name), Some("state"), Some(state)) => Some((name.to_owned(), state.to_owned())),
            _ => None,
        }
    };
    text.lines().filter_map(state).collect()
}

/// Why the machines of a folder cannot be used, and what to do.
pub(super) fn refusal(folder: &str, states: &[(String, String)], said: &str) -> String {
    let not_up: Vec<_> = states.iter().filter(|(_, state)| state != "running").collect();
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    if states.is_empty() {
        return format!(
            "no machines of Vagrant in {folder}: {said} Call squall where the Vagrantfile is, or write --vagrant FOLDER."
        );
    }
    if not_up.is_empty() {
        let names: Vec<&str> = states.iter().map(|(name, _)| name.as_str()).collect();
        return format!("`vagrant ssh-config` failed in {folder}, where {} run: {said}", names.join(", "));
    }
    let mut out = format!("not all machines of Vagrant in {folder} are up: ");
    for (place, (name, state)) in not_up.iter().enumerate() {
        let comma = if place == 0 { "" } else { ", " };
        let _ = write!(out, "{comma}{name} is {}", state.replace('_', " "));
    }
    let names: Vec<&str> = not_up.iter().map(|(name, _)| name.as_str()).collect();
    let _ = write!(out, "; vagrant up {}", names.join(" "));
    out
}

/// The addresses in what `ip -o -4 address` prints.
pub(super) fn interfaces(text: &str) -> Vec<Interface> {
    let interface = |line: &str| {
        let (address, prefix) = line.split_whitespace().skip_while(|word| *word != "inet").nth(1)?.split_once('/')?;
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32)?;
        Some(Interface { address: address.parse().ok()?, prefix })
    };
    text.lines().filter_map(interface).collect()
}

/// An address of each machine, all on one network and none twice. VirtualBox gives every machine the same address on a network
/// that leads only outwards.
pub(super) fn shared(machines: &[Vec<Interface>]) -> Option<Vec<Ipv4Addr>> {
    let candidates = machines.first()?;
    candidates.iter().find_map(|candidate| {
        let on_it = |interfaces: &Vec<Interface>| {
            let found = interfaces.iter().find(|other| network(**other) == network(*candidate));
            found.map(|interface| interface.address)
        };
        let addresses: Option<Vec<Ipv4Addr>> = machines.iter().map(on_it).collect();
        addresses.filter(|all| all.iter().collect::<BTreeSet<_>>().len() == all.len())
    })
}

fn network(interface: Interface) -> (u32, u32) {
    let mask = u32::MAX.checked_shl(32 - interface.prefix).unwrap_or(0);
    (interface.address.to_bits() & mask, interface.prefix)
}

/// The text as ssh takes it: Vagrant prints the zone of an IPv6 address behind a percent sign, which ssh would expand.
pub(super) fn for_ssh(text: &str) -> String {
    let line = |line: &str| match line.trim_start().starts_with("HostName ") {
        true => line.replace('%', "%%"),
        false => line.to_owned(),
    };
    text.lines().map(|one| line(one) + "\n").collect()
}

#[cfg(test)]
mod tests;
