//! Campaign files: read, and spelled out to cases.

use super::fuzz::Read;
use super::plans;
use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use squall::campaign::CampaignFile;

const CAMPAIGNS: &[&str] = &[
    "cases: [{}]\n",
    "seed: 7\nbudget: 30m\nretries: 1\nplan: {time_limit: 20s, rate_hz: 200}\ncases:\n\
     - targets: [raft, {name: mine, target: etcd, profile: fast, settings: {heartbeat_ms: 60}}]\n  workloads: [register, set]\n  \
       faults: [partition, kill+pause, [packet, kill], none, swarm]\n  nodes: [3, 5]\n  seeds: 2\n  \
       exclude: [{target: etcd, faults: none}, {workloads: set, nodes: 5}]\n  include: {target: etcd, workload: lock, faults: pause-client}\n",
    "cases:\n- name: old\n  target: {target: zookeeper, read: local}\n  plan: {consistency: linearizable}\n  expect: invalid\n  \
     at_least: 3 of 5\n  time_limit: 9s\n- {seeds: [1, 2], plan: {schedule: [{at: 1s, for: 3s, fault: kill, select: leader}]}}\n",
];

/// A campaign file with a few changes, or with other numbers, which most often can still be read.
pub fn make(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let text = CAMPAIGNS.choose(rng).copied().unwrap_or_default().to_owned();
    if rng.random_bool(0.6) {
        return plans::changed(text, rng);
    }
    let mut other =
        |byte: u8| if byte.is_ascii_digit() && rng.random_bool(0.2) { rng.random_range(b'1'..=b'9') } else { byte };
    text.bytes().map(&mut other).collect()
}

/// What `squall campaign` does before anything is started.
pub fn read_and_expand(text: &[u8]) -> Read {
    let Ok(text) = String::from_utf8(text.to_vec()) else { return Read::Refused };
    let parsed = CampaignFile::parse(text, "campaign.yaml".into());
    match parsed.and_then(|file| file.cases(7)) {
        Ok(cases) => {
            assert!(!cases.is_empty() && cases.iter().zip(1..).all(|(case, number)| case.number == number));
            Read::Accepted
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            Read::Refused
        }
    }
}
