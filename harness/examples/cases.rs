//! The known cases: what squall must find on servers as they are installed, and what it must not accuse.
//!
//!     cargo build --release && cargo run --release -p squall --example cases -- target/release/squall [CASE...]
//!
//! A case that must be found gets five seeds, a storm of 90 s each, and has to be found in four of them. One that must not be
//! accused gets ten seeds of 60 s. Prints a table; ends with status 1 when a case is missed or accused. An accusation of a
//! server that is as its maker shipped it may be true all the same: read the run before believing either.

use anyhow::{Context, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is expected of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The promise that it is judged at is broken, and squall shows it.
    Found,
    /// It is kept.
    NotAccused,
}

struct Case {
    id: &'static str,
    about: &'static str,
    expected: Expected,
    /// What follows `squall test`.
    args: &'static str,
}

use Expected::{Found, NotAccused};

const CASES: &[Case] = &[
    Case {
        id: "E1",
        about: "etcd: serializable reads are old",
        expected: Found,
        args: "etcd --read serializable --consistency linearizable --faults pause,partition",
    },
    Case {
        id: "E2",
        about: "etcd: linearizable reads are not",
        expected: NotAccused,
        args: "etcd --faults pause,partition",
    },
    Case {
        id: "E4",
        about: "etcd: a lease lock alone loses additions of others",
        expected: Found,
        args: "etcd --workload set-locked --faults pause-client",
    },
    Case {
        id: "E4n",
        about: "etcd: a fencing token loses none",
        expected: NotAccused,
        args: "etcd --workload set-fenced --faults pause-client",
    },
    Case { id: "E12", about: "etcd: registers", expected: NotAccused, args: "etcd --faults kill,pause,partition" },
    Case {
        id: "E12",
        about: "etcd: sets",
        expected: NotAccused,
        args: "etcd --workload set --faults kill,pause,partition",
    },
    Case {
        id: "E12",
        about: "etcd: banks",
        expected: NotAccused,
        args: "etcd --workload bank --faults kill,pause,partition",
    },
    Case {
        id: "Z2",
        about: "ZooKeeper: local reads are not linearizable",
        expected: Found,
        args: "zookeeper --read local --consistency linearizable --faults pause,partition",
    },
    Case {
        id: "Z3",
        about: "ZooKeeper: local reads are sequential",
        expected: NotAccused,
        args: "zookeeper --read local --faults kill,pause,partition",
    },
    Case {
        id: "Z3",
        about: "ZooKeeper: reads after a write are linearizable",
        expected: NotAccused,
        args: "zookeeper --read after-write --faults kill,pause,partition",
    },
    Case {
        id: "Z8",
        about: "ZooKeeper: a paused holder believes in its ephemeral node",
        expected: Found,
        args: "zookeeper --workload lock --faults pause-client",
    },
];

const FOUND_SEEDS: u64 = 5;
const FOUND_MIN: usize = 4;
const FOUND_STORM_S: u64 = 90;
const CALM_SEEDS: u64 = 10;
const CALM_STORM_S: u64 = 60;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let program = PathBuf::from(args.next().context("name the squall to measure: target/release/squall")?);
    let wanted: Vec<String> = args.map(|id| id.to_string_lossy().into_owned()).collect();
    if let Some(unknown) = wanted.iter().find(|id| CASES.iter().all(|case| case.id != id.as_str())) {
        bail!("there is no case called {unknown}");
    }
    let store = tempfile::tempdir().context("cannot make a folder for the runs")?;
    let mut wrong = Vec::new();
    println!("| case | `squall test` | result | storm until it shows: median, worst |\n|---|---|---|---|");
    for case in CASES.iter().filter(|case| wanted.is_empty() || wanted.iter().any(|id| id == case.id)) {
        let (seeds, storm_s) = match case.expected {
            Found => (FOUND_SEEDS, FOUND_STORM_S),
            NotAccused => (CALM_SEEDS, CALM_STORM_S),
        };
        let mut ends = Vec::new();
        for seed in 1..=seeds {
            ends.push(storm(&program, store.path(), case, storm_s, seed)?);
        }
        let mut shown_s: Vec<f64> = ends.iter().filter_map(|end| end.shown_s).collect();
        shown_s.sort_unstable_by(f64::total_cmp);
        let found = ends.iter().filter(|end| end.validity == "invalid").count();
        let unknown = ends.iter().filter(|end| end.validity == "unknown").count();
        let result = match case.expected {
            Found => format!("found in {found} of {seeds} seeds"),
            NotAccused => format!("accused in {found} of {seeds} seeds, {unknown} unknown"),
        };
        let median = shown_s.get(shown_s.len() / 2).map_or("-".into(), |at_s| format!("{at_s:.0} s"));
        let worst = shown_s.last().map_or("-".into(), |at_s| format!("{at_s:.0} s"));
        println!(
            "| {}: {} | `{} --time-limit {storm_s}s` | {result} | {median}, {worst} |",
            case.id, case.about, case.args
        );
        let is_wrong = match case.expected {
            Found => found < FOUND_MIN,
            NotAccused => found > 0,
        };
        if is_wrong {
            wrong.push(format!("{} was {result}", case.id));
        }
    }
    if !wrong.is_empty() {
        bail!("{}; the runs are in {}", wrong.join("; "), store.keep().display());
    }
    Ok(())
}

/// How a run ended.
struct End {
    validity: String,
    /// How long after the beginning of the run the earliest anomaly was complete.
    shown_s: Option<f64>,
}

fn storm(program: &Path, store: &Path, case: &Case, storm_s: u64, seed: u64) -> anyhow::Result<End> {
    let output = Command::new(program)
        .arg("test")
        .args(case.args.split(' '))
        .args(["--json", "--time-limit", &format!("{storm_s}s"), "--seed", &seed.to_string(), "--store"])
        .arg(store)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    if !matches!(output.status.code(), Some(0..=2)) {
        bail!("{} with seed {seed} failed: {}", case.id, String::from_utf8_lossy(&output.stderr));
    }
    let json: Value = serde_json::from_slice(&output.stdout).context("squall prints one JSON object")?;
    let validity = json["judgement"]["validity"].as_str().context("a validity")?.to_owned();
    let verdicts = json["judgement"]["verdicts"].as_array().into_iter().flatten();
    let anomalies = verdicts.flat_map(|verdict| verdict["anomalies"].as_array().into_iter().flatten());
    let shown_s = anomalies.filter_map(|anomaly| anomaly["to_ns"].as_f64()).map(|at_ns| at_ns / 1e9).reduce(f64::min);
    Ok(End { validity, shown_s })
}
