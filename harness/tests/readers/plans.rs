//! Plans: read, resolved, written and read again.

use super::fuzz::Read;
use super::mutation;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use squall::plan::Wishes;
use std::fs;
use std::path::Path;

const PLANS: &[&str] = &[
    "",
    "seed: 7\n",
    "target: raft\nworkload: register\nnodes: 5\nspares: 2\ntime_limit: 90s\nrate_hz: 250.5\nconcurrency: 12\nseed: 42\nbug: stale-read\n\
     consistency: linearizable\ncall_timeout: 1.5s\nrecovery_timeout: 30s\nfaults: [kill, pause, partition, membership]\n",
    "seed: 1\ntime_limit: 20s\nnodes: 5\nschedule:\n\
     - {at: 1s, for: 3s, fault: partition, select: leader}\n\
     - {at: 5s, for: 1s, fault: kill, select: minority}\n\
     - {at: 7s, for: 2s, fault: pause, select: {named: [n1, n2]}}\n",
    "seed: 1\nnodes: 5\nschedule:\n\
     - {at: 1s, for: 1s, fault: partition, shape: bridge, select: one}\n\
     - {at: 3s, for: 1s, fault: partition, shape: {links: [n1>n2, n3>n1]}, select: all}\n\
     - {at: 5s, for: 1s, fault: partition, shape: majorities_ring, flapping: 250ms, select: all}\n\
     - {at: 7s, for: 1s, fault: partition, shape: halves, select: all}\n",
    "seed: 2\nnodes: 3\nschedule:\n\
     - {at: 1s, for: 1s, fault: clock, skew: {jump: -1h}, select: leader}\n\
     - {at: 3s, for: 1s, fault: clock, skew: {strobe: {by: 200ms, every: 10ms}}, select: all}\n\
     - {at: 5s, for: 1s, fault: clock, skew: {drift: -0.5%}, select: one}\n",
    "seed: 2\nschedule:\n\
     - {at: 1s, for: 1s, fault: packet, packets: {delay: {by: 50ms, jitter: 10ms, distribution: pareto}}, select: one}\n\
     - {at: 3s, for: 1s, fault: packet, packets: {loss: 20%, correlation: 25%}, direction: from, select: leader}\n\
     - {at: 5s, for: 1s, fault: packet, packets: {reorder: {share: 9%, by: 9ms}, duplicate: 5%, corrupt: 1%}, select: all}\n\
     - {at: 7s, for: 1s, fault: packet, packets: {rate: 1mbit}, direction: {links: [n1>n2]}, select: all}\n",
    "seed: 4\nnodes: 5\nschedule:\n\
     - {at: 1s, for: 1s, fault: membership, change: remove, select: majority}\n\
     - {at: 3s, for: 1s, fault: membership, change: replace, select: leader}\n",
    "seed: 4\nschedule:\n\
     - {after: {leader_change: 2, wait: 200ms}, for: 1s, fault: kill, select: followers}\n\
     - {at: 1s, after: {writes: 500, within: 9s}, for: 1s, fault: pause, select: follower}\n\
     - {at: 2s, after: {log: elected, node: n1}, for: 1s, fault: kill, select: last}\n",
    "seed: 5\nschedule:\n\
     - {at: 1s, for: 1s, fault: rot, rot: {flip: 3, file: \"**/*.wal\"}, select: one}\n\
     - {at: 3s, for: 1s, fault: rot, rot: {truncate: 100}, select: leader}\n\
     - {at: 5s, for: 1s, fault: rot, rot: {restore: begin}, select: follower}\n",
    "seed: 3\nschedule:\n- at: 500ms\n  for: 2s\n  fault: partition\n  shape: mute\n  select: leader\n",
];

/// Words that mean something somewhere in a plan or in YAML.
const WORDS: &[&str] = &[
    "seed",
    "seeds",
    "cases",
    "exclude",
    "include",
    "expect",
    "at_least",
    "3 of 5",
    "nodes",
    "schedule",
    "faults",
    "time_limit",
    "raft",
    "kill",
    "pause",
    "partition",
    "one",
    "all",
    "leader",
    "named",
    "after",
    "rot",
    "flip",
    "restore",
    "writes",
    "log",
    "node",
    "links",
    "shape",
    "flapping",
    "clock",
    "skew",
    "jump",
    "strobe",
    "drift",
    "packet",
    "packets",
    "delay",
    "loss",
    "correlation",
    "100%",
    "rate",
    "0kbit",
    "direction",
    "membership",
    "change",
    "shrink",
    "to",
    "200%",
    "-1h",
    "split",
    "halves",
    "bridge",
    "deaf",
    "n1>n2",
    "n9",
    "10000000000ms",
    "9999h",
    "1e9s",
    "0s",
    "0.0001ms",
    "2777h",
    "-1s",
    "&a",
    "*a",
    "<<",
    "!!binary",
    "!x",
    "|",
    ">",
    "---",
    "...",
    "?",
    "%YAML 9.9",
    "[",
    "]",
    "{",
    "}",
    ":",
    "- ",
    "#",
    "\t",
    "\r",
    "'",
    "\"",
    "\"\\u0000\"",
    "null",
    "~",
    "yes",
    "0x10",
    "0o7",
    ".inf",
    ".nan",
];

fn word(rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..8) {
        0 => mutation::text(rng),
        1 => format!("{}{}", mutation::number(rng), ["", "s", "ms", "h", "m"].choose(rng).copied().unwrap_or_default()),
        2 => mutation::number(rng),
        3 => ["[", "{a: ", "- ", "? ", "\"", "&a [*a, "]
            .choose(rng)
            .copied()
            .unwrap_or_default()
            .repeat(rng.random_range(1..3000)),
        _ => WORDS.choose(rng).copied().unwrap_or_default().to_owned(),
    }
}

/// Changes one word: what stands between two signs of punctuation.
fn change_word(text: &mut String, rng: &mut ChaCha8Rng) {
    let is_between = |c: char| " \n,[]{}:>".contains(c);
    let starts: Vec<usize> = text.char_indices().filter(|(_, c)| !is_between(*c)).map(|(at, _)| at).collect();
    let Some(at) = starts.choose(rng).copied() else { return text.push_str(&word(rng)) };
    let from = text[..at].rfind(is_between).map_or(0, |place| place + 1);
    let to = text[at..].find(is_between).map_or(text.len(), |length| at + length);
    let new = word(rng);
    match rng.random_range(0..4) {
        0 => text.insert_str(from, &new),
        1 => text.replace_range(from..to, ""),
        _ => text.replace_range(from..to, &new),
    }
}

/// A plan with a few changes.
pub fn make(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let text = PLANS.choose(rng).copied().unwrap_or_default().to_owned();
    changed(text, rng)
}

/// The text with a few changes.
pub fn changed(mut text: String, rng: &mut ChaCha8Rng) -> Vec<u8> {
    for _ in 0..rng.random_range(1..=4) {
        if rng.random_bool(0.3) {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            mutation::lines(&mut lines, rng);
            text = lines.join("\n") + "\n";
        } else {
            change_word(&mut text, rng);
        }
    }
    let mut text = text.into_bytes();
    if rng.random_bool(0.1) {
        mutation::bytes(&mut text, rng);
    }
    text
}

/// What `squall test --plan` does before anything is started.
pub fn read_and_resolve(text: &[u8]) -> Read {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("plan.yaml");
    fs::write(&path, text).expect("a plan file");
    let Ok(plan) = Wishes::read(&path).and_then(Wishes::resolve) else { return Read::Refused };
    let yaml = plan.to_yaml().expect("a resolved plan can be written");
    fs::write(&path, &yaml).expect("a plan file");
    let again = Wishes::read(&path).and_then(Wishes::resolve);
    assert!(again.as_ref() == Ok(&plan), "the resolved plan does not read back as itself:\n{:.2000}", yaml);
    assert!(plan.command(Path::new("plan.yaml")).contains(" test "));
    Read::Accepted
}
