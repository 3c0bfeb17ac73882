//! The instants of a history that squall did not record.
//!
//! In Jepsen's and Knossos' files the order of the lines counts: one recorder wrote them down as they happened, so that an end
//! before a beginning happened before it. Times only say how far apart they were; where they contradict the order, they give
//! way to it.
//!
//! In everybody else's files times count, where lines have any: several clients may have written them, and what has the same
//! time is concurrent, in whatever order it stands.
//!
//! Lines of JSON may be either. Where nobody says which, their order and their times must say the same.

use super::place::{Place, Problem};
use super::row::{Row, RowKind};
use crate::history::INSTANT_NS_MAX;

/// How far apart lines without times stand in the history: a millisecond, so that pictures show them.
const LINE_NS: u64 = 1_000_000;

/// What says which call was over when another one began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The order of the lines.
    Lines,
    /// Their times: all lines have one, or none has.
    Times,
    /// One of both, and nobody knows which.
    Unsaid,
}

/// Gives each line its instant.
#[derive(Default)]
pub(super) struct Clock {
    by: Option<By>,
    lines: u64,
    timed: u64,
    backwards: u64,
    origin_ns: i64,
    /// The latest instant so far.
    last_ns: Option<u64>,
    /// The latest times of a beginning and of an end so far.
    begun_ns: Option<i64>,
    ended_ns: Option<i64>,
}

/// Where instants come from.
#[derive(Clone, Copy)]
enum By {
    Lines,
    Times,
}

impl Clock {
    /// The instant of the next line.
    pub(super) fn at_ns(&mut self, row: &Row, order: Order) -> Result<u64, Problem> {
        let times_count = order == Order::Times;
        let by = if times_count && row.time_ns.is_some() { By::Times } else { By::Lines };
        let by = *self.by.get_or_insert(by);
        if let Some(time_ns) = row.time_ns
            && self.timed == 0
            && !(0..=INSTANT_NS_MAX as i64 / 2).contains(&time_ns)
        {
            // A clock that counts from elsewhere: the history begins with its first time.
            self.origin_ns = time_ns;
        }
        if order == Order::Unsaid {
            self.says_the_same(row)?;
        }
        self.lines += 1;
        self.timed += u64::from(row.time_ns.is_some());
        let at_ns = match by {
            By::Times => self.by_time(row)?,
            By::Lines if times_count && row.time_ns.is_some() => return Err(all_or_none(row.place)),
            By::Lines => self.by_line(row.time_ns),
        };
        if at_ns > INSTANT_NS_MAX {
            return Err(Problem::at(row.place, "a time that is later than any run lasts; times are nanoseconds"));
        }
        self.last_ns = self.last_ns.max(Some(at_ns));
        Ok(at_ns)
    }

    /// Whether the lines before are over, or not, by their order as by their times.
    fn says_the_same(&mut self, row: &Row) -> Result<(), Problem> {
        let Some(time_ns) = row.time_ns else { return Ok(()) };
        let (latest, same) = match row.kind {
            RowKind::Invoke => (&mut self.begun_ns, self.ended_ns.is_none_or(|ended| ended < time_ns)),
            RowKind::Ok | RowKind::Fail => (&mut self.ended_ns, self.begun_ns.is_none_or(|begun| begun <= time_ns)),
            // Nobody knows when it was over.
            RowKind::Info => return Ok(()),
        };
        *latest = (*latest).max(Some(time_ns));
        if same {
            return Ok(());
        }
        let reason = format!(
            "by the time {time_ns} this is concurrent with what is not by the order of the lines, or the other way round; say what counts: --format jepsen-json the order, --format jsonl the times"
        );
        Err(Problem::at(row.place, reason))
    }

    fn by_time(&self, row: &Row) -> Result<u64, Problem> {
        match row.time_ns {
            Some(time_ns) => u64::try_from(self.since_origin_ns(time_ns)).map_err(|_| {
                let reason = match self.origin_ns {
                    0 => format!("the time {time_ns} is less than 0, and that of the first line is not; count from the same instant in all lines"),
                    origin_ns => format!("the time {time_ns} is before {origin_ns}, that of the first line; begin with the earliest line"),
                };
                Problem::at(row.place, reason)
            }),
            // Nothing may follow from when that was known: see `knows_when`.
            None if matches!(row.kind, RowKind::Fail | RowKind::Info) => Ok(self.last_ns.unwrap_or(0)),
            None => Err(all_or_none(row.place)),
        }
    }

    /// A line's time, but after the line before.
    fn by_line(&mut self, time_ns: Option<i64>) -> u64 {
        let after_ns = self.last_ns.map_or(0, |last_ns| last_ns + 1);
        match time_ns {
            None if self.timed == 0 => after_ns.max(self.lines * LINE_NS),
            None => after_ns,
            Some(time_ns) => {
                let since_ns = u64::try_from(self.since_origin_ns(time_ns).max(0)).unwrap_or(u64::MAX);
                self.backwards += u64::from(since_ns < after_ns.saturating_sub(1));
                after_ns.max(since_ns)
            }
        }
    }

    fn since_origin_ns(&self, time_ns: i64) -> i128 {
        i128::from(time_ns) - i128::from(self.origin_ns)
    }

    /// Whether the instant of a row is when it happened, and not just some instant after its call began.
    pub(super) fn knows_when(&self, row: &Row) -> bool {
        row.time_ns.is_some() || matches!(self.by, Some(By::Lines))
    }

    /// Whether any line has a time.
    pub(super) fn is_timed(&self) -> bool {
        self.timed > 0
    }

    /// What people should know about times.
    pub(super) fn notes(&self) -> Vec<String> {
        let Clock { lines, timed, backwards, .. } = *self;
        let mut notes = Vec::new();
        if timed == 0 && lines > 0 {
            notes.push("the lines have no times; each stands for a millisecond".into());
        }
        if backwards > 0 {
            notes.push(format!("the times of {backwards} lines contradict the order of the lines, which counts"));
        }
        notes
    }
}

fn all_or_none(place: Place) -> Problem {
    Problem::at(place, "some lines have a time and some have none; give all of them one, or none")
}
