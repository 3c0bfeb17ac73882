//! What watches a run for one checker.

use squall_results::history::HistoryBuilder;
use squall_results::{Budget, Checker, Event, Validity};
use std::time::Duration;

/// What is wrong, and since when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The instant at which it was complete.
    pub at_ns: u64,
    /// What, in a sentence.
    pub told: String,
}

/// Takes events as they come, and says what is wrong.
pub trait Watch {
    /// Takes the next events.
    fn take(&mut self, events: &[Event]);

    /// What is wrong, if something is by now.
    fn wrong(&mut self) -> Option<Wrong>;
}

/// A watch for each checker.
pub fn watches(checkers: Vec<Box<dyn Checker>>) -> Vec<Box<dyn Watch>> {
    checkers.into_iter().map(|checker| Box::new(Again::new(checker)) as Box<dyn Watch>).collect()
}

/// Asks the checker again and again, each time that there is half as much more to judge, so that all the times together
/// take no more than three times as long as the last.
struct Again {
    checker: Box<dyn Checker>,
    history: HistoryBuilder,
    returns: usize,
    /// How many returns there have to be for the next time.
    next: usize,
    /// Whether the events made no history: then nothing more is said here.
    broken: bool,
}

/// How many returns there are at the first time.
const FIRST: usize = 200;

/// How long the checker may take each time.
const TIME: Duration = Duration::from_secs(10);

impl Again {
    fn new(checker: Box<dyn Checker>) -> Again {
        Again { checker, history: HistoryBuilder::default(), returns: 0, next: FIRST, broken: false }
    }
}

impl Watch for Again {
    fn take(&mut self, events: &[Event]) {
        for event in events {
            self.returns += usize::from(matches!(event, Event::Return(_)));
            self.broken |= self.history.push(event.clone()).is_err();
        }
    }

    fn wrong(&mut self) -> Option<Wrong> {
        if self.broken || self.returns < self.next {
            return None;
        }
        self.next = self.returns + self.returns / 2;
        let budget = Budget { time: TIME, ..Budget::default() };
        let verdict = self.checker.check(&self.history.clone().finish(), &budget);
        if verdict.validity != Validity::Invalid {
            return None;
        }
        let first = verdict.anomalies.iter().min_by_key(|anomaly| anomaly.to_ns);
        Some(first.map_or(Wrong { at_ns: 0, told: verdict.reason.clone() }, |anomaly| Wrong {
            at_ns: anomaly.to_ns,
            told: format!("{} on key {}: {}", anomaly.kind, anomaly.key, anomaly.told),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_results::checker::linearizable::Linearizable;
    use squall_results::event::{Invoke, Return};
    use squall_results::model::Register;
    use squall_results::{Call, Outcome, Reply};

    /// One process writes and reads what it wrote, but for one read, when `wrong` says so.
    fn events(calls: u64, wrong: Option<u64>) -> Vec<Event> {
        let of_call = |op: u64| {
            let (at_ns, node, written) = (10 * op, "n1".to_owned(), (op / 2) as i64);
            let (call, reply) = match op % 2 {
                0 => (Call::Write { key: 0, value: written }, Reply::Written { version: None }),
                _ => {
                    let value = if wrong == Some(op) { written - 1 } else { written };
                    (Call::Read { key: 0 }, Reply::Read { value: Some(value), version: None })
                }
            };
            let invoke = Invoke { at_ns, due_ns: at_ns, op, process: 0, node, call };
            [Event::Invoke(invoke), Event::Return(Return { at_ns: at_ns + 5, op, outcome: Outcome::Ok(reply) })]
        };
        (0..calls).flat_map(of_call).collect()
    }

    /// When something wrong is found, in calls.
    fn found(calls: u64, wrong: Option<u64>) -> Option<(u64, Wrong)> {
        let mut watches = watches(vec![Box::new(Linearizable::new(Register))]);
        let events = events(calls, wrong);
        events.chunks(2).zip(1..).find_map(|(events, number)| {
            watches.iter_mut().for_each(|watch| watch.take(events));
            Some((number, watches.iter_mut().find_map(|watch| watch.wrong())?))
        })
    }

    #[test]
    fn what_is_wrong_is_told_soon_and_nothing_else() {
        assert_eq!(found(3_000, None), None);
        for wrong in [101, 1_001] {
            let (when, told) = found(3_000, Some(wrong)).unwrap();
            assert!(when > wrong && when <= wrong.max(FIRST as u64) * 3 / 2 + 1, "call {wrong} was found at {when}");
            assert_eq!(told.at_ns, 10 * wrong + 5);
            assert!(told.told.starts_with("stale read on key 0: "), "{told:?}");
        }
    }

    #[test]
    fn events_that_make_no_history_are_no_violation() {
        let mut watches = watches(vec![Box::new(Linearizable::new(Register))]);
        let twice: Vec<Event> = events(300, Some(11)).into_iter().flat_map(|event| [event.clone(), event]).collect();
        watches[0].take(&twice);
        assert_eq!(watches[0].wrong(), None);
    }
}
