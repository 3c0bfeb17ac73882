//! The dependency rules of the workspace: who may know whom. ARCHITECTURE.md says why.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each package of the workspace with all packages of the workspace that it may depend on.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("squall-results", &[]),
    ("squall-workloads", &["squall-results"]),
    ("raftd", &[]),
    ("raftd-sim", &["squall-results", "raftd"]),
    ("squall-targets", &["squall-results", "raftd"]),
    ("squall-nemesis", &["squall-results", "squall-targets"]),
    ("squall", &["squall-results", "squall-workloads", "squall-targets", "squall-nemesis", "raftd"]),
];

/// What a package must not use at all: pure crates do no IO, know no processes, no runtime.
const MUST_NOT_USE: &[(&str, &[&str])] = &[
    ("squall-results", &["tokio", "nix", "libc", "hyper", "axum"]),
    ("squall-workloads", &["tokio", "nix", "libc", "hyper", "axum"]),
];

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// The dependencies of each package of the workspace, those of its tests left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let shipped = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
            (text(&package["name"]), shipped.map(|dependency| text(&dependency["name"])).collect())
        })
        .collect()
}

#[test]
fn every_package_knows_only_what_it_may() {
    let dependencies = dependencies();
    let listed: BTreeSet<&str> = MAY_KNOW.iter().map(|(name, _)| *name).collect();
    let there: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(listed, there, "every package of the workspace has its row");
    for (name, may) in MAY_KNOW {
        let known: Vec<&String> = dependencies[*name].iter().filter(|other| there.contains(other.as_str())).collect();
        for other in known {
            assert!(may.contains(&other.as_str()), "{name} must not depend on {other}");
        }
    }
}

#[test]
fn pure_crates_stay_pure() {
    let dependencies = dependencies();
    for (name, banned) in MUST_NOT_USE {
        for other in *banned {
            assert!(!dependencies[*name].contains(*other), "{name} must not use {other}");
        }
    }
}

/// The packages and features of a build, as cargo resolves them.
fn resolved(arguments: &[&str]) -> BTreeSet<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "--prefix", "none", "--format", "{p} {f}", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .args(arguments)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("text");
    tree.lines().map(|line| line.trim_end_matches("(*)").trim_end().to_owned()).collect()
}

/// Who has run the tests need not wait for squall to be built a second time, nor the other way round.
#[test]
fn the_launcher_and_the_tests_share_one_build() {
    let launcher = resolved(&["--package", "squall", "--edges", "normal,build"]);
    let tests = resolved(&["--workspace", "--edges", "normal,build,dev"]);
    let alone: Vec<&String> = launcher.difference(&tests).collect();
    assert!(launcher.len() > 50, "{launcher:#?}");
    assert!(alone.is_empty(), "the tests build these with other features: {alone:#?}");
}
