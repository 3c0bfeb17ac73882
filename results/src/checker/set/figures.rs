//! How many elements there were, and how late they came.

use super::fate::Fate;
use super::record::Record;
use std::collections::BTreeMap;

/// Counts over all sets.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// All elements, those that failed too.
    pub elements: usize,
    acknowledged: usize,
    unanswered_seen: usize,
    never_looked_for: usize,
    reads: usize,
    finals: usize,
    /// From the call to the return of the first read that has it.
    visible_after_ns: Vec<u64>,
    /// From the acknowledgement to the beginning of the last read that lacks it, where a later one has it.
    stale_for_ns: Vec<u64>,
}

impl Counts {
    /// Counts one more set.
    pub fn add(&mut self, record: &Record, fates: &[Fate]) {
        self.elements += record.elements.len();
        self.acknowledged += record.acknowledged;
        self.reads += record.reads.len();
        self.finals += record.reads.iter().filter(|read| read.is_final).count();
        for (element, fate) in record.elements.iter().zip(fates) {
            let Some(add) = element.add else { continue };
            let acknowledged_ns = element.acknowledged_ns();
            self.never_looked_for += usize::from(acknowledged_ns.is_some() && !fate.was_looked_for);
            self.unanswered_seen += usize::from(add.outcome.is_unknown() && fate.seen_first.is_some());
            if let Some(first) = fate.seen_first {
                self.visible_after_ns.push(record.reads[first].returned_ns().saturating_sub(add.invoked_ns));
            }
            let late = fate.late.filter(|late| fate.seen_last.is_some_and(|seen| seen > *late));
            if let (Some(late), Some(known_ns)) = (late, acknowledged_ns) {
                self.stale_for_ns.push(record.reads[late].invoked_ns().saturating_sub(known_ns));
            }
        }
    }

    /// For people.
    pub fn figures(mut self, sets: usize) -> BTreeMap<String, f64> {
        let counts = [
            ("sets", sets),
            ("elements", self.elements),
            ("acknowledged", self.acknowledged),
            ("unanswered_but_seen", self.unanswered_seen),
            ("never_looked_for", self.never_looked_for),
            ("reads", self.reads),
            ("final_reads", self.finals),
            ("late_elements", self.stale_for_ns.len()),
        ];
        let mut figures: BTreeMap<String, f64> = counts.map(|(name, count)| (name.into(), count as f64)).into();
        for (name, values_ns) in [("visible_after", &mut self.visible_after_ns), ("late_for", &mut self.stale_for_ns)] {
            values_ns.sort_unstable();
            if let (Some(middle), Some(most)) = (values_ns.get(values_ns.len() / 2), values_ns.last()) {
                figures.insert(format!("{name}_ms_p50"), *middle as f64 / 1e6);
                figures.insert(format!("{name}_ms_max"), *most as f64 / 1e6);
            }
        }
        figures
    }
}
