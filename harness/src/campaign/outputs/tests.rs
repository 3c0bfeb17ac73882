//! One campaign in which everything happens, and what each output says of it.

use super::*;
use crate::campaign::file::Expect;
use crate::campaign::measures::Measures;
use crate::campaign::outcome::End;
use crate::campaign::runner::Cut;
use crate::campaign::summary::tests::{agenda, case};
use squall_results::Validity;

fn campaign() -> Summary {
    let measures = Measures { lost: Some(2), staleness_ns: Some(1_500_000_000), ..Measures::default() };
    let mut done = vec![
        case(1, "raft <x>", Expect::Valid, Validity::Valid, measures),
        case(2, "etcd | _fast_", Expect::Valid, Validity::Invalid, Measures::default()),
        case(3, "etcd | _fast_", Expect::Valid, Validity::Unknown, Measures::default()),
        case(4, "etcd | _fast_", Expect::Valid, Validity::Valid, Measures::default()),
        case(5, "raft <x>", Expect::Valid, Validity::Valid, Measures::default()),
        case(6, "raft local", Expect::Invalid, Validity::Invalid, Measures::default()),
        case(7, "raft local", Expect::Invalid, Validity::Valid, Measures::default()),
    ];
    let failed = End::Failed { reason: "no space & \u{1}".into() };
    done[3].1.as_mut().expect("an outcome").end = failed;
    done[4].1 = None;
    Summary::of(&agenda(&done), done, Some(Cut::Budget), Some(("before.json".into(), Default::default())))
}

/// An output holds all of these, and none of what would mean something else in it.
#[track_caller]
fn check(output: &str, parts: &[&str], without: &[&str]) {
    for part in parts {
        assert!(output.contains(part), "`{part}` is missing in:\n{output}");
    }
    for part in without {
        assert!(!output.contains(part), "`{part}` is in:\n{output}");
    }
}

#[test]
fn junit_has_a_test_a_case_and_a_test_a_control() {
    check(
        &junit::render(&campaign()),
        &[
            "<testsuites name=\"nightly\" tests=\"6\" failures=\"1\" errors=\"2\" time=\"3600.000\">",
            "<testsuite name=\"raft &lt;x&gt;\" tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"1\" time=\"600.000\" timestamp=\"1970-01-01T00:16:40\">",
            "<testcase classname=\"nightly.etcd | _fast_\" name=\"register, kill, 3 nodes, seed 42\" time=\"600.000\">\n      \
             <failure type=\"invalid\" message=\"a reason with &lt;angles&gt; &amp; &quot;quotes&quot;\"/>",
            "<error type=\"unknown\" message=",
            "<error type=\"squall failed\" message=\"no space &amp; ?\"/>",
            "<skipped message=\"it was not run\"/>",
            "<testcase classname=\"nightly.controls\" name=\"old reads\"",
            "caught in 1 of 2; needs 1",
            "again: ./squall test --seed 41",
        ],
        &["\u{1}", "<x>", "<angles>"],
    );
}

#[test]
fn markdown_is_a_table_and_lists() {
    let text = markdown::render(&campaign());
    check(
        &text,
        &[
            "### squall, nightly: a promise was broken",
            "7 cases: 1 invalid, 1 failed, 1 unknown, 1 not run, 1 valid, 1 caught, 1 not caught.",
            "1 of 1 control seen, in 1 of 2 cases.",
            "| workload, faults | raft &lt;x&gt; | etcd \\| \\_fast\\_ |",
            "| **register**<br>kill | ✓ **1 of 2 valid, 1 not run: linearizable**",
            "<br>stale 1.5 s<br>lost 2 |",
            "- **invalid** etcd \\| \\_fast\\_, register, kill, 3 nodes, seed 42: a reason with &lt;angles&gt;",
            "| old reads | 1 of 2; needs 1 | seen |",
            "- **new** stale read, etcd",
            "in 1 case, in controls",
            "#### Not run: the budget was used up",
        ],
        &["<x>", "<angles>"],
    );
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let table: Vec<usize> = text
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'))
        .map(columns)
        .collect();
    assert_eq!(table, [4, 4, 4], "each row has all columns");
}

#[test]
fn the_page_links_into_the_runs_and_needs_nothing_else() {
    check(
        &html::render(&campaign()),
        &[
            "<title>a promise was broken — nightly — squall</title>",
            "href=\"cases/001-raft--x--register-kill-41/run/1/report.html\"",
            "raft &lt;x&gt;",
            "<dd class=\"bad-figure\">2</dd>",
            "a reason with &lt;angles&gt; &amp; &quot;quotes&quot;",
            "<span class=\"tag doubt\">new</span>",
            "the budget was used up",
        ],
        &["<x>", "<angles>", "\u{1}", "<script", "http://", "https://", "@import"],
    );
}

#[test]
fn a_terminal_is_told_the_same() {
    let told = anstream::adapter::strip_str(&terminal::text(&campaign())).to_string();
    check(
        &told,
        &[
            "1 of 3 invalid: linearizable",
            "controls  caught in 1 of 2: what this campaign would have found",
            "  seen    1 of 2; needs 1  old reads",
            "  new stale read, etcd | _fast_, register, kill of leader: 2 anomalies in 1 case\n",
            "not run  1 case: the budget was used up",
            "a promise was broken: 1 invalid, 1 failed, 1 unknown, 1 not run, 1 valid, 1 caught, 1 not caught; 7 cases in 60 min",
        ],
        &[],
    );
}
