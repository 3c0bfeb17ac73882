//! Contradictions that rest on a few operations, made into anomalies: bounded in number, the clearest first.

use crate::call::Key;
use crate::history::Operation;
use crate::verdict::{Anomaly, AnomalyOperation, Role};
use std::collections::BTreeMap;

/// The most anomalies of one kind that a verdict shows.
const SHOWN_OF_KIND: usize = 5;

/// A contradiction between operations.
#[derive(Debug, Clone)]
pub(super) struct Accusation<'a, K> {
    /// Its kind; the least is the clearest.
    pub kind: K,
    /// The key it is about.
    pub key: Key,
    /// The contradiction in a sentence or two.
    pub told: String,
    /// The operation that cannot be.
    pub contradiction: &'a Operation,
    /// The operations that it contradicts.
    pub witnesses: Vec<&'a Operation>,
}

impl<K: Copy + Ord> Accusation<'_, K> {
    fn anomaly(&self, name: &str) -> Anomaly {
        let contradiction = [(self.contradiction, Role::Contradiction)];
        let witnesses = self.witnesses.iter().map(|operation| (*operation, Role::Witness));
        let mut operations: Vec<(&Operation, Role)> = contradiction.into_iter().chain(witnesses).collect();
        operations.sort_by_key(|(operation, role)| (operation.invoked_ns, operation.id, *role != Role::Contradiction));
        operations.dedup_by_key(|(operation, _)| operation.id);
        let ends = |operation: &Operation| operation.returned_ns.unwrap_or(operation.invoked_ns);
        Anomaly {
            kind: name.into(),
            told: self.told.clone(),
            key: self.key,
            from_ns: operations.iter().map(|(operation, _)| operation.invoked_ns).min().unwrap_or(0),
            to_ns: ends(self.contradiction),
            operations: operations
                .into_iter()
                .map(|(operation, role)| AnomalyOperation { operation: operation.clone(), role })
                .collect(),
            prefixes: Vec::new(),
            minimal: None,
            dependencies: Vec::new(),
        }
    }
}

/// The anomalies that a verdict shows: of every kind the earliest few, the clearest kind first.
pub(super) fn anomalies<K: Copy + Ord>(
    mut accusations: Vec<Accusation<K>>,
    name: impl Fn(K) -> &'static str,
) -> Vec<Anomaly> {
    accusations.sort_by_key(|one| (one.kind, one.contradiction.invoked_ns, one.contradiction.id));
    let mut shown: BTreeMap<K, usize> = BTreeMap::new();
    accusations.retain(|one| {
        let count = shown.entry(one.kind).or_default();
        *count += 1;
        *count <= SHOWN_OF_KIND
    });
    accusations.iter().map(|one| one.anomaly(name(one.kind))).collect()
}

/// How many there are of every kind, for people: `lost element (2), stale read (1)`.
pub(super) fn counted<K: Copy + Ord>(accusations: &[Accusation<K>], name: impl Fn(K) -> &'static str) -> String {
    let mut counts: BTreeMap<K, usize> = BTreeMap::new();
    accusations.iter().for_each(|one| *counts.entry(one.kind).or_default() += 1);
    let told: Vec<String> = counts.into_iter().map(|(kind, count)| format!("{} ({count})", name(kind))).collect();
    told.join(", ")
}
