//! The page says what it must, needs nothing else, and lets no text do harm.

use crate::made::{HARMFUL, MS, anomaly, history, judgement};
use squall_results::event::{End, Ending};
use squall_results::report::{LogLine, ReportInput, render};
use squall_results::verdict::Minimal;
use squall_results::{Call, Figures, History, Judgement, Outcome, Reply, Validity, Verdict};

fn page(history: &History, judgement: &Judgement) -> String {
    let line = |at_ms: u64, text: &str| LogLine { node: "n2".into(), at_ns: Some(at_ms * MS), text: text.to_owned() };
    let logs = [line(2, "elected near it"), line(1, HARMFUL), line(90_000, "long after it")];
    let mut history = history.clone();
    history.facts.insert("Cut by".to_owned(), HARMFUL.to_owned());
    let history = &history;
    render(&ReportInput {
        history,
        judgement,
        figures: &Figures::of(history),
        title: HARMFUL,
        command: "squall run etcd register --seed 42",
        plan_yaml: "target: etcd # <b>\n",
        logs: &logs,
    })
}

#[test]
fn the_verdict_comes_first_and_in_words() {
    let history = history(200);
    let cases = [
        (Validity::Valid, "linearizable"),
        (Validity::Invalid, "not linearizable"),
        (Validity::Unknown, "whether linearizable"),
    ];
    for (validity, about) in cases {
        let page = page(&history, &judgement(validity, Vec::new()));
        let heading = &page[page.find("<h1>").unwrap()..page.find("</h1>").unwrap()];
        assert!(heading.to_lowercase().contains(&validity.to_string()), "{heading}");
        assert!(heading.ends_with(&format!(">{about}</span>")), "{heading}");
        assert!(page.find("<h1>") < page.find("<h2>"), "something comes before the verdict");
        assert!(page.contains("the reason &lt;script&gt;"), "the reason is missing");
    }
}

#[test]
fn a_cluster_that_did_not_serve_says_so_beside_the_verdict() {
    let history = history(200);
    let with = |validity| {
        let verdict =
            Verdict { validity, reason: "nothing succeeded".into(), ..judgement(validity, vec![]).verdicts.remove(0) };
        Judgement { liveness: Some(verdict), ..judgement(Validity::Valid, Vec::new()) }
    };
    for (validity, expected) in [(Validity::Valid, false), (Validity::Unknown, false), (Validity::Invalid, true)] {
        let page = page(&history, &with(validity));
        let head = &page[page.find("<h1>").unwrap()..page.find("<nav").unwrap()];
        assert_eq!(head.contains("did not serve") && head.contains("nothing succeeded"), expected, "{head}");
        assert!(page.contains("nothing succeeded"), "it stands among the checkers");
        assert_eq!(with(validity).worst(), if expected { Validity::Invalid } else { Validity::Valid });
    }
}

#[test]
fn the_page_holds_what_was_asked_of_it() {
    let page = page(&history(200), &judgement(Validity::Invalid, vec![anomaly(12)]));
    let told = "Process 3 read 3 &lt; 7 although &lt;script&gt;";
    assert!(page.matches(told).count() >= 3, "the anomaly is told beside the pictures and in them");
    for wanted in [
        "squall run etcd register --seed 42",
        "2000-02-29 00:00:00 UTC",
        "… 898 before",
        "it read 3, but the register holds 7",
        "6 of 6 probes lost",
        "! not in force",
        "target: etcd # &lt;b&gt;",
        "elected near it",
        "line 9 is cut off",
        "prefers-color-scheme:dark",
        "content=\"light dark\"",
    ] {
        assert!(page.contains(wanted), "{wanted:?} is missing");
    }
    assert!(!page.contains("long after it"), "lines far from the anomaly are left out");
    assert_eq!(page.matches("<svg").count(), 5, "three plots and an anomaly, wide and narrow");
    let logs = &page[page.find("id=\"logs\"").unwrap()..];
    assert!(logs.find("0.001 s") < logs.find("elected near it"), "log lines are in order of time");
}

#[test]
fn the_last_consistent_state_and_the_impossible_step_stand_below_the_picture() {
    let page = page(&history(200), &judgement(Validity::Invalid, vec![anomaly(12)]));
    let ending = &page[page.find("<dl class=\"ending\">").unwrap()..];
    let ending = &ending[..ending.find("</dl>").unwrap()];
    for wanted in [
        "✓ last consistent state",
        "<b>&lt;script&gt;",
        "after 900 operations in a legal order, ending with cas 7→8: not equal by process 2",
        "✗ impossible step",
        "it read 3, but the register holds 7",
    ] {
        assert!(ending.contains(wanted), "{wanted:?} is missing in {ending}");
    }
}

#[test]
fn each_anomaly_says_how_sure_its_smallest_set_is_and_what_was_logged() {
    let minimal = |smallest, verified, after_ns| Minimal {
        operations: vec![1, 2, 12],
        effect_only: Vec::new(),
        starts: vec!["7".into(), HARMFUL.into()],
        after_ns,
        smallest,
        verified,
    };
    let told = |minimal: Minimal| {
        let anomaly = squall_results::Anomaly { minimal: Some(minimal), ..anomaly(12) };
        page(&history(200), &judgement(Validity::Invalid, vec![anomaly]))
    };
    let sure = told(minimal(true, true, None));
    assert!(
        sure.contains("a smallest set that is still a violation: none of the 3 can go, verified by the bare search.")
    );
    assert!(!sure.contains("only what they wrote"));
    let weaker = told(Minimal { effect_only: vec![2], ..minimal(true, true, None) });
    assert!(weaker.contains("Of 1 of them only what they wrote counts, not what they found."));
    let doubtful = told(minimal(false, false, Some(3 * MS)));
    assert!(
        doubtful.contains("a small set that is still a violation. Everything before 0.003 s has led to <b>7 or &lt;")
    );
    let beside = &sure[sure.find("class=\"beside\"").unwrap()..sure.find("id=\"checkers\"").unwrap()];
    assert!(beside.contains("2 log lines of all nodes around it") && beside.contains("elected near it"), "{beside}");
}

/// Anomalies of checkers that look for no order, about calls of any kind.
#[test]
fn anomalies_without_orders_or_with_no_operations_are_shown() {
    let elements = Outcome::Ok(Reply::Elements { elements: (0..5_000).collect(), version: None });
    let mut large = squall_results::Anomaly { prefixes: Vec::new(), ..anomaly(400) };
    for drawn in &mut large.operations {
        drawn.operation.call = Call::Elements { key: 0 };
        drawn.operation.outcome = elements.clone();
    }
    let empty = squall_results::Anomaly { prefixes: Vec::new(), operations: Vec::new(), ..anomaly(1) };
    let page = page(&history(200), &judgement(Validity::Invalid, vec![large, empty]));
    assert!(!page.contains("class=\"ending\"") && !page.contains("class=\"orders\""));
    assert!(page.contains("340 more operations around it are not drawn."));
    assert!(page.len() < 300_000, "{} bytes", page.len());
}

#[test]
fn the_page_needs_nothing_else_and_lets_nothing_through() {
    let page = page(&history(200), &judgement(Validity::Invalid, vec![anomaly(12), anomaly(30)]));
    let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
    for forbidden in ["http:", "https:", "src=", "@import", "url(", "<link", "<script", "\u{0}"] {
        assert!(!elsewhere.contains(forbidden), "the page holds {forbidden:?}");
    }
}

#[test]
fn a_run_that_did_not_come_to_its_end_says_so_beside_the_verdict() {
    let head = |how: Option<Ending>| {
        let mut history = history(20);
        history.end = how.map(|how| End { at_ns: history.end_ns(), how });
        let page = page(&history, &judgement(Validity::Valid, Vec::new()));
        page[..page.find("<h1>").unwrap()].to_owned()
    };
    assert!(head(Some(Ending::Interrupted)).contains("! interrupted"));
    assert!(head(Some(Ending::FirstViolation)).contains("! ended with the first violation"));
    assert!(head(Some(Ending::Failed("the disk is full".into()))).contains("! squall failed"));
    assert!(head(None).contains("! cut short"));
    assert!(!head(Some(Ending::Completed)).contains("tag doubt"));
}

#[test]
fn orders_name_operations_that_are_not_drawn() {
    let mut anomaly = anomaly(12);
    anomaly.prefixes[0].last = (1..=60).chain([9_999]).collect();
    let page = page(&history(200), &judgement(Validity::Invalid, vec![anomaly]));
    let orders = &page[page.find("class=\"orders\"").unwrap()..page.find("id=\"checkers\"").unwrap()];
    // Operation 59 is a compare-and-set that was not equal, 58 a write; 9999 is nobody's.
    for wanted in
        ["cas 7→8: not equal<span class=\"who\">p59</span>", "write 7<span class=\"who\">p58</span>", "operation 9999"]
    {
        assert!(orders.contains(wanted), "{wanted:?} is missing in {orders}");
    }
    assert_eq!(orders.matches("class=\"step\"").count(), 8);
    assert!(orders.contains("… 892 before"), "{orders}");
}

#[test]
fn of_many_anomalies_twenty_are_drawn_and_the_rest_counted() {
    let page = page(&history(200), &judgement(Validity::Invalid, (0..50).map(|_| anomaly(5)).collect()));
    assert!(page.contains("50 anomalies") && page.contains("30 more anomalies are"));
    assert_eq!(page.matches("<details class=\"anomaly\">").count(), 19, "the first is open, nineteen are folded");
    assert_eq!(page.matches("<svg").count(), 43, "three plots, twenty anomalies wide and narrow");
}

#[test]
fn pages_of_little_and_of_much_are_written_too() {
    let nothing = page(&History::default(), &Judgement::new(squall_results::Promise::Linearizable, Vec::new()));
    assert!(nothing.contains("No checker judged this history."));
    let large = page(&history(100_000), &judgement(Validity::Valid, Vec::new()));
    assert!(large.len() < 1_500_000, "{} bytes", large.len());
    assert!(large.contains("100,000"));
}
