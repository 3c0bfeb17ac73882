//! Packet faults by the `squall` command on real local clusters: in force and healed beside other faults, refused where they
//! cannot be, gone when squall is. One cluster at a time.

mod common;

use common::{Run, Squall, json, leftovers, one_at_a_time};
use squall_results::event::Ending;
use squall_results::history::History;
use squall_results::reader;
use std::time::Duration;

/// Everything that can be wrong with packets; under some of it the leader is cut off, killed and paused.
const DISTURBED: &str = "
time_limit: 16s
seed: 41
schedule:
- at: 1s
  for: 3s
  fault: packet
  packets: {delay: {by: 50ms, jitter: 10ms, distribution: normal}}
  select: all
- {at: 1500ms, for: 1s, fault: partition, select: leader}
- at: 5s
  for: 3s
  fault: packet
  packets: {loss: 20%, correlation: 25%}
  direction: from
  select: leader
- {at: 5500ms, for: 1s, fault: kill, select: leader}
- at: 9s
  for: 3s
  fault: packet
  packets: {duplicate: 50%, corrupt: 5%, reorder: {share: 25%, by: 10ms}}
  select: all
- {at: 9500ms, for: 1s, fault: pause, select: leader}
- at: 13s
  for: 2s
  fault: packet
  packets: {rate: 1mbit}
  direction: {links: [n1>n2, n3>n1]}
  select: all
";

/// A storm in which every fault was in force and healed, and nothing was lost by it.
fn is_valid(squall: &Squall, run: &Run, faults: u64) -> History {
    run.expect(0);
    let output = json(run);
    assert_eq!(output["judgement"]["validity"], "valid", "{output}");
    let figures = &output["figures"];
    let in_force = (&figures["faults_in_force"], &figures["faults_injected"]);
    assert_eq!(in_force, (&faults.into(), &faults.into()), "{}", run.stderr);
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    assert_eq!(history.end.as_ref().map(|end| &end.how), Some(&Ending::Completed));
    for fault in &history.faults {
        assert!(fault.healed.is_some() && fault.problem.is_none(), "{fault:?}");
    }
    assert!(history.facts["packets are disturbed by"].contains("switch"), "{:?}", history.facts);
    history
}

/// What is told of the delay, of two directions of 50 ms: a round trip of about 100 ms where it was a few at most.
#[track_caller]
fn delay_is_told(run: &Run) {
    let told = run.stderr.lines().find(|line| line.contains("→")).unwrap_or_else(|| panic!("{}", run.stderr));
    let number = |text: &str| text.trim().trim_end_matches("ms").trim().parse::<f64>().unwrap();
    let (before, after) = told.rsplit_once("round trip ").and_then(|(_, trips)| trips.split_once('→')).unwrap();
    assert!(number(before) < 50.0 && (85.0..200.0).contains(&number(after)), "{told}");
}

#[test]
fn packets_are_disturbed_and_healed_beside_other_faults() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", DISTURBED);
    let run = squall.run(&["test", "--json", "--plan", &plan]);
    is_valid(&squall, &run, 7);
    delay_is_told(&run);
    for told in [
        "delay 50ms ± 10ms (normal) on all links of n1, n2, n3",
        "lose 20% in rows (25% correlated) on what n",
        "probes were lost",
        "came twice",
        "were overtaken",
        "let 1mbit through on n1>n2, n3>n1",
        "mbit/s pass at most",
        "probes arrived once and in order",
        "packets were under it",
    ] {
        assert!(run.stderr.contains(told), "`{told}` is missing in: {}", run.stderr);
    }
    assert_eq!(leftovers(&squall), Vec::<String>::new());
}

#[test]
fn a_drawn_storm_of_partitions_kills_and_packets_is_valid() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let run = squall.run(&[
        "test",
        "raft",
        "--faults",
        "partition,kill,packet",
        "--seed",
        "7",
        "--time-limit",
        "16s",
        "--json",
    ]);
    let injected = json(&run)["figures"]["faults_injected"].as_u64().unwrap();
    let history = is_valid(&squall, &run, injected);
    let packets = history.faults.iter().filter(|fault| fault.family == "packet").count();
    assert!(packets >= 2 && history.faults.len() > packets, "{:?}", history.faults);
}

#[test]
fn etcd_goes_on_over_slow_and_lossy_links() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", &format!("target: etcd\nprofile: fast{DISTURBED}"));
    let run = squall.run(&["test", "--json", "--plan", &plan]);
    is_valid(&squall, &run, 7);
    delay_is_told(&run);
}

#[test]
fn an_ordinary_user_to_whom_the_device_is_open_needs_no_root() {
    let _alone = one_at_a_time();
    let squall = Squall::as_ordinary_user();
    squall.file("plan.yaml", &DISTURBED.split("- at: 9s").next().unwrap().replace("16s", "9s"));
    let script = r#"
        device=$(dirname "$1")/tun
        mknod "$device" c 10 200 && chmod 0666 "$device" && mount --bind "$device" /dev/net/tun || exit 99
        cd "$(dirname "$1")" || exit 99
        exec setpriv --reuid 65534 --regid 65534 --clear-groups "$0" test --json --plan plan.yaml
    "#;
    let run = squall.shell_in_own_mounts(script);
    is_valid(&squall, &run, 4);
    delay_is_told(&run);
}

#[test]
fn where_neither_way_works_packet_faults_are_refused_and_others_are_not() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    squall.file("plan.yaml", DISTURBED);
    // Neither the device nor tc is what it was, for this run alone.
    let script = r#"
        mount --bind /dev/null /dev/net/tun || exit 99
        tc=$(command -v tc) && { mount --bind /dev/null "$(readlink -f "$tc")" || exit 99; }
        cd "$(dirname "$1")" || exit 99
        "$0" test --plan plan.yaml; echo "packets: status $?"
        "$0" test --faults kill --time-limit 3s --seed 1 > /dev/null; echo "kill: status $?"
        "$0" doctor
    "#;
    let run = squall.shell_in_own_mounts(script);
    assert!(run.stdout.contains("packets: status 3") && run.stdout.contains("kill: status 0"), "{run:?}");
    assert!(run.stderr.contains("disturb packets: tc netem: ") && run.stderr.contains("/dev/net/tun"), "{run:?}");
    let doctor = run.stdout.lines().find(|line| line.contains("/dev/net/tun"));
    assert!(doctor.is_some_and(|line| !line.contains("works")), "{run:?}");
}

#[test]
fn a_killed_squall_leaves_no_packets_under_way_and_nothing_else() {
    let _alone = one_at_a_time();
    let squall = Squall::new();
    let plan = squall.file("plan.yaml", &DISTURBED.replace("50ms", "2s"));
    let mut running = squall.start(&["test", "--plan", &plan]);
    running.await_line("in force: round trip", Duration::from_secs(60));
    running.signal(libc::SIGKILL);
    running.finish();
    squall.await_no_leftovers(Duration::from_secs(10));
    let history = reader::read_history(&squall.latest().join("history.jsonl")).unwrap();
    // What was told last may not have reached the file.
    assert!(history.end.is_none() && history.faults.iter().all(|fault| fault.healed.is_none()));
}
