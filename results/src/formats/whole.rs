//! Lines that are whole operations become beginnings and ends in the order of time. Holds no more operations than are open at
//! once, for which the lines must be in the order of their starts.
//!
//! Equal stamps stay equal, and count as concurrent. Which of them comes out first matters to one process only: it ends what
//! it did before it begins anew.

use super::datum::{Datum, shown};
use super::place::Problem;
use super::row::{Row, Whole};
use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// Operations that have begun, by when they end.
#[derive(Default)]
pub(super) struct Open {
    /// The ends to come: when, and the number of the row.
    ends: BinaryHeap<Reverse<(i64, u64)>>,
    rows: BTreeMap<u64, Row>,
    count: u64,
    last_start: Option<i64>,
    /// Whether the first line with an end says how it ended, and which line that is.
    says_outcome: Option<(bool, u64)>,
    /// When each process's last operation ended, and the number of its row.
    last_end: FxHashMap<Datum, (i64, u64)>,
    /// What is to come out next.
    ready: VecDeque<Row>,
}

impl Open {
    /// The next row, if it is known which one it is.
    pub(super) fn pop(&mut self) -> Option<Row> {
        self.ready.pop_front()
    }

    /// Takes an operation: whatever ends before its start can come out, then its beginning. What ends in the instant in
    /// which another one starts is concurrent with it, so it ends afterwards.
    pub(super) fn push(&mut self, whole: Whole) -> Result<(), Problem> {
        let Whole { invoke, end, says_outcome } = whole;
        let line = invoke.place.line;
        if end.time_ns.is_some() {
            let (first, line) = *self.says_outcome.get_or_insert((says_outcome, line));
            if first != says_outcome {
                let has = if says_outcome { "an outcome" } else { "no outcome" };
                let reason =
                    format!("this line has {has}, unlike line {line}; say it in all lines that end, or in none");
                return Err(Problem::at(invoke.place, reason));
            }
        }
        let start = invoke.time_ns.ok_or_else(|| Problem::at(invoke.place, "an operation without a start"))?;
        if let Some(last) = self.last_start.filter(|last| start < *last) {
            let reason =
                format!("an operation that starts at {start} after one that starts at {last}; sort the lines by start");
            return Err(Problem::at(invoke.place, reason));
        }
        // What is in doubt or did not happen may have no end: it comes out as soon as it can, and has no time all the same.
        let at = end.time_ns.unwrap_or(start);
        let before = self.last_end.insert(invoke.process.clone(), (at, self.count));
        if let Some((last, _)) = before.filter(|(last, _)| start < *last) {
            let process = shown(&invoke.process);
            let reason = format!(
                "process {process} starts at {start}, before its last operation ends at {last}; a process does one thing at a time"
            );
            return Err(Problem::at(invoke.place, reason));
        }
        self.last_start = Some(start);
        self.end_before(start);
        // What ends in the instant in which its process goes on comes out now; its place among the ends is passed over.
        self.ready.extend(before.and_then(|(_, number)| self.rows.remove(&number)));
        self.ready.push_back(invoke);
        self.ends.push(Reverse((at, self.count)));
        self.rows.insert(self.count, end);
        self.count += 1;
        Ok(())
    }

    /// There are no more operations.
    pub(super) fn finish(&mut self) {
        while let Some(Reverse((_, number))) = self.ends.pop() {
            self.ready.extend(self.rows.remove(&number));
        }
    }

    fn end_before(&mut self, start: i64) {
        while let Some(Reverse((_, number))) = self.ends.peek().copied().filter(|Reverse((at, _))| *at < start) {
            self.ends.pop();
            self.ready.extend(self.rows.remove(&number));
        }
    }
}
