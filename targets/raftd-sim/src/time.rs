//! Virtual time: a clock that jumps from one event to the next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Microseconds of virtual time since the start of the run.
pub type Micros = u64;

/// A millisecond.
pub const MS: Micros = 1000;

/// What will happen, in order. What is due at the same instant happens in the order in which it was asked for.
#[derive(Debug)]
pub struct Agenda<E> {
    now_us: Micros,
    last_number: u64,
    /// When, the how manieth that was asked for, and where the event stands.
    due: BinaryHeap<Reverse<(Micros, u64, usize)>>,
    /// The events that are to come; the heap moves small things only.
    events: Vec<Option<E>>,
    /// Places in `events` that nothing stands in.
    free: Vec<usize>,
}

impl<E> Default for Agenda<E> {
    fn default() -> Agenda<E> {
        Agenda { now_us: 0, last_number: 0, due: BinaryHeap::new(), events: Vec::new(), free: Vec::new() }
    }
}

impl<E> Agenda<E> {
    /// The instant of the event that was taken last.
    pub fn now_us(&self) -> Micros {
        self.now_us
    }

    /// Lets `event` happen after `delay_us`.
    pub fn after(&mut self, delay_us: Micros, event: E) {
        self.last_number += 1;
        let place = self.free.pop().unwrap_or(self.events.len());
        if place == self.events.len() {
            self.events.push(None);
        }
        self.events[place] = Some(event);
        self.due.push(Reverse((self.now_us + delay_us, self.last_number, place)));
    }

    /// Goes to the next event, unless it is due later than `until_us`.
    pub fn next(&mut self, until_us: Micros) -> Option<E> {
        let Reverse((due_us, _, place)) = *self.due.peek()?;
        if due_us > until_us {
            return None;
        }
        self.due.pop();
        self.now_us = due_us;
        self.free.push(place);
        self.events[place].take()
    }

    /// Lets time pass until `until_us`, which no event is due before.
    pub fn wait_until(&mut self, until_us: Micros) {
        self.now_us = self.now_us.max(until_us);
    }
}

#[cfg(test)]
mod tests {
    use super::Agenda;

    #[test]
    fn events_happen_in_order_and_ties_as_asked() {
        let mut agenda = Agenda::default();
        for (delay_us, name) in [(30, "d"), (10, "a"), (20, "b"), (20, "c"), (99, "late")] {
            agenda.after(delay_us, name);
        }
        let order: Vec<_> = std::iter::from_fn(|| agenda.next(50)).collect();
        assert_eq!((order, agenda.now_us()), (vec!["a", "b", "c", "d"], 30));
    }
}
