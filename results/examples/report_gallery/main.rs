//! Writes the page of many made-up runs into a folder, to look at: `cargo run --example report_gallery -- FOLDER`. Histories
//! named after the folder are judged as registers and get pages too.
//!
//! The runs are synthetic and the same every time. They cover what the page must be able to show: small and large, valid,
//! invalid, unknown, cut short, long names, many nodes, many anomalies.

mod synthetic;

use squall_results::checker::activity::Activity;
use squall_results::checker::linearizable::Linearizable;
use squall_results::event::{End, Ending};
use squall_results::model::Register;
use squall_results::plots::{self, Kind};
use squall_results::reader::read_history;
use squall_results::report::{LogLine, ReportInput, render};
use squall_results::{Budget, CallKind, Checker, Figures, History, Judgement, Promise, Validity, Verdict};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;
use synthetic::{Story, anomalies};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("say which folder the pages go to")?;
    for file in arguments {
        let history = read_history(Path::new(&file))?;
        let verdict = Linearizable::new(Register).check(&history, &Budget::default());
        let name = Path::new(&file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        write(&Path::new(&folder).join(&name), &name, &history, Judgement::new(Promise::Linearizable, vec![verdict]))?;
    }
    for (name, history, verdicts) in gallery() {
        write(&Path::new(&folder).join(name), name, &history, Judgement::new(Promise::Linearizable, verdicts))?;
    }
    Ok(())
}

fn gallery() -> Vec<(&'static str, History, Vec<Verdict>)> {
    let three = Story::new(&["n1", "n2", "n3"]);
    let small = three.clone().seconds(12).faults(2).run();
    let large =
        Story::new(&["n1", "n2", "n3", "n4", "n5"]).seconds(120).processes(24).operations(100_000).faults(12).run();
    let broken = three.clone().seconds(20).faults(4).run();
    let stale = anomalies::stale_read(&broken, 8_412_000_000);
    let crowd = anomalies::crowd(&broken, 6_200_000_000, 30);
    let many = (0..50).map(|index| anomalies::stale_read(&broken, 1_000_000_000 + index * 330_000_000)).collect();
    let lost = anomalies::lost_element(&broken, 7_000_000_000);
    let bank = anomalies::wrong_total(&broken, 12_000_000_000);
    let mut long = large.clone();
    let in_long = anomalies::stale_read(&large, 61_000_000_000);
    long.operations.extend(in_long.operations.iter().map(|drawn| drawn.operation.clone()));
    let wide = anomalies::spread(&broken, 2_000_000_000, 10_000_000_000);
    let mut cut = three.clone().seconds(9).faults(2).run();
    cut.end = None;
    cut.phases.truncate(1);
    cut.notes = vec![
        "line 10422 is cut off and was left out".into(),
        "the run was cut short: operations without a return count as unknown".into(),
    ];
    let mut failed = three.clone().seconds(6).faults(1).run();
    failed.end = failed.end.map(|end| End { how: Ending::Failed("the disk <store> is full".into()), ..end });
    let nothing = three.clone().seconds(10).faults(3).dead().run();
    let long_names = [
        "database-primary-eu-central-1a.internal.example",
        "database-standby-eu-central-1b.internal.example",
        "<script>alert(1)</script>&\"quoted\"",
    ];
    let named = Story::new(&long_names).seconds(15).faults(5).run();
    let named_anomaly = anomalies::stale_read(&named, 5_000_000_000);
    let nine_names = ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"];
    let nine = Story::new(&nine_names).seconds(60).processes(18).faults(14).run();
    vec![
        ("small-valid", small.clone(), vec![active(&small), linearizable(Vec::new())]),
        ("large-valid", large.clone(), vec![active(&large), linearizable(Vec::new())]),
        ("stale-read", broken.clone(), vec![active(&broken), linearizable(vec![stale])]),
        ("long-history", long.clone(), vec![active(&long), linearizable(vec![in_long])]),
        ("thirty-operations", broken.clone(), vec![active(&broken), linearizable(vec![crowd])]),
        ("ten-seconds", broken.clone(), vec![active(&broken), linearizable(vec![wide])]),
        ("other-checkers", broken.clone(), vec![active(&broken), other_checker(vec![lost, bank])]),
        ("fifty-anomalies", broken.clone(), vec![active(&broken), linearizable(many)]),
        // The made-up clients do not wait for each other, so their values contradict each other everywhere.
        ("judged", broken.clone(), vec![Linearizable::new(Register).check(&broken, &Budget::default())]),
        ("nothing-happened", nothing.clone(), vec![active(&nothing), linearizable(Vec::new())]),
        ("cut-short", cut.clone(), vec![active(&cut), linearizable(Vec::new())]),
        ("failed", failed.clone(), vec![active(&failed), linearizable(Vec::new())]),
        ("long-names", named.clone(), vec![active(&named), linearizable(vec![named_anomaly])]),
        ("nine-nodes", nine.clone(), vec![active(&nine), linearizable(Vec::new())]),
        ("empty", History::default(), Vec::new()),
    ]
}

fn active(history: &History) -> Verdict {
    let at_least = [CallKind::Read, CallKind::Write, CallKind::Cas].map(|kind| (kind, 10)).to_vec();
    Activity { at_least }.check(history, &Budget::default())
}

fn linearizable(anomalies: Vec<squall_results::Anomaly>) -> Verdict {
    let validity = if anomalies.is_empty() { Validity::Valid } else { Validity::Invalid };
    let reason = match anomalies.len() {
        0 => "an order that explains every operation was found for each of 42 keys".to_owned(),
        1 => "no order explains the operations on key 3".to_owned(),
        count => format!("no order explains the operations on {count} of 64 keys"),
    };
    let figures = [("keys", 42.0), ("configurations", 18_233.0), ("seconds", 0.183)];
    let figures = figures.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    Verdict { checker: "linearizable".into(), validity, reason, anomalies, figures }
}

fn other_checker(anomalies: Vec<squall_results::Anomaly>) -> Verdict {
    let (checker, validity, reason) = ("bank".into(), Validity::Invalid, "the accounts do not add up".into());
    Verdict { checker, validity, reason, anomalies, figures: BTreeMap::new() }
}

fn write(folder: &Path, name: &str, history: &History, judgement: Judgement) -> std::io::Result<()> {
    std::fs::create_dir_all(folder.join("plots"))?;
    let begun = Instant::now();
    let figures = Figures::of(history);
    let logs = synthetic::logs(history);
    let history = &History { facts: facts(), ..history.clone() };
    let page = render(&input(history, &judgement, &figures, &logs, name));
    println!("{name}: {} kB in {:?}", page.len() / 1000, begun.elapsed());
    std::fs::write(folder.join("report.html"), page)?;
    for kind in Kind::ALL {
        std::fs::write(folder.join("plots").join(kind.file_name()), plots::render(history, kind))?;
    }
    for (index, anomaly) in judgement.anomalies().take(3).enumerate() {
        let file = folder.join("plots").join(format!("anomaly-{}.svg", index + 1));
        std::fs::write(file, plots::render_anomaly(history, anomaly))?;
    }
    Ok(())
}

fn facts() -> BTreeMap<String, String> {
    let facts = [
        ("squall", "0.1.0"),
        ("etcd", "3.4.23 (Debian 3.4.23-4+b12)"),
        ("Cluster", "local, 3 network namespaces on one switch"),
        ("Links are cut by", "the switch, in both directions"),
        ("Kernel", "6.18.0 x86_64"),
        ("Machine", "2 cores, 7.8 GiB"),
    ];
    facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn input<'a>(
    history: &'a History,
    judgement: &'a Judgement,
    figures: &'a Figures,
    logs: &'a [LogLine],
    name: &'a str,
) -> ReportInput<'a> {
    ReportInput {
        history,
        judgement,
        figures,
        title: name,
        command: "squall run etcd register --faults partition,kill,pause --time 60s --rate 800 --nodes 3 --seed 8812734",
        plan_yaml: "target: etcd\nworkload:\n  register:\n    keys: 42\n    mix: { read: 6, write: 3, cas: 1 }\nfaults:\n  - partition: { nodes: leader, every: 6s, lasts: 3s }\nseed: 8812734\n",
        logs,
    }
}
