//! The command that repeats a plan.

use super::wishes::{default_promise, default_settings};
use super::{Nodes, Plan, Rate, Spares, Wishes, Workers};
use crate::names::FaultName;
use squall_targets::hosts::HostSpec;
use std::collections::BTreeMap;
use std::path::Path;

impl Plan {
    /// The command that repeats this plan: flags where they suffice, else the plan file at `path`. Fit for a shell.
    pub fn command(&self, path: &Path) -> String {
        let squall = called_as();
        let Some(wishes) = self.needed_wishes() else {
            return format!("{squall} test --plan {}", quoted(&path.display().to_string()));
        };
        let flags = flags(&wishes).into_iter().map(|(name, value)| match value.as_str() {
            "" => format!(" --{name}"),
            value => format!(" --{name} {value}"),
        });
        format!("{squall} test {}{}", self.target, flags.collect::<String>())
    }

    /// What must be wished for to get this plan, if flags can say it.
    fn needed_wishes(&self) -> Option<Wishes> {
        let swarm = self.swarm.then_some(true);
        let least = Wishes { target: Some(self.target), seed: Some(self.seed), swarm, ..Wishes::default() };
        if self.hosts.iter().any(|host| !host.is_plain()) {
            return None;
        }
        let hosts = (!self.hosts.is_empty()).then(|| self.hosts.clone());
        let nodes = (hosts.is_none() && self.nodes != least.clone().resolve().ok()?.nodes).then_some(Nodes(self.nodes));
        // Some defaults depend on the number of nodes.
        let default = Wishes { nodes, hosts: hosts.clone(), ..least.clone() }.resolve().ok()?;
        let wishes = Wishes {
            workload: (self.workload != default.workload).then(|| self.workload.clone()),
            bug: self.bug.clone(),
            read: (self.read != default.read).then(|| self.read.clone()),
            retry: self.retry.then_some(true),
            bin: self.bin.clone(),
            profile: (self.profile != default.profile).then(|| self.profile.clone()),
            settings: self.chosen_settings(),
            nodes,
            spares: (self.spares > 0).then_some(Spares(self.spares)),
            hosts,
            time_limit: (self.time_limit != default.time_limit).then_some(self.time_limit),
            rate_hz: (self.rate_hz != default.rate_hz).then_some(Rate(self.rate_hz)),
            concurrency: (self.concurrency != default.concurrency).then_some(Workers(self.concurrency)),
            consistency: (self.consistency != default_promise(&self.target, &self.read))
                .then(|| self.consistency.clone()),
            call_timeout: (self.call_timeout != default.call_timeout).then_some(self.call_timeout),
            faults: (self.faults != default.faults).then(|| self.faults.clone()),
            ..least
        };
        // A schedule by hand, and what else no flag can say, is not repeated by them.
        (wishes.clone().resolve().as_ref() == Ok(self)).then_some(wishes)
    }

    /// The settings that have not their value in the profile.
    fn chosen_settings(&self) -> Option<BTreeMap<String, u64>> {
        let usual = default_settings(self.target.target(), &self.profile);
        let chosen = self.settings.iter().filter(|(name, value)| usual.get(*name) != Some(*value));
        let chosen: BTreeMap<String, u64> = chosen.map(|(name, value)| (name.clone(), *value)).collect();
        (!chosen.is_empty()).then_some(chosen)
    }
}

/// The flags that say these wishes, the target aside, in the order in which people read them.
fn flags(wishes: &Wishes) -> Vec<(&'static str, String)> {
    let faults = |names: &Vec<FaultName>| match names.as_slice() {
        [] => "none".to_owned(),
        names => names.iter().map(FaultName::as_str).collect::<Vec<_>>().join(","),
    };
    let settings = |settings: &BTreeMap<String, u64>| {
        settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
    };
    let all = [
        ("workload", wishes.workload.as_ref().map(ToString::to_string)),
        ("bug", wishes.bug.clone()),
        ("read", wishes.read.clone()),
        ("bin", wishes.bin.as_ref().map(|path| quoted(&path.display().to_string()))),
        ("profile", wishes.profile.as_ref().map(ToString::to_string)),
        ("set", wishes.settings.as_ref().map(settings)),
        ("nodes", wishes.nodes.map(|nodes| nodes.0.to_string())),
        ("spares", wishes.spares.map(|spares| spares.0.to_string())),
        (
            "nodes",
            wishes.hosts.as_ref().map(|hosts| hosts.iter().map(HostSpec::to_string).collect::<Vec<_>>().join(",")),
        ),
        ("time-limit", wishes.time_limit.map(|span| span.to_string())),
        ("rate", wishes.rate_hz.map(|rate| rate.0.to_string())),
        ("concurrency", wishes.concurrency.map(|workers| workers.0.to_string())),
        ("consistency", wishes.consistency.as_ref().map(ToString::to_string)),
        ("call-timeout", wishes.call_timeout.map(|span| span.to_string())),
        ("faults", wishes.faults.as_ref().map(faults)),
        ("seed", wishes.seed.map(|seed| seed.to_string())),
    ];
    let mut flags: Vec<(&'static str, String)> =
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    // A switch has no value.
    for (name, wish) in [("retry", wishes.retry), ("swarm", wishes.swarm)] {
        if wish == Some(true) {
            flags.insert(0, (name, String::new()));
        }
    }
    flags
}

/// The command as it was typed, fit for a shell.
pub(crate) fn typed() -> String {
    let words = std::env::args_os().skip(1).map(|word| quoted(&word.to_string_lossy()));
    std::iter::once(called_as()).chain(words).collect::<Vec<_>>().join(" ")
}

/// How squall was called: the launcher tells by what name it was.
fn called_as() -> String {
    quoted(&std::env::var("SQUALL_CALLED_AS").unwrap_or_else(|_| "squall".into()))
}

/// A word as a shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%,".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str, path: &str) -> String {
        Wishes::parse(text, "storm.yaml").unwrap().resolve().unwrap().command(Path::new(path))
    }

    #[test]
    fn the_command_repeats_the_plan() {
        let cases = [
            ("seed: 7", "squall test raft --seed 7"),
            ("seed: 7\nbug: stale-read\nfaults: []", "squall test raft --bug stale-read --faults none --seed 7"),
            ("seed: 7\nnodes: 5\ntime_limit: 90s", "squall test raft --nodes 5 --time-limit 90s --seed 7"),
            ("seed: 7\nschedule: [{at: 1s, for: 1s, fault: kill, select: one}]", "squall test --plan run/plan.yaml"),
            ("seed: 7\nnodes: 1", "squall test raft --nodes 1 --seed 7"),
            ("seed: 7\nswarm: true", "squall test raft --swarm --seed 7"),
            (
                "seed: 7\nswarm: true\nnodes: 7\nfaults: [kill, clock]",
                "squall test raft --swarm --nodes 7 --faults kill,clock --seed 7",
            ),
            ("seed: 7\nspares: 1\nfaults: [membership]", "squall test raft --spares 1 --faults membership --seed 7"),
            ("seed: 7\nnodes: 5\nconcurrency: 12", "squall test raft --nodes 5 --concurrency 12 --seed 7"),
            ("seed: 7\nrecovery_timeout: 5s", "squall test --plan run/plan.yaml"),
            (
                "seed: 7\nsettings: {election_ms: 500, heartbeat_ms: 60}",
                "squall test raft --set election_ms=500,heartbeat_ms=60 --seed 7",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(command(text, "run/plan.yaml"), expected);
        }
    }

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        for (word, expected) in [("run/plan.yaml", "run/plan.yaml"), ("my run", "'my run'"), ("it's", r"'it'\''s'")] {
            assert_eq!(quoted(word), expected);
        }
        let by_file = command("seed: 7\nrecovery_timeout: 5s", "a b/plan.yaml");
        assert_eq!(by_file, "squall test --plan 'a b/plan.yaml'");
    }
}
