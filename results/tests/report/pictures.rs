//! Every picture is well-formed and has exactly the marks that its history calls for.

use crate::made::{MS, anomaly, history};
use crate::xml::{Element, elements};
use squall_results::call::{Call, Reply};
use squall_results::plots::{self, Kind};
use squall_results::verdict::Role;
use squall_results::{History, Outcome};

fn drawn(svg: &str) -> Vec<Element> {
    let elements = elements(svg).unwrap_or_else(|wrong| panic!("not well-formed: {wrong}"));
    assert!(!svg.contains("NaN") && !svg.contains("inf\""), "a coordinate is no number");
    elements
}

fn with_class<'a>(elements: &'a [Element], class: &'a str) -> impl Iterator<Item = &'a Element> {
    elements.iter().filter(move |element| element.has_class(class))
}

/// How many dots the series with `class` has; the legend's sample is none of them.
fn dots(elements: &[Element], class: &str) -> usize {
    let series =
        with_class(elements, class).filter(|element| element.has_class("sq-points") && !element.has_class("sq-key"));
    series.map(|path| path.attribute("d").matches('M').count()).sum()
}

#[test]
fn every_picture_of_every_size_is_well_formed_and_stands_alone() {
    for history in [History::default(), history(1), history(3), history(500), history(20_000)] {
        for kind in Kind::ALL {
            let svg = plots::render(&history, kind);
            assert!(drawn(&svg).len() > 3, "{kind:?} is empty");
            assert!(svg.contains("prefers-color-scheme:dark"), "{kind:?} knows one scheme only");
            assert!(!svg.contains("<script"), "{kind:?} lets text through unescaped");
            assert_eq!(svg.matches("http").count(), 1, "{kind:?} points elsewhere than to the name space of SVG");
            assert!(!svg.contains("fill=\"#") && !svg.contains("stroke=\"#"), "{kind:?} has a fixed colour");
        }
    }
}

#[test]
fn latency_has_a_dot_for_each_operation_that_returned() {
    let elements = drawn(&plots::render(&history(330), Kind::Latency));
    // Of 330, 30 are unknown, of which one never returned; 33 - 3 fail, since every 110th is unknown.
    assert_eq!(dots(&elements, "sq-s-unknown"), 29);
    assert_eq!(dots(&elements, "sq-s-fail"), 30);
    assert_eq!(dots(&elements, "sq-points"), 329);
    assert_eq!(with_class(&elements, "sq-band").count(), 1, "one of the faults was in force");
}

#[test]
fn many_operations_become_few_dots_and_the_slowest_stays() {
    let mut history = history(20_000);
    history.operations[7_776].returned_ns = Some(history.operations[7_776].invoked_ns + 900 * MS);
    let svg = plots::render(&history, Kind::Latency);
    let elements = drawn(&svg);
    let count = dots(&elements, "sq-points");
    assert!((3_500..=4_000).contains(&count), "{count} dots");
    assert!(svg.len() < 120_000, "{} bytes", svg.len());
    let height = |dot: &str| dot.trim_end_matches("h0").split(' ').nth(1).and_then(|y| y.parse::<f64>().ok());
    let paths = with_class(&elements, "sq-points").filter(|path| !path.has_class("sq-key"));
    let mut heights: Vec<f64> = paths.flat_map(|path| path.attribute("d").split('M').filter_map(height)).collect();
    heights.sort_by(f64::total_cmp);
    // 900 ms against less than 2 ms for all others, on a scale of 250 units over at most five decades.
    assert!(heights[1] - heights[0] > 100.0, "the slowest operation is lost: {:?}", &heights[..3]);
}

#[test]
fn rate_has_a_line_for_each_outcome_that_occurs() {
    let lines = |history: &History| {
        let elements = drawn(&plots::render(history, Kind::Rate));
        let long = with_class(&elements, "sq-run").filter(|path| path.attribute("d").matches('L').count() > 1);
        long.map(|path| path.attribute("class").rsplit(' ').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(lines(&history(900)), ["sq-s-fail", "sq-s-unknown", "sq-s-ok"]);
    let mut calm = history(900);
    calm.operations.retain(|operation| operation.outcome.is_ok());
    assert_eq!(lines(&calm), ["sq-s-ok"]);
}

#[test]
fn lanes_show_each_fault_on_each_of_its_nodes_and_each_leader() {
    let elements = drawn(&plots::render(&history(100), Kind::Faults));
    let with_words = |class: &str| with_class(&elements, class).count() - 1;
    assert_eq!(with_words("sq-chip"), 2, "one fault in force, on two nodes");
    assert_eq!(with_words("sq-idle"), 4, "the other on two nodes, and the injection of the first");
    assert_eq!(with_words("sq-lead"), 2, "two terms");
    assert_eq!(with_words("sq-mute"), 1, "one node is silent once");
}

#[test]
fn faults_of_clients_and_of_the_whole_cluster_have_lanes_of_their_own() {
    let mut history = history(100);
    let lanes = |history: &History| -> Vec<&'static str> {
        let svg = plots::render(history, Kind::Faults);
        ["clients", "cluster"].into_iter().filter(|name| svg.contains(&format!(">{name}</text>"))).collect()
    };
    assert_eq!(lanes(&history), Vec::<&str>::new());
    history.faults[0].nodes.clear();
    assert_eq!(lanes(&history), ["cluster"]);
    history.faults[1].nodes.clear();
    history.faults[1].family = "pause-client".into();
    assert_eq!(lanes(&history), ["clients", "cluster"]);
}

#[test]
fn an_anomaly_has_a_bar_for_each_operation() {
    for count in [1, 3, 30, 60] {
        let anomaly = anomaly(count);
        let svg = plots::render_anomaly(&history(100), &anomaly);
        let elements = drawn(&svg);
        assert_eq!(svg.matches("<title>operation ").count() as u64, count, "bars of {count} operations");
        let arrows = anomaly.operations.iter().filter(|drawn| drawn.operation.outcome.is_unknown()).count();
        assert_eq!(with_class(&elements, "sq-arrow").count(), arrows, "open ends of {count} operations");
        assert_eq!(
            svg.matches("✗ ").count(),
            3,
            "the legend, the one contradiction and the impossible step are marked by more than colour"
        );
        assert!(!svg.contains("<script"), "text comes through unescaped");
    }
}

#[test]
fn an_anomaly_without_operations_or_of_one_instant_is_drawn_too() {
    let mut bare = anomaly(2);
    for drawn in &mut bare.operations {
        (drawn.operation.invoked_ns, drawn.operation.returned_ns) = (5, Some(5));
    }
    let svg = plots::render_anomaly(&History::default(), &bare);
    drawn(&svg);
    assert_eq!(svg.matches("<title>operation ").count(), 2);
    bare.operations.clear();
    drawn(&plots::render_anomaly(&History::default(), &bare));
}

#[test]
fn of_a_crowd_the_telling_operations_are_drawn() {
    let mut anomaly = anomaly(500);
    // The witnesses lie far from the rest.
    anomaly.operations[0].operation.returned_ns = Some(2 * MS);
    let svg = plots::render_anomaly(&history(500), &anomaly);
    drawn(&svg);
    assert_eq!(svg.matches("<title>operation ").count(), 60);
    assert!(svg.contains("440 more operations"), "what is left out must be said");
    for drawn in anomaly.operations.iter().filter(|drawn| drawn.role != Role::Context) {
        assert!(svg.contains(&format!("<title>operation {},", drawn.operation.id)), "{:?} is left out", drawn.role);
    }
}

#[test]
fn the_same_read_many_times_in_a_row_is_told_once() {
    let mut anomaly = anomaly(14);
    let reads = anomaly.operations[3..13].iter_mut().map(|drawn| &mut drawn.operation);
    for operation in reads {
        operation.process = 7;
        operation.returned_ns = Some(operation.invoked_ns + MS / 5);
        operation.call = Call::Read { key: 0 };
        operation.outcome = Outcome::Ok(Reply::Read { value: Some(5), version: None });
    }
    let svg = plots::render_anomaly(&History::default(), &anomaly);
    drawn(&svg);
    assert!(svg.contains(">10 × read → 5</text>"), "{svg}");
    assert_eq!(svg.matches("read → 5</text>").count(), 1, "nothing else speaks of these reads");
    assert_eq!(svg.matches("<title>operation ").count(), 14, "each keeps its bar");
    // Another value in between parts them.
    anomaly.operations[6].operation.outcome = Outcome::Ok(Reply::Read { value: Some(6), version: None });
    let svg = plots::render_anomaly(&History::default(), &anomaly);
    assert!(svg.contains(">3 × read → 5</text>") && svg.contains(">6 × read → 5</text>"), "{svg}");
}

#[test]
fn what_lies_far_from_a_story_with_witnesses_is_left_out() {
    let mut anomaly = anomaly(20);
    anomaly.to_ns = 5 * MS;
    anomaly.operations[3].role = Role::Contradiction;
    anomaly.operations[19].role = Role::Context;
    let count = |anomaly: &_| plots::render_anomaly(&History::default(), anomaly).matches("<title>operation ").count();
    // The story lasts from 1 to 5 ms, a quarter more is shown: operations 1 to 6 begin by then.
    assert_eq!(count(&anomaly), 6);
    assert!(plots::render_anomaly(&History::default(), &anomaly).contains("14 more operations"));
    anomaly
        .operations
        .iter_mut()
        .filter(|drawn| drawn.role == Role::Witness)
        .for_each(|drawn| drawn.role = Role::Context);
    assert_eq!(count(&anomaly), 20, "without witnesses everything may matter");
}

#[test]
fn behind_an_anomaly_stand_the_faults_of_its_time() {
    // The fault that works is injected at 22 ms, in force from 27.5 ms, and measured to be gone at 56 ms.
    let check = |from_ms: u64, bands: usize, wanted: &[&str], unwanted: &[&str]| {
        let mut anomaly = anomaly(3);
        for drawn in &mut anomaly.operations {
            drawn.operation.invoked_ns += from_ms * MS;
            drawn.operation.returned_ns = drawn.operation.returned_ns.map(|at_ns| at_ns + from_ms * MS);
        }
        (anomaly.from_ns, anomaly.to_ns) = (from_ms * MS, (from_ms + 4) * MS);
        let svg = plots::render_anomaly(&history(100), &anomaly);
        assert_eq!(with_class(&drawn(&svg), "sq-band").count(), bands, "bands at {from_ms} ms");
        for words in wanted {
            assert!(svg.contains(words), "{words:?} is missing at {from_ms} ms");
        }
        for words in unwanted {
            assert!(!svg.contains(words), "{words:?} at {from_ms} ms");
        }
    };
    check(2, 0, &[], &["isolate", "Just before"]);
    check(20, 0, &["(not yet measured)"], &["Just before"]);
    check(25, 1, &["(not yet measured)", ">partition: isolate"], &["Just before"]);
    check(40, 1, &[">partition: isolate"], &["(not yet measured)", "Just before"]);
    check(60, 0, &["Just before, until 0.056 s: partition: isolate"], &["(not yet measured)"]);
    check(2_000, 0, &[], &["isolate", "Just before"]);
}

#[test]
fn time_is_stretched_only_where_it_must_be() {
    let mut anomaly = anomaly(3);
    let noted = |anomaly: &_| plots::render_anomaly(&History::default(), anomaly).contains("not to scale");
    assert!(!noted(&anomaly), "three operations of a millisecond can be drawn to scale");
    let last = &mut anomaly.operations[2].operation;
    last.invoked_ns += 10_000 * MS;
    last.returned_ns = last.returned_ns.map(|at_ns| at_ns + 10_000 * MS);
    assert!(noted(&anomaly), "milliseconds vanish in ten seconds");
}

#[test]
fn the_end_of_the_longest_legal_order_and_the_impossible_step_are_marked() {
    let mut anomaly = anomaly(12);
    let drawn_of = |anomaly: &_| drawn(&plots::render_anomaly(&History::default(), anomaly));
    let elements = drawn_of(&anomaly);
    let strips = |elements: &[Element], class: &str| {
        with_class(elements, "sq-strip").filter(|strip| strip.has_class(class)).count()
    };
    assert_eq!((strips(&elements, "sq-sound"), strips(&elements, "sq-wrong")), (1, 1));
    assert_eq!(with_class(&elements, "sq-last").count(), 1, "the order ends with operation 2");
    let svg = plots::render_anomaly(&History::default(), &anomaly);
    assert!(
        svg.contains(">✓ cas 7→8: not equal</text>") && svg.contains("it read 3, but the register holds 7"),
        "{svg}"
    );
    anomaly.prefixes.clear();
    let elements = drawn_of(&anomaly);
    assert_eq!(with_class(&elements, "sq-strip").count() + with_class(&elements, "sq-last").count(), 0);
}
