//! The short summary at the end of a run, for the terminal, and its JSON twin.

mod anomalies;
#[cfg(test)]
mod tests;

use crate::judge::{Judged, node_logs};
use crate::narrate::{BOLD, DIM, GREEN, RED, RESET, YELLOW};
use serde::Serialize;
use squall_results::figures::{Consequences, FaultFigures, Figures, Latency, Share};
use squall_results::folder::RunFolder;
use squall_results::report::LogLine;
use squall_results::{Judgement, Validity};
use std::fmt::Write;

/// What `--json` prints: one object.
#[derive(Debug, Serialize)]
pub struct Json<'a> {
    /// What the checkers said.
    pub judgement: &'a Judgement,
    /// The figures of the history.
    pub figures: &'a Figures,
    /// What a reader should know about the record.
    pub notes: &'a [String],
    /// The folder of the run; a history file alone has none.
    pub folder: Option<String>,
    /// The seed, where it is known.
    pub seed: Option<u64>,
    /// The command that repeats the run, where it is known.
    pub command: Option<String>,
}

/// A number with its thousands set apart.
fn count(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn ms(ns: u64) -> String {
    match ns as f64 / 1e6 {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1e3),
    }
}

/// `1 node`, `3 nodes`, `3 anomalies`.
pub(crate) fn plural(number: usize, one: &str) -> String {
    match (number, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{} {stem}ies", count(number)),
        (_, None) => format!("{} {one}s", count(number)),
    }
}

/// As [`text`], for a run in a folder: with what its nodes logged, and where its report is.
pub fn in_folder(judged: &Judged, folder: Option<&RunFolder>) -> String {
    let Some(folder) = folder else { return text(judged, &[]) };
    // Nobody else asks for logs here, and there may be many.
    let any = judged.judgement.anomalies().next().is_some();
    let logs = if any { node_logs(folder, &judged.history) } else { Vec::new() };
    format!("{}{DIM}report{RESET}          {}\n", text(judged, &logs), folder.report().display())
}

/// The verdict, the reasons and what matters of the figures, in at most some thirty lines; and what is wrong, if
/// something is, with the lines of `logs` around it.
pub fn text(judged: &Judged, logs: &[LogLine]) -> String {
    let Judged { history, judgement, figures } = judged;
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = verdict(&mut out, judgement);
    let _ = anomalies::tell(&mut out, history, judgement, logs);
    let _ = calls(&mut out, figures);
    if history.is_timed() {
        let _ = times(&mut out, figures, history.is_storm());
    }
    if history.is_storm() {
        let _ = faults(&mut out, figures);
    }
    for note in &history.notes {
        let _ = writeln!(out, "{DIM}note: {note}{RESET}");
    }
    out
}

fn verdict(out: &mut String, judgement: &Judgement) -> std::fmt::Result {
    let colour = match judgement.validity {
        Validity::Valid => GREEN,
        Validity::Invalid => RED,
        Validity::Unknown => YELLOW,
    };
    let (validity, about) = (judgement.validity, judgement.about());
    writeln!(out, "{BOLD}{colour}{validity}{RESET}{BOLD}: {about}{RESET}")?;
    for verdict in &judgement.verdicts {
        let mark = match verdict.validity {
            Validity::Valid => "",
            Validity::Invalid => RED,
            Validity::Unknown => YELLOW,
        };
        writeln!(out, "  {mark}{:<13}{RESET} {}", verdict.checker, verdict.reason)?;
    }
    if let Some(liveness) = &judgement.liveness {
        let mark = match liveness.validity {
            Validity::Valid => "",
            Validity::Invalid => RED,
            Validity::Unknown => YELLOW,
        };
        writeln!(out, "{mark}{:<15}{RESET} {}", liveness.checker, liveness.reason)?;
    }
    if let Some(beside) = &judgement.beside {
        let (validity, promise) = (beside.validity, beside.promise);
        writeln!(out, "  {DIM}beside        {validity} as {promise}, which is not promised{RESET}")?;
    }
    Ok(())
}

fn calls(out: &mut String, figures: &Figures) -> std::fmt::Result {
    writeln!(out, "\n{DIM}{:<16}{:>10}{:>10}{:>10}{:>10}{RESET}", "calls", "invoked", "ok", "fail", "unknown")?;
    for calls in &figures.calls {
        let [invoked, ok, fail, unknown] = [calls.invoked, calls.ok, calls.fail, calls.unknown].map(count);
        writeln!(out, "  {:<14}{invoked:>10}{ok:>10}{fail:>10}{unknown:>10}", calls.kind.to_string())?;
    }
    Ok(())
}

fn times(out: &mut String, figures: &Figures, is_storm: bool) -> std::fmt::Result {
    let available = if is_storm { "available" } else { "" };
    write!(out, "{DIM}{:<16}{available:>10}", "times")?;
    ["p50", "p95", "p99", "max"].iter().try_for_each(|head| write!(out, "{head:>10}"))?;
    writeln!(out, "{RESET}")?;
    let Figures { availability, latency_under_faults, latency_outside_faults, .. } = figures;
    let told = |share: Share| share.ratio().map_or("-".into(), |ratio| format!("{:.1} %", 100.0 * ratio));
    if !is_storm {
        // Where nobody had to be served all the time, there is no availability.
        return row(out, "all calls", "", latency_outside_faults.as_ref());
    }
    row(out, "outside faults", &told(availability.outside_faults), latency_outside_faults.as_ref())?;
    if figures.faults_injected > 0 {
        row(out, "under faults", &told(availability.under_faults), latency_under_faults.as_ref())?;
    }
    Ok(())
}

fn row(out: &mut String, name: &str, available: &str, latency: Option<&Latency>) -> std::fmt::Result {
    write!(out, "  {name:<14}{available:>10}")?;
    match latency {
        Some(Latency { response, .. }) => {
            let figures = [response.p50_ns, response.p95_ns, response.p99_ns, response.max_ns].map(ms);
            figures.iter().try_for_each(|figure| write!(out, "{figure:>10}"))?;
        }
        None => write!(out, "{:>10}", "-")?,
    }
    writeln!(out)
}

fn faults(out: &mut String, figures: &Figures) -> std::fmt::Result {
    let Figures { faults_injected, faults_in_force, leader_changes, longest_gap, recovery, .. } = figures;
    let gap = longest_gap.as_ref().map_or(String::new(), |gap| format!(", longest outage {}", ms(gap.length_ns())));
    let changes = plural(*leader_changes, "leader change");
    writeln!(out, "{DIM}faults{RESET}          {faults_in_force} of {faults_injected} in force, {changes}{gap}")?;
    for fault in &figures.faults {
        writeln!(out, "  {}", fault_line(fault))?;
    }
    if let Some(recovery_ns) = recovery.to_final_reads_ns {
        writeln!(out, "{DIM}recovery{RESET}        all nodes served again {} after the storm", ms(recovery_ns))?;
    }
    Ok(())
}

fn fault_line(fault: &FaultFigures) -> String {
    let seen = match &fault.consequences {
        Some(consequences) => consequences_line(consequences),
        None => format!("{RED}never in force{RESET}"),
    };
    let problem = fault.problem.as_ref().map(|problem| format!("; {RED}{problem}{RESET}")).unwrap_or_default();
    let lasted = fault.until_ns.saturating_sub(fault.injected_ns);
    format!("{:>6.1} s  {} for {}: {seen}{problem}", fault.injected_ns as f64 / 1e9, fault.what, ms(lasted))
}

fn consequences_line(consequences: &Consequences) -> String {
    let Consequences { leader_changes, failed, unknown, slow } = consequences;
    let mut seen = Vec::new();
    if *leader_changes > 0 {
        seen.push(plural(*leader_changes, "leader change"));
    }
    let counts = [(failed, "failed"), (unknown, "unknown"), (slow, "slow")];
    seen.extend(
        counts.iter().filter(|(number, _)| **number > 0).map(|(number, what)| format!("{} {what}", count(**number))),
    );
    if seen.is_empty() { "no consequence seen".into() } else { seen.join(", ") }
}
