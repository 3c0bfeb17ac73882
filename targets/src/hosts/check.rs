//! What machines can do for squall, looked at before anything is touched: nothing is copied, changed or left there.

use super::connection::Connection;
use super::host::Account;
use super::settings::Settings;
use super::{FOLDER, HostSpec, quoted};
use std::collections::BTreeMap;
use std::fmt;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is looked at, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// Whether somebody can log in by ssh, and how long it took.
    Ssh,
    /// Whether commands can be run as root.
    Root,
    /// The system and the kernel.
    System,
    /// Whether links can be cut.
    Iptables,
    /// Whether packets can be disturbed.
    Netem,
    /// Whether disks can fail.
    Fuse,
    /// How far the clock is from the controller's.
    Clock,
    /// How much room there is for a run.
    Disk,
    /// The servers that are installed.
    Servers,
}

impl Topic {
    /// All of them.
    pub const ALL: [Topic; 9] = [
        Topic::Ssh,
        Topic::Root,
        Topic::System,
        Topic::Iptables,
        Topic::Netem,
        Topic::Fuse,
        Topic::Clock,
        Topic::Disk,
        Topic::Servers,
    ];
}

/// What was found about one topic on one machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub state: State,
    /// What was found, in a few words.
    pub told: String,
    /// What to do, where something is to be done.
    pub remedy: Option<String>,
}

/// How it stands with a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Good,
    /// Some faults or targets will be refused.
    Lacking,
    /// No run is possible.
    Bad,
}

/// A machine that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The name that the node would have.
    pub node: String,
    /// The machine, as it was written.
    pub host: String,
    /// What was found; topics are missing that could not be looked at.
    pub findings: BTreeMap<Topic, Finding>,
}

/// A clock that is further away than this is told of; logs of servers are hard to read then.
const OFFSET_MAX_MS: i64 = 500;

/// Less room than this is too little for a run.
const ROOM_MIN_MB: u64 = 500;

/// What is run on a machine, as root where that is possible. It looks, and leaves nothing: what has to be tried is tried in
/// namespaces that are gone afterwards.
const LOOK: &str = r#"PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
say() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | head -n 1)"; }
say system "$(. /etc/os-release 2>/dev/null; echo "${PRETTY_NAME:-unknown}"), kernel $(uname -r)"
if out=$(iptables -w -n -L INPUT 2>&1); then say iptables "$(iptables -V)"; else say no_iptables "$out"; fi
if out=$(unshare --net tc qdisc add dev lo root netem delay 1ms 2>&1); then say netem "$(tc -V)"; else say no_netem "$out"; fi
if out=$(unshare --pid --mount --fork true 2>&1); then say namespaces yes; else say no_namespaces "$out"; fi
if test -c /dev/fuse; then say fuse yes; else say no_fuse "no /dev/fuse"; fi
room=FOLDER; until test -d "$room"; do room=$(dirname "$room"); done
say room_kb "$(df -Pk "$room" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)"
say runs "$(ls FOLDER 2>/dev/null | grep -c -v '^lock$')"
servers=
if command -v etcd >/dev/null; then servers="etcd $(etcd --version 2>/dev/null | head -n 1 | tr -dc '0-9.')"; fi
if command -v java >/dev/null; then servers="${servers:+$servers, }java"; fi
if test -e /usr/share/java/zookeeper.jar; then servers="${servers:+$servers, }zookeeper"; fi
say servers "$servers""#;

/// Looks at all machines at the same time.
pub fn examine(hosts: &[HostSpec]) -> Vec<Examined> {
    thread::scope(|scope| {
        let looking: Vec<_> = hosts.iter().map(|host| scope.spawn(|| look(host))).collect();
        let found = looking.into_iter().map(|looking| looking.join().unwrap_or_default());
        let named = found.zip(hosts).enumerate();
        named
            .map(|(place, (findings, host))| Examined {
                node: format!("n{}", place + 1),
                host: host.to_string(),
                findings,
            })
            .collect()
    })
}

fn look(host: &HostSpec) -> BTreeMap<Topic, Finding> {
    let mut findings = BTreeMap::new();
    if let Err((topic, reason)) = try_look(host, &mut findings) {
        let finding = Finding { state: State::Bad, told: "no".into(), remedy: Some(reason) };
        findings.insert(topic, finding);
    }
    findings
}

/// Fills in what is found, as far as one gets.
fn try_look(host: &HostSpec, findings: &mut BTreeMap<Topic, Finding>) -> Result<(), (Topic, String)> {
    let good = |told: String| Finding { state: State::Good, told, remedy: None };
    let begin = std::time::Instant::now();
    let settings = Settings::of(host).map_err(|reason| (Topic::Ssh, reason))?;
    let connection = Connection::open(&settings).map_err(|reason| (Topic::Ssh, reason))?;
    let account = Account::of(&connection).map_err(|reason| (Topic::Ssh, reason))?;
    findings.insert(Topic::Ssh, good(format!("{} ms", begin.elapsed().as_millis())));
    account.check_kind().map_err(|reason| (Topic::System, reason))?;
    account.check_root(&connection, &settings).map_err(|reason| (Topic::Root, reason))?;
    findings.insert(Topic::Root, good(if account.is_root { "yes" } else { "by sudo" }.into()));
    let script = LOOK.replace("FOLDER", FOLDER);
    let command = format!("{}sh -c {}", account.sudo(), quoted(&script));
    let said = connection.run(&command).and_then(|ran| ran.well("look around"));
    let said = said.map_err(|reason| (Topic::System, reason))?;
    let said: BTreeMap<&str, &str> = said.lines().filter_map(|line| line.split_once('=')).collect();
    read(&said, findings);
    let offset = offset(&connection).map_err(|reason| (Topic::Clock, reason))?;
    findings.insert(Topic::Clock, judge_offset(offset));
    Ok(())
}

/// Judges what a machine said.
fn read(said: &BTreeMap<&str, &str>, findings: &mut BTreeMap<Topic, Finding>) {
    let text = |name: &str| said.get(name).map_or(String::new(), |text| (*text).to_owned());
    let finding = |state, told: String, remedy: Option<String>| Finding { state, told, remedy };
    let system = match said.get("no_namespaces") {
        None => finding(State::Good, text("system"), None),
        Some(why) => finding(
            State::Bad,
            text("system"),
            Some(format!(
                "it refuses pid namespaces, in which servers run ({why}); in a container, allow CAP_SYS_ADMIN"
            )),
        ),
    };
    findings.insert(Topic::System, system);
    let iptables = match said.get("iptables") {
        Some(version) => finding(State::Good, version.trim_start_matches("iptables ").to_owned(), None),
        None => finding(
            State::Bad,
            "no".into(),
            Some(format!("links cannot be cut ({}); apt-get install iptables", text("no_iptables"))),
        ),
    };
    findings.insert(Topic::Iptables, iptables);
    let netem = match said.get("netem") {
        Some(_) => finding(State::Good, "yes".into(), None),
        None => finding(
            State::Lacking,
            "no".into(),
            Some(format!(
                "packets cannot be disturbed ({}); apt-get install iproute2, and a kernel with sch_netem",
                text("no_netem")
            )),
        ),
    };
    findings.insert(Topic::Netem, netem);
    let fuse = match said.get("fuse") {
        Some(_) => finding(State::Good, "yes".into(), None),
        None => finding(State::Lacking, "no".into(), Some("disks cannot fail (no /dev/fuse); modprobe fuse".into())),
    };
    findings.insert(Topic::Fuse, fuse);
    let room_mb = text("room_kb").parse::<u64>().unwrap_or(0) / 1_000;
    let room = format!("{:.1} GB", room_mb as f64 / 1e3);
    let runs: u64 = text("runs").parse().unwrap_or(0);
    let disk = if room_mb < ROOM_MIN_MB {
        let remedy = format!("a run needs some {ROOM_MIN_MB} MB below {FOLDER}; make room");
        finding(State::Bad, room, Some(remedy))
    } else if runs > 0 {
        let remedy = format!("{runs} broken-off runs lie in {FOLDER}; remove them when nobody wants to see them");
        finding(State::Good, room, Some(remedy))
    } else {
        finding(State::Good, room, None)
    };
    findings.insert(Topic::Disk, disk);
    let servers = text("servers");
    let servers = if servers.is_empty() { "raft".into() } else { format!("raft, {servers}") };
    findings.insert(Topic::Servers, finding(State::Good, servers, None));
}

/// How far the machine's clock is ahead, and by how much that may be wrong, in milliseconds.
fn offset(connection: &Connection) -> Result<(i64, i64), String> {
    let now_ms = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as i64;
    let mut best: Option<(i64, i64)> = None;
    // The quickest of some answers says it most exactly.
    for _ in 0..3 {
        let before = now_ms();
        let said = connection.run("date +%s%3N")?.well("ask for its time")?;
        let after = now_ms();
        let there: i64 = said.trim().parse().map_err(|_| format!("it says that its time is {said:?}"))?;
        let (offset, error) = (there - (before + after) / 2, (after - before) / 2 + 1);
        if best.is_none_or(|(_, least)| error < least) {
            best = Some((offset, error));
        }
    }
    best.ok_or_else(|| "it does not say its time".into())
}

fn judge_offset((offset_ms, error_ms): (i64, i64)) -> Finding {
    let told = if offset_ms.abs() <= error_ms { format!("within {error_ms} ms") } else { format!("{offset_ms:+} ms") };
    if offset_ms.abs() - error_ms <= OFFSET_MAX_MS {
        return Finding { state: State::Good, told, remedy: None };
    }
    let remedy =
        "its clock is not this machine's, so that the times in its servers' logs mislead; let NTP set both".into();
    Finding { state: State::Lacking, told, remedy: Some(remedy) }
}

impl Examined {
    /// The worst that was found.
    pub fn worst(&self) -> State {
        self.findings.values().map(|finding| finding.state).max().unwrap_or(State::Bad)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Topic::Ssh => "ssh",
            Topic::Root => "root",
            Topic::System => "system",
            Topic::Iptables => "iptables",
            Topic::Netem => "netem",
            Topic::Fuse => "fuse",
            Topic::Clock => "clock",
            Topic::Disk => "disk",
            Topic::Servers => "servers",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_remedy() {
        let mut findings = BTreeMap::new();
        let said =
            [("system", "Debian"), ("no_iptables", "not found"), ("no_netem", "no such device"), ("room_kb", "9")];
        read(&said.into(), &mut findings);
        for (topic, state, part) in [
            (Topic::System, State::Good, None),
            (Topic::Iptables, State::Bad, Some("apt-get install iptables")),
            (Topic::Netem, State::Lacking, Some("no such device")),
            (Topic::Disk, State::Bad, Some("make room")),
        ] {
            let Finding { state: found, remedy, .. } = &findings[&topic];
            assert_eq!(*found, state, "{topic}");
            assert_eq!(remedy.is_some(), part.is_some(), "{topic}: {remedy:?}");
            assert!(part.is_none_or(|part| remedy.as_ref().unwrap().contains(part)), "{topic}: {remedy:?}");
        }
    }

    #[test]
    fn an_offset_counts_as_far_as_it_is_certain() {
        for (offset, told, state) in [
            ((3, 8), "within 8 ms", State::Good),
            ((-40, 8), "-40 ms", State::Good),
            ((505, 8), "+505 ms", State::Good),
            ((-3_600_000, 8), "-3600000 ms", State::Lacking),
        ] {
            let finding = judge_offset(offset);
            assert_eq!((finding.told.as_str(), finding.state), (told, state));
        }
    }
}
