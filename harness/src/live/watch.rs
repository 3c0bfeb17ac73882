//! What watches a run for one checker.

mod along;

use super::TIME_IN_ALL;
use along::Along;
use squall_results::history::HistoryBuilder;
use squall_results::{Budget, Checker, Event, Validity, Verdict};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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

/// A watch for each checker that takes events as they come, and one for all the others together. Once it is `cancelled`,
/// they know no more.
pub fn watches<'a>(checkers: &'a [Box<dyn Checker>], cancelled: &Arc<AtomicBool>) -> Vec<Box<dyn Watch + 'a>> {
    let budget = |time| Budget { time, cancelled: cancelled.clone(), ..Budget::default() };
    let (mut watches, mut others): (Vec<Box<dyn Watch + 'a>>, Vec<&dyn Checker>) = (Vec::new(), Vec::new());
    for checker in checkers {
        match checker.live(&budget(TIME_IN_ALL)) {
            Some(judge) => watches.push(Box::new(Along::new(checker.as_ref(), judge, budget(TIME_TO_TELL)))),
            None => others.push(checker.as_ref()),
        }
    }
    if !others.is_empty() {
        watches.push(Box::new(Again::new(others, budget(TIME))));
    }
    watches
}

/// The clearest that a checker says, if it says that something is wrong.
fn wrong(verdict: &Verdict) -> Option<Wrong> {
    let first = verdict.anomalies.iter().min_by_key(|anomaly| anomaly.to_ns);
    let told = first.map_or(Wrong { at_ns: 0, told: verdict.reason.clone() }, |anomaly| Wrong {
        at_ns: anomaly.to_ns,
        told: format!("{} on key {}: {}", anomaly.kind, anomaly.key, anomaly.told),
    });
    (verdict.validity == Validity::Invalid).then_some(told)
}

/// How long telling what is wrong with a key may take.
const TIME_TO_TELL: Duration = Duration::from_secs(10);

/// Asks checkers again and again, each time that there is half as much more to judge, so that all the times together
/// take no more than three times as long as the last.
struct Again<'a> {
    checkers: Vec<&'a dyn Checker>,
    /// How much each may take each time.
    budget: Budget,
    /// What has happened; nothing any more once there was too much of it, or once it made no history.
    history: Option<HistoryBuilder>,
    returns: usize,
    /// How many returns there have to be for the next time.
    next: usize,
}

/// How many returns there are at the first time.
const FIRST: usize = 200;

/// How long a checker may take each time.
const TIME: Duration = Duration::from_secs(3);

/// With more returns than this a history is judged at the end alone: it is held in memory here.
const RETURNS_MAX: usize = 300_000;

impl<'a> Again<'a> {
    fn new(checkers: Vec<&'a dyn Checker>, budget: Budget) -> Again<'a> {
        Again { checkers, budget, history: Some(HistoryBuilder::default()), returns: 0, next: FIRST }
    }
}

impl Watch for Again<'_> {
    fn take(&mut self, events: &[Event]) {
        let Some(history) = &mut self.history else { return };
        self.returns += events.iter().filter(|event| matches!(event, Event::Return(_))).count();
        if self.returns > RETURNS_MAX || events.iter().any(|event| history.push(event.clone()).is_err()) {
            self.history = None;
        }
    }

    fn wrong(&mut self) -> Option<Wrong> {
        let history = self.history.as_ref().filter(|_| self.returns >= self.next)?;
        self.next = self.returns + self.returns / 2;
        let history = history.clone().finish();
        self.checkers.iter().find_map(|checker| wrong(&checker.check(&history, &self.budget)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use squall_results::checker::linearizable::Linearizable;
    use squall_results::event::{Invoke, Return};
    use squall_results::in_order::SLACK_NS;
    use squall_results::model::Register;
    use squall_results::{Call, History, Outcome, Reply};

    /// A checker that takes no events as they come.
    struct AtOnce(Linearizable<Register>);

    impl Checker for AtOnce {
        fn name(&self) -> &'static str {
            self.0.name()
        }

        fn check(&self, history: &History, budget: &Budget) -> Verdict {
            self.0.check(history, budget)
        }
    }

    const CALL_NS: u64 = 10_000_000;

    /// One process writes and reads what it wrote, but for one read, when `wrong` says so.
    fn events(calls: u64, wrong: Option<u64>) -> Vec<Event> {
        let of_call = |op: u64| {
            let (at_ns, node, written) = (CALL_NS * op, "n1".to_owned(), (op / 2) as i64);
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
    fn found(checker: impl Checker + 'static, calls: u64, wrong: Option<u64>) -> Option<(u64, Wrong)> {
        let checkers: [Box<dyn Checker>; 1] = [Box::new(checker)];
        let mut watches = watches(&checkers, &Arc::default());
        let events = events(calls, wrong);
        events.chunks(2).zip(1..).find_map(|(events, number)| {
            watches.iter_mut().for_each(|watch| watch.take(events));
            Some((number, watches.iter_mut().find_map(|watch| watch.wrong())?))
        })
    }

    #[test]
    fn what_is_wrong_is_told_soon_and_nothing_else() {
        let register = || Linearizable::new(Register);
        assert_eq!(found(register(), 3_000, None), None);
        assert_eq!(found(AtOnce(register()), 3_000, None), None);
        for wrong in [101, 1_001] {
            let check = |(when, told): (u64, Wrong), until: u64| {
                assert!(when > wrong && when <= until, "call {wrong} was found at {when}");
                assert_eq!(told.at_ns, CALL_NS * wrong + 5);
                assert!(told.told.starts_with("stale read on key 0: "), "{told:?}");
            };
            check(found(register(), 3_000, Some(wrong)).unwrap(), wrong + SLACK_NS / CALL_NS + 2);
            check(found(AtOnce(register()), 3_000, Some(wrong)).unwrap(), wrong.max(FIRST as u64) * 3 / 2 + 1);
        }
    }

    #[test]
    fn a_key_that_was_idle_for_long_is_over() {
        let checkers: [Box<dyn Checker>; 1] = [Box::new(Linearizable::new(Register))];
        let mut watches = watches(&checkers, &Arc::default());
        // Ten minutes between its calls, and a read that is wrong: when the run is over it will be told.
        let mut events = events(20, Some(19));
        for event in &mut events {
            match event {
                Event::Invoke(invoke) => invoke.at_ns *= 60_000,
                Event::Return(ret) => ret.at_ns *= 60_000,
                _ => {}
            }
        }
        watches[0].take(&events);
        assert_eq!(watches[0].wrong(), None);
    }

    /// A call that never ends holds its key up, until the key counts as over: then what is wrong is told with its evidence.
    #[test]
    fn what_an_open_call_held_up_is_told_when_the_key_is_over() {
        let checkers: [Box<dyn Checker>; 1] = [Box::new(Linearizable::new(Register))];
        let mut watches = watches(&checkers, &Arc::default());
        let invoke = |op, at_ns, key| {
            let call = Call::Read { key };
            Event::Invoke(Invoke { at_ns, due_ns: at_ns, op, process: op, node: "n1".into(), call })
        };
        let found = |events: &[Event], watches: &mut Vec<Box<dyn Watch + '_>>| {
            watches[0].take(events);
            watches[0].wrong()
        };
        assert_eq!(found(&[invoke(1_000, 0, 0)], &mut watches), None);
        assert_eq!(found(&events(300, Some(101)), &mut watches), None, "the call at 0 is open");
        // The last one shows that no earlier event is to come any more.
        let [soon, later, last] = [50, 100, 103].map(|s| invoke(1_000 + s, s * 1_000_000_000, 1));
        assert_eq!(found(&[soon], &mut watches), None, "the key is in use");
        let told = found(&[later, last], &mut watches).unwrap();
        assert!(told.told.starts_with("stale read on key 0: "), "{told:?}");
    }

    #[test]
    fn events_that_make_no_history_are_no_violation() {
        let checkers: [Box<dyn Checker>; 2] =
            [Box::new(Linearizable::new(Register)), Box::new(AtOnce(Linearizable::new(Register)))];
        let mut watches = watches(&checkers, &Arc::default());
        let twice: Vec<Event> = events(300, Some(11)).into_iter().flat_map(|event| [event.clone(), event]).collect();
        for watch in &mut watches {
            watch.take(&twice);
            assert_eq!(watch.wrong(), None);
        }
    }
}
