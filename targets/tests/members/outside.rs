//! What the servers tell `curl` of their members, and ZooKeeper its own command line.

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
        "zookeeper" => return of_zookeeper(stage, node),
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
        let node = stage.deployment.all().iter().find(|node| is_there(&node.address.to_string()));
        (node.unwrap_or_else(|| panic!("who is at {place}?")).name.clone(), text(member, number).parse().unwrap())
    });
    named.collect()
}

/// The members of ZooKeeper, as its own command line reads them from the node `/zookeeper/config` of a server.
fn of_zookeeper(stage: &Stage, node: &str) -> BTreeMap<String, u64> {
    let server = format!("{}:2181", stage.node(node).address);
    let archives = ["zookeeper", "zookeeper-jute", "commons-cli", "slf4j-api", "slf4j-nop"];
    let class_path = archives.map(|archive| format!("/usr/share/java/{archive}.jar")).join(":");
    let java = ["-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", &class_path];
    let asked = Command::new("java")
        .args(java)
        .args(["org.apache.zookeeper.ZooKeeperMain", "-server", &server, "config"])
        .output()
        .expect("java is there");
    let told = String::from_utf8_lossy(&asked.stdout).into_owned() + &String::from_utf8_lossy(&asked.stderr);
    assert!(told.contains("\nversion="), "no members: {told}");
    let named = told.lines().filter_map(|line| line.strip_prefix("server.")).map(|line| {
        let (number, place) = line.split_once('=').expect("a member");
        let is_there = |node: &&squall_targets::cluster::Node| place.starts_with(&format!("{}:", node.address));
        let node = stage.deployment.all().iter().find(is_there).unwrap_or_else(|| panic!("who is at {place}?"));
        (node.name.clone(), number.parse().expect("a number"))
    });
    named.collect()
}
