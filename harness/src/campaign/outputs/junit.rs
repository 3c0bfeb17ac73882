//! A campaign as JUnit XML, for whatever shows the tests of a build.
//!
//! A suite a target, a test a case; the controls are a suite of their own, a test a control. An invalid case and a missed
//! control are failures; where squall failed, or nobody can tell, it is an error; what was not run is skipped. The form is that
//! of Jenkins' `junit-10.xsd`.

use super::words;
use crate::campaign::outcome::Standing;
use crate::campaign::precedence::{ControlOutcome, ControlStanding};
use crate::campaign::summary::{CaseSummary, Summary};
use std::fmt::Write;

/// The file.
pub fn render(summary: &Summary) -> String {
    let mut suites: Vec<(String, Vec<Test>)> = Vec::new();
    for case in summary.cases.iter().filter(|case| case.case.control.is_none()) {
        let test = of_case(&summary.campaign, case);
        match suites.iter_mut().find(|(target, _)| *target == case.case.target) {
            Some((_, tests)) => tests.push(test),
            None => suites.push((case.case.target.clone(), vec![test])),
        }
    }
    if !summary.controls.is_empty() {
        let controls = summary.controls.iter().map(|control| of_control(summary, control));
        suites.push(("controls".into(), controls.collect()));
    }
    let all: Vec<&Test> = suites.iter().flat_map(|(_, tests)| tests).collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing into a string cannot fail.
    let _ = writeln!(out, "<testsuites name=\"{}\" {}>", escaped(&summary.campaign), counts(&all, false));
    for (name, tests) in &suites {
        let counts = counts(&tests.iter().collect::<Vec<_>>(), true);
        let _ = writeln!(out, "  <testsuite name=\"{}\" {counts} timestamp=\"{}\">", escaped(name), timestamp(summary));
        tests.iter().for_each(|test| test.write(&mut out));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

struct Test {
    class: String,
    name: String,
    seconds: f64,
    /// What is wrong: the element, its type and its message.
    wrong: Option<(&'static str, &'static str, String)>,
    /// What else is to know.
    told: String,
}

impl Test {
    fn write(&self, out: &mut String) {
        let (class, name) = (escaped(&self.class), escaped(&self.name));
        let _ = writeln!(out, "    <testcase classname=\"{class}\" name=\"{name}\" time=\"{:.3}\">", self.seconds);
        if let Some((element, kind, message)) = &self.wrong {
            let message = escaped(message);
            let kind = if *element == "skipped" { String::new() } else { format!(" type=\"{kind}\"") };
            let _ = writeln!(out, "      <{element}{kind} message=\"{message}\"/>");
        }
        let _ = writeln!(out, "      <system-out>{}</system-out>\n    </testcase>", escaped(&self.told));
    }
}

fn of_case(campaign: &str, case: &CaseSummary) -> Test {
    let inner = &case.case;
    let verdict = case.outcome.as_ref().and_then(|outcome| outcome.verdict());
    let wrong = match case.standing {
        Standing::Valid | Standing::Caught | Standing::Uncaught => None,
        Standing::Invalid => Some(("failure", "invalid", words::reason(case))),
        Standing::Failed => Some(("error", "squall failed", words::reason(case))),
        Standing::Unknown => Some(("error", "unknown", words::reason(case))),
        Standing::NotRun => Some(("skipped", "", words::reason(case))),
    };
    let found = verdict.into_iter().flat_map(|verdict| &verdict.found);
    let told: Vec<String> = verdict
        .map(|verdict| format!("{}: {}\nagain: {}", verdict.about, verdict.reason, verdict.command))
        .into_iter()
        .chain(case.run.as_ref().map(|run| format!("run: {}", run.display())))
        .chain(found.map(|found| format!("found: {} ({})", found.mark, found.count)))
        .collect();
    Test {
        class: format!("{campaign}.{}", inner.target),
        name: format!(
            "{}, {}, {}, seed {}",
            inner.workload,
            inner.faults,
            crate::summary::plural(inner.nodes, "node"),
            inner.seed
        ),
        seconds: case.outcome.as_ref().map_or(0.0, |outcome| outcome.took_ms as f64 / 1e3),
        wrong,
        told: told.join("\n"),
    }
}

fn of_control(summary: &Summary, control: &ControlOutcome) -> Test {
    let own = summary.cases.iter().filter(|case| case.case.control.as_ref() == Some(&control.control));
    let seconds =
        own.clone().filter_map(|case| case.outcome.as_ref()).map(|outcome| outcome.took_ms as f64 / 1e3).sum();
    let (_, told) = words::control(control);
    let wrong = match control.standing {
        ControlStanding::Seen => None,
        ControlStanding::Missed => Some(("failure", "missed control", format!("caught in {told}"))),
        ControlStanding::Open => Some(("error", "unknown", format!("caught in {told}; cases are missing"))),
        ControlStanding::Elsewhere => Some(("skipped", "", format!("caught in {told}; other shards have the rest"))),
    };
    let cases = own.map(|case| format!("{}: {}", case.standing.word(), case.case));
    let told = std::iter::once(format!("caught in {told}")).chain(cases).collect::<Vec<_>>().join("\n");
    Test { class: format!("{}.controls", summary.campaign), name: control.control.name.clone(), seconds, wrong, told }
}

fn counts(tests: &[&Test], skipped: bool) -> String {
    let count =
        |element| tests.iter().filter(|test| test.wrong.as_ref().is_some_and(|wrong| wrong.0 == element)).count();
    let seconds: f64 = tests.iter().map(|test| test.seconds).sum();
    let skipped = if skipped { format!(" skipped=\"{}\"", count("skipped")) } else { String::new() };
    let (all, failures, errors) = (tests.len(), count("failure"), count("error"));
    format!("tests=\"{all}\" failures=\"{failures}\" errors=\"{errors}\"{skipped} time=\"{seconds:.3}\"")
}

/// As the schema wants it: in UTC, without a zone.
fn timestamp(summary: &Summary) -> String {
    let began = i64::try_from(summary.began_unix_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    began.unwrap_or(jiff::Timestamp::UNIX_EPOCH).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The text for an element or an attribute. What XML cannot hold at all becomes a question mark.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(letter),
            '\u{fffe}' | '\u{ffff}' => out.push('?'),
            letter if letter.is_control() => out.push('?'),
            letter => out.push(letter),
        }
    }
    out
}
