//! What the servers tell `curl` of their members.

use crate::stage::Stage;
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

/// The members as the server of `node` lists them: the name of each one's node, and its number.
pub fn members(stage: &Stage, node: &str) -> BTreeMap<String, u64> {
    let address = stage.node(node).address;
    let (url, data, place, number) = match stage.deployment.target().name() {
        "raft" => (format!("http://{address}:7100/v1/members"), &[][..], "/address", "/id"),
        "etcd" => (format!("http://{address}:2379/v3/cluster/member/list"), &["-d", "{}"][..], "/peerURLs/0", "/ID"),
        other => panic!("who asks {other}?"),
    };
    let asked =
        Command::new("curl").args(["--silent", "--show-error", "--max-time", "10"]).args(data).arg(&url).output();
    let asked = asked.expect("curl is there");
    let told = String::from_utf8_lossy(&asked.stdout).into_owned() + &String::from_utf8_lossy(&asked.stderr);
    let answer: Value = serde_json::from_slice(&asked.stdout).unwrap_or_else(|error| panic!("{error}: {url}: {told}"));
    let text = |member: &Value, pointer: &str| {
        let value = member.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {told}"));
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    };
    let listed = answer["members"].as_array().unwrap_or_else(|| panic!("no list: {told}")).iter();
    let named = listed.map(|member| {
        let place = text(member, place);
        let is_there = |host: &str| place.trim_start_matches("http://").starts_with(&format!("{host}:"));
        let node = stage.deployment.nodes().iter().find(|node| is_there(&node.address.to_string()));
        (node.unwrap_or_else(|| panic!("who is at {place}?")).name.clone(), text(member, number).parse().unwrap())
    });
    named.collect()
}
