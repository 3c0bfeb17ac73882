//! Events that were recorded by many at once, put into the order of their instants.
//!
//! Who records an event reads the clock first and hands it in then, so that a history file is a little out of order. Of
//! an event it is certain that none before it is to come once an event was recorded that is later by more than the *slack*.

use crate::event::Event;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Holds events back until their turn has come.
#[derive(Debug)]
pub struct InOrder {
    slack_ns: u64,
    newest_ns: u64,
    /// The instant up to which events were given out.
    given_ns: u64,
    waiting: BinaryHeap<Reverse<Waiting>>,
    count: u64,
}

/// An event that waits, by its instant, and among equal instants by its arrival.
#[derive(Debug)]
struct Waiting {
    at: (u64, u64),
    event: Event,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.at == other.at
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

/// How late an event may be handed in: who recorded it may have waited for a processor between clock and queue.
pub const SLACK_NS: u64 = 2_000_000_000;

impl InOrder {
    /// Events come at most `slack_ns` too late.
    pub fn new(slack_ns: u64) -> InOrder {
        InOrder { slack_ns, newest_ns: 0, given_ns: 0, waiting: BinaryHeap::new(), count: 0 }
    }

    /// Takes an event; only invocations and returns have a turn, others are dropped. `false`: it comes so late that its
    /// turn is over, and nothing that is given out from now on makes a whole history.
    pub fn push(&mut self, event: Event) -> bool {
        let at_ns = match &event {
            Event::Invoke(invoke) => invoke.at_ns,
            Event::Return(ret) => ret.at_ns,
            _ => return true,
        };
        if at_ns < self.given_ns {
            return false;
        }
        self.newest_ns = self.newest_ns.max(at_ns);
        self.count += 1;
        self.waiting.push(Reverse(Waiting { at: (at_ns, self.count), event }));
        true
    }

    /// The next event whose turn has come.
    pub fn due(&mut self) -> Option<Event> {
        self.next_up_to(self.newest_ns.saturating_sub(self.slack_ns))
    }

    /// The next event, when no more will come.
    pub fn rest(&mut self) -> Option<Event> {
        self.next_up_to(u64::MAX)
    }

    fn next_up_to(&mut self, end_ns: u64) -> Option<Event> {
        let at_ns = self.waiting.peek()?.0.at.0;
        if at_ns > end_ns {
            return None;
        }
        self.given_ns = at_ns;
        self.waiting.pop().map(|Reverse(Waiting { event, .. })| event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Return;
    use crate::outcome::Outcome;

    fn ret(op: u64, at_ns: u64) -> Event {
        Event::Return(Return { at_ns, op, outcome: Outcome::Fail(String::new()) })
    }

    fn op(event: Option<Event>) -> Option<u64> {
        match event? {
            Event::Return(ret) => Some(ret.op),
            _ => None,
        }
    }

    #[test]
    fn events_wait_for_their_turn() {
        let mut events = InOrder::new(10);
        for (number, at_ns) in [(0, 5), (1, 3), (2, 5), (3, 13)] {
            assert!(events.push(ret(number, at_ns)));
        }
        assert_eq!(op(events.due()), Some(1), "3 is over at 13");
        assert_eq!(op(events.due()), None);
        assert!(events.push(ret(4, 4)), "late, but not too late");
        assert!(events.push(ret(5, 15)));
        assert_eq!([(); 3].map(|()| op(events.due())), [Some(4), Some(0), Some(2)], "equal ones as they came");
        assert!(!events.push(ret(6, 4)), "its turn is over");
        assert_eq!([(); 3].map(|()| op(events.rest())), [Some(3), Some(5), None]);
    }
}
