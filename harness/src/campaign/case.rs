//! One case of a campaign: one run, and what is expected of it.

use super::file::Expect;
use crate::plan::{Plan, Wishes};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its place among all cases of the campaign, from 1 on; shards are by this number.
    pub number: usize,
    /// The target with its settings, for people.
    pub target: String,
    /// The workload.
    pub workload: String,
    /// The mix of faults.
    pub faults: String,
    /// How many nodes.
    pub nodes: usize,
    /// The seed.
    pub seed: u64,
    /// The verdict that is expected.
    pub expect: Expect,
    /// The control that it is a part of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<Control>,
    /// The plan.
    pub plan: Wishes,
}

/// A positive control: cases that differ in their seed alone, and in some of which the promise must be seen broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Control {
    /// Its number in the campaign, from 1 on.
    pub number: usize,
    /// What people call it.
    pub name: String,
    /// In how many of its cases at least.
    pub least: usize,
    /// How many cases it has.
    pub of: usize,
}

impl Case {
    /// The name of its folder: `007-etcd-register-kill+pause-7`.
    pub fn id(&self) -> String {
        let Case { number, target, workload, faults, seed, .. } = self;
        let plain = |text: &str| -> String {
            let kept =
                |letter: char| if letter.is_ascii_alphanumeric() || "+._".contains(letter) { letter } else { '-' };
            text.chars().map(kept).collect()
        };
        let mut target = plain(target);
        target.truncate(40);
        format!("{number:03}-{target}-{}-{}-{seed}", plain(workload), plain(faults))
    }

    /// Whether this is the shard that it belongs to.
    pub fn is_of(&self, shard: Option<Shard>) -> bool {
        shard.is_none_or(|shard| (self.number - 1) % shard.of == shard.number - 1)
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { target, workload, faults, nodes, seed, .. } = self;
        write!(f, "{target}, {workload}, {faults}, {}, seed {seed}", crate::summary::plural(*nodes, "node"))
    }
}

/// Every `of`-th case, beginning with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 1 on.
    pub number: usize,
    /// Of how many.
    pub of: usize,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Shard { number, of }),
            _ => Err(format!("`{text}` is no shard; write for instance 1/2 and 2/2")),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// The target and whatever of it is not as usual: `zookeeper read sync, snap_count 500`.
pub(super) fn target_label(plan: &Plan, wished: &Wishes) -> String {
    let usual = Wishes { target: Some(plan.target), ..Wishes::default() }.resolve().ok();
    let mut told = Vec::new();
    if plan.profile.as_str() != "default" {
        told.push(plan.profile.to_string());
    }
    if usual.as_ref().is_none_or(|usual| usual.read != plan.read) {
        told.push(format!("read {}", plan.read));
    }
    told.extend(plan.retry.then(|| "retry".to_owned()));
    told.extend(plan.bug.iter().map(|bug| format!("bug {bug}")));
    told.extend(wished.settings.iter().flatten().map(|(name, value)| format!("{name} {value}")));
    told.extend(plan.bin.iter().map(|bin| bin.display().to_string()));
    told.extend(wished.consistency.iter().map(|promise| format!("as {promise}")));
    if told.is_empty() { plan.target.to_string() } else { format!("{} {}", plan.target, told.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_all_cases_once() {
        let plan = Wishes::default();
        let case = |number| Case {
            number,
            target: "etcd fast, read a b".into(),
            workload: "register".into(),
            faults: "kill+pause".into(),
            nodes: 3,
            seed: 9,
            expect: Expect::Valid,
            control: None,
            plan: plan.clone(),
        };
        assert_eq!(case(7).id(), "007-etcd-fast--read-a-b-register-kill+pause-9");
        for of in 1..5 {
            for number in 1..20 {
                let shards = (1..=of).filter(|shard| case(number).is_of(Some(Shard { number: *shard, of })));
                assert_eq!(shards.count(), 1, "case {number} of {of} shards");
            }
        }
        assert_eq!("2/3".parse(), Ok(Shard { number: 2, of: 3 }));
        for wrong in ["0/2", "3/2", "1", "a/b", "1/0"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
