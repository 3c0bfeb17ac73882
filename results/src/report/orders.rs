//! The longest legal orders of an anomaly: how far each gets, and why nothing can come next.

use super::words;
use crate::history::{History, Operation};
use crate::verdict::{Anomaly, LegalPrefix};
use maud::{Markup, html};
use rustc_hash::{FxHashMap, FxHashSet};

/// The most steps of an order that are shown: its last ones. Reads of the same value in a row are one step.
const MOST_STEPS: usize = 8;
/// The most processes that a step names.
const MOST_NAMED: usize = 3;
/// The most refusals of an order that are shown: the first is that of the operation that failed.
const MOST_REFUSALS: usize = 6;

/// The operations that orders speak of, by number. Orders hold numbers only, and operations that are not drawn.
pub(super) struct Spoken<'a>(FxHashMap<u64, &'a Operation>);

/// What happened next in an order: one operation, or reads in a row that returned the same.
struct Step<'a> {
    text: String,
    operations: Vec<&'a Operation>,
    /// How many operations it stands for.
    count: usize,
}

impl<'a> Spoken<'a> {
    /// What the orders of `anomalies` speak of; the history is gone through once.
    pub(super) fn of(history: &'a History, anomalies: &[&'a Anomaly]) -> Spoken<'a> {
        let prefixes = anomalies.iter().flat_map(|anomaly| &anomaly.prefixes);
        let numbers: FxHashSet<u64> = prefixes
            .flat_map(|prefix| prefix.last.iter().copied().chain(prefix.refused.iter().map(|refusal| refusal.op)))
            .collect();
        let drawn = anomalies.iter().flat_map(|anomaly| anomaly.operations.iter().map(|drawn| &drawn.operation));
        let found = history.operations.iter().chain(drawn).filter(|operation| numbers.contains(&operation.id));
        Spoken(found.map(|operation| (operation.id, operation)).collect())
    }

    /// An operation in words, and who called.
    fn name(&self, op: u64) -> String {
        match self.0.get(&op) {
            Some(operation) => format!("{} (process {})", operation.in_short(), operation.process),
            None => format!("operation {op}"),
        }
    }

    fn steps(&self, order: &[u64]) -> Vec<Step<'a>> {
        let mut steps: Vec<Step<'a>> = Vec::new();
        for op in order {
            let Some(operation) = self.0.get(op).copied() else {
                steps.push(Step { text: format!("operation {op}"), operations: Vec::new(), count: 1 });
                continue;
            };
            let text = operation.in_short();
            match steps.last_mut() {
                Some(last) if operation.kind().only_observes() && last.text == text => {
                    last.operations.push(operation);
                    last.count += 1;
                }
                _ => steps.push(Step { text, operations: vec![operation], count: 1 }),
            }
        }
        steps
    }
}

pub(super) fn render(anomaly: &Anomaly, spoken: &Spoken<'_>) -> Markup {
    html! {
        h4 { "As far as any order explains it" }
        p.soft {
            @match anomaly.prefixes.len() {
                1 => "The longest legal order of the operations on this key; p5 is process 5.",
                _ => "The longest legal orders of the operations on this key, one for each state they end in; p5 is process 5.",
            }
        }
        ol.orders { @for prefix in &anomaly.prefixes { li { (order(prefix, spoken)) (dead_end(prefix, spoken)) } } }
    }
}

fn order(prefix: &LegalPrefix, spoken: &Spoken<'_>) -> Markup {
    let steps = spoken.steps(&prefix.last);
    let shown = &steps[steps.len().saturating_sub(MOST_STEPS)..];
    let before = prefix.length.saturating_sub(shown.iter().map(|step| step.count).sum());
    html! {
        p.order {
            @if prefix.length == 0 { span.soft { "nothing yet" } }
            @if before > 0 { span.soft { "… " (words::count(before)) " before" } }
            @for (index, step) in shown.iter().enumerate() {
                @if index > 0 || before > 0 { " " span.next { "›" } }
                " " (step_shown(step))
            }
            " " span.next { "›" } " " span.state { "state " b { (prefix.state) } }
        }
    }
}

fn step_shown(step: &Step<'_>) -> Markup {
    let mut processes: Vec<u64> = Vec::new();
    for operation in &step.operations {
        if !processes.contains(&operation.process) {
            processes.push(operation.process);
        }
    }
    html! {
        span.step {
            @if step.count > 1 { (step.count) " × " }
            (step.text)
            @if processes.len() > MOST_NAMED { span.who { (processes.len()) " processes" } }
            @else { @for process in processes { span.who { "p" (process) } } }
        }
    }
}

fn dead_end(prefix: &LegalPrefix, spoken: &Spoken<'_>) -> Markup {
    let left_out = prefix.refused.len().saturating_sub(MOST_REFUSALS);
    html! {
        div.refused {
            p { "Then nothing can come next:" }
            ul.plain {
                @for refusal in prefix.refused.iter().take(MOST_REFUSALS) {
                    li { span.cross aria-hidden="true" { "✗" } " " b { (spoken.name(refusal.op)) } ": " (refusal.why) }
                }
                @if left_out > 0 { li.soft { (words::counted(left_out, "more is", "more are")) " in verdict.json" } }
            }
        }
    }
}
