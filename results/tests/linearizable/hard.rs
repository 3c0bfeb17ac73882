//! The smallest histories that the checker does not answer in ten processor seconds and a gigabyte: it keeps to its budget there,
//! and says how far it came.

use crate::generate::{Kind, history};
use squall_results::checker::linearizable::Linearizable;
use squall_results::model::Register;
use squall_results::{Budget, Validity};
use std::process::Command;
use std::time::{Duration, Instant};

/// Says in a process of its own which of them is asked for.
const WHICH: &str = "SQUALL_TEST_HARD_HISTORY";

const TIME: Duration = Duration::from_millis(1_500);

/// How much longer it may take on a machine that has other work.
const SLACK: Duration = Duration::from_secs(4);

const LIMIT_BYTES: usize = 256 << 20;

/// In the words of [`Kind::of_words`], as the example `linearizable_bench` takes them. Who finds how to answer one of them
/// puts the next larger one in its place.
const HARD: [&str; 3] = ["30000 50 2 0 33 ok 30376", "100000 50 5 0 50 ok 100415", "20000 100 5 0 33 ok 20765"];

#[test]
fn hard_histories_keep_to_the_budget() {
    for which in HARD {
        let test = std::env::current_exe().unwrap();
        let child = Command::new(test)
            .args(["--exact", "hard::in_a_process_of_its_own", "--include-ignored", "--nocapture"])
            .env(WHICH, which)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&child.stdout).into_owned();
        assert!(child.status.success(), "{which}: {told}{}", String::from_utf8_lossy(&child.stderr));
        let peak_kb = told.lines().find_map(|line| line.split_once("peak kB: ")?.1.parse::<usize>().ok());
        let peak_kb = peak_kb.unwrap_or_else(|| panic!("{which} tells no peak: {told}"));
        assert!(peak_kb * 1024 <= LIMIT_BYTES + LIMIT_BYTES / 5, "{which} takes {peak_kb} kB");
    }
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn in_a_process_of_its_own() {
    let Ok(which) = std::env::var(WHICH) else { return };
    let words: Vec<String> = which.split(' ').map(String::from).collect();
    let operations = history(Kind::of_words(&words).unwrap());
    let begun = Instant::now();
    let budget = Budget { time: TIME, memory_bytes: LIMIT_BYTES, ..Budget::default() };
    let verdict = Linearizable::new(Register).check_operations(&operations, &budget);
    let took = begun.elapsed();
    assert!(took < TIME + SLACK, "{which} takes {took:?}");
    // Each of them came from an object that works. A fast machine may answer it in time.
    assert_ne!(verdict.validity, Validity::Invalid, "{which}: {}", verdict.reason);
    if verdict.validity == Validity::Unknown {
        let far = verdict.reason.split("key 0 has a legal order up to ").nth(1);
        let seconds: Option<f64> = far.and_then(|far| far.split(' ').next()?.parse().ok());
        assert!(seconds.is_some_and(|seconds| seconds > 0.0), "{which}: {}", verdict.reason);
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("{}\npeak kB: {}", verdict.reason, peak.split_whitespace().next().unwrap());
}
