//! Golden histories: each file holds those of one checker.

use crate::beginnings::beginnings;
use crate::script::parse;
use squall_results::checker::bank::Totals;
use squall_results::checker::sequential::Sequential;
use squall_results::checker::set::Set;
use squall_results::checker::versions::Versions;
use squall_results::models::{self, ModelOptions};
use squall_results::{Budget, Checker, Promise, Validity};

/// Judges every history of a file at the promises that it names, and looks at the evidence.
fn check(text: &str, least: usize, checker: impl Fn(Promise) -> Box<dyn Checker>) {
    let all = parse(text);
    assert!(all.len() >= least, "{} histories", all.len());
    for golden in &all {
        assert!(!golden.expected.is_empty(), "{} expects something", golden.name);
        for (promise, validity, kind) in &golden.expected {
            let verdict = checker(*promise).check(&golden.history, &Budget::default());
            let name = format!("{} at {promise}: {verdict:#?}", golden.name);
            assert_eq!(verdict.validity.to_string(), *validity, "{name}");
            assert!(!verdict.reason.is_empty(), "{name}");
            assert_eq!(verdict.anomalies.is_empty(), validity != "invalid", "{name}");
            let Some(first) = verdict.anomalies.first() else {
                for beginning in beginnings(&golden.history) {
                    let verdict = checker(*promise).check(&beginning, &Budget::default());
                    assert_ne!(verdict.validity, Validity::Invalid, "a beginning of {name}: {verdict:#?}");
                }
                continue;
            };
            assert_eq!(first.kind, *kind, "{name}");
            for anomaly in &verdict.anomalies {
                assert!(anomaly.told.contains(" s") && anomaly.from_ns <= anomaly.to_ns, "{name}");
                assert!(!anomaly.operations.is_empty(), "{name}");
            }
        }
    }
}

#[test]
fn sets() {
    check(include_str!("set.txt"), 20, |promise| Box::new(Set { promise }));
}

#[test]
fn banks() {
    check(include_str!("bank.txt"), 10, |promise| Box::new(Totals { promise }));
}

#[test]
fn banks_of_others() {
    let bank = models::find("bank").unwrap();
    check(include_str!("any_bank.txt"), 25, |_| bank.make(&ModelOptions::default()).unwrap());
}

#[test]
fn versions() {
    check(include_str!("versions.txt"), 20, |promise| Box::new(Versions { promise }));
}

#[test]
fn sequential() {
    check(include_str!("sequential.txt"), 18, |_| Box::new(Sequential));
}
