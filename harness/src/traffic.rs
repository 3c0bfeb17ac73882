//! The calls to each node: how many are under way, how many changes it has acknowledged, and whether a fault holds calls back.
//!
//! Between the conductor of faults, which asks for it, and the run loop, which does it: no worker of such a node gets a call.

use squall_nemesis::clients::Calls;
use squall_results::{Call, CallKind, Outcome, Reply};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// The calls of a run, by node.
pub struct Traffic {
    names: Vec<String>,
    now: Mutex<Now>,
    /// Woken when calls are held back or let go.
    changed: Notify,
}

struct Now {
    calls: Vec<Calls>,
    held_back: BTreeSet<usize>,
}

impl Traffic {
    /// None yet to nodes of these names.
    pub fn new(names: impl IntoIterator<Item = String>) -> Traffic {
        let names: Vec<String> = names.into_iter().collect();
        let now = Now { calls: vec![Calls::default(); names.len()], held_back: BTreeSet::new() };
        Traffic { names, now: Mutex::new(now), changed: Notify::new() }
    }

    /// The name of the node with this number.
    pub fn name(&self, node: usize) -> &str {
        &self.names[node]
    }

    /// A call to a node begins.
    pub fn begin(&self, node: usize) {
        self.now().calls[node].open += 1;
    }

    /// It has ended.
    pub fn end(&self, node: usize, call: &Call, outcome: &Outcome) {
        let calls = &mut self.now().calls[node];
        calls.open -= 1;
        calls.answered += u64::from(outcome.is_ok());
        calls.acknowledged += u64::from(acknowledges_change(call.kind(), outcome));
    }

    /// Holds all further calls to these nodes back.
    pub fn hold_back(&self, names: &[String]) {
        self.now().held_back.extend(self.numbers(names));
        self.changed.notify_one();
    }

    /// Lets calls to these nodes be made.
    pub fn let_go(&self, names: &[String]) {
        let numbers: BTreeSet<usize> = self.numbers(names).collect();
        self.now().held_back.retain(|node| !numbers.contains(node));
        self.changed.notify_one();
    }

    /// The nodes to which no call is to be made.
    pub fn held_back(&self) -> BTreeSet<usize> {
        self.now().held_back.clone()
    }

    /// So many workers of each node have an open session and wait.
    pub fn waits(&self, workers: &[usize]) {
        let mut now = self.now();
        now.calls.iter_mut().zip(workers).for_each(|(calls, workers)| calls.held_back = *workers);
    }

    /// Waits until calls are held back or let go.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The calls to a node.
    pub fn calls(&self, name: &str) -> Calls {
        let node = self.names.iter().position(|other| other == name);
        node.map(|node| self.now().calls[node]).unwrap_or_default()
    }

    fn numbers<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = usize> + 'a {
        self.names.iter().enumerate().filter(|(_, name)| names.contains(name)).map(|(node, _)| node)
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a call of this kind has changed something that others could miss.
fn acknowledges_change(kind: CallKind, outcome: &Outcome) -> bool {
    !kind.only_observes() && matches!(outcome, Outcome::Ok(reply) if *reply != Reply::NotEqual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_where_they_are_made() {
        let traffic = Traffic::new(["n1", "n2"].map(String::from));
        let written = Outcome::Ok(Reply::Written { version: None });
        let read = Outcome::Ok(Reply::Read { value: None, version: None });
        let cas = Call::Cas { key: 1, expect: Some(1), value: 2 };
        for (call, outcome, acknowledged, answered) in [
            (&Call::Write { key: 1, value: 5 }, &written, 1, 1),
            (&Call::Read { key: 1 }, &read, 1, 2),
            (&cas, &Outcome::Ok(Reply::NotEqual), 1, 3),
            (&Call::Write { key: 1, value: 6 }, &Outcome::Unknown("lost".into()), 1, 3),
            (&cas, &written, 2, 4),
        ] {
            traffic.begin(1);
            assert_eq!(traffic.calls("n2").open, 1);
            traffic.end(1, call, outcome);
            assert_eq!(
                traffic.calls("n2"),
                Calls { open: 0, held_back: 0, acknowledged, answered },
                "{call}: {outcome:?}"
            );
        }
        assert_eq!(traffic.calls("n1"), Calls::default());
    }

    #[tokio::test]
    async fn who_is_held_back_is_told() {
        let traffic = Traffic::new(["n1", "n2", "n3"].map(String::from));
        traffic.hold_back(&["n3".into(), "n1".into()]);
        traffic.changed().await;
        assert_eq!(traffic.held_back(), [0, 2].into());
        traffic.waits(&[4, 0, 3]);
        assert_eq!((traffic.calls("n1").held_back, traffic.calls("n3").held_back), (4, 3));
        traffic.let_go(&["n1".into(), "n2".into()]);
        traffic.changed().await;
        assert_eq!(traffic.held_back(), [2].into());
    }
}
