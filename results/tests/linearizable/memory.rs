//! The process as a whole stays within the memory of the budget, but for a fifth.

use crate::budget::{hard, hard_for_registers};
use crate::feed::{events, verdict_alone};
use crate::twin::Random;
use squall_results::Budget;
use squall_results::checker::linearizable::{Course, Linearizable};
use squall_results::model::Register;
use std::process::Command;
use std::time::Duration;

/// Says which way to judge is asked for in a process of its own.
const WAY: &str = "SQUALL_TEST_WAY_TO_JUDGE";

const LIMIT_BYTES: usize = 256 << 20;

/// The search and the frontier of registers, at once and event by event, each with a history that is too hard for it.
#[test]
fn peaks_are_below_the_limit() {
    for way in ["search", "register", "search online", "register online"] {
        let test = std::env::current_exe().unwrap();
        let child = Command::new(test)
            .args(["--exact", "memory::in_a_process_of_its_own", "--include-ignored", "--nocapture"])
            .env(WAY, way)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&child.stdout).into_owned();
        let peak_kb = told.lines().find_map(|line| line.split_once("peak kB: ")?.1.parse::<usize>().ok());
        let peak_kb = peak_kb.unwrap_or_else(|| panic!("{way} tells no peak: {told}"));
        assert!(peak_kb * 1024 <= LIMIT_BYTES + LIMIT_BYTES / 5, "{way} takes {peak_kb} kB");
        // What the checker takes itself to hold is not far from what it holds.
        assert!(peak_kb * 1024 >= LIMIT_BYTES / 4, "{way} takes {peak_kb} kB");
        assert!(told.contains("the memory was used up"), "{way}: {told}");
    }
}

#[test]
#[ignore = "another test runs it in a process of its own"]
fn in_a_process_of_its_own() {
    let Ok(way) = std::env::var(WAY) else { return };
    let by_search = way.starts_with("search");
    let operations = if by_search { hard(0, 0) } else { hard_for_registers(9) };
    let checker = Linearizable::with_course(Register, if by_search { Course::Search } else { Course::Register });
    let budget = Budget { time: Duration::from_secs(300), memory_bytes: LIMIT_BYTES, ..Budget::default() };
    let reason = if way.ends_with("online") {
        verdict_alone(checker.online(budget), &events(&operations, &mut Random(1)), &operations).reason
    } else {
        checker.check_operations(&operations, &budget).reason
    };
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    println!("{reason}\npeak kB: {}", peak.split_whitespace().next().unwrap());
}
