//! What the search leaves out because it proves nothing new. Each can be switched off, so that tests can compare.

use super::entry::{Entry, EntryOf};
use crate::call::Value;
use crate::model::{Access, Demand, Model};
use rustc_hash::FxHashMap;

/// Which reductions the search uses. All are exact; the proof stands where each is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reductions {
    /// An open operation that only observes is placed as soon as it is legal.
    pub observers_at_once: bool,
    /// Of two open operations that are alike, the one that returns first is placed first.
    pub twins: bool,
    /// Of two configurations that differ in the doubtful operations used, the one that used more is left out.
    pub dominance: bool,
    /// Doubtful operations whose effect nothing can depend on are left out.
    pub unobserved: bool,
    /// What has nothing to do with the operation that returns is not placed before it.
    pub commuting: bool,
    /// A bounded search goes ahead that follows one order as far as it leads.
    pub depth_first: bool,
}

impl Reductions {
    /// All of them.
    pub const ALL: Reductions = Reductions {
        observers_at_once: true,
        twins: true,
        dominance: true,
        unobserved: true,
        commuting: true,
        depth_first: true,
    };

    /// None: the bare search.
    pub const NONE: Reductions = Reductions {
        observers_at_once: false,
        twins: false,
        dominance: false,
        unobserved: false,
        commuting: false,
        depth_first: false,
    };
}

impl Default for Reductions {
    fn default() -> Reductions {
        Reductions::ALL
    }
}

/// Leaves out doubtful operations whose effect nothing can depend on, as long as there are any.
///
/// A doubtful operation `c` that leaves `v` may go when every other operation that can come after it (one that returned
/// before `c` was invoked cannot) is one of these:
///
/// - it demands nothing: it overwrites, with or without `c`;
/// - it demands something that `v` is not, and has a reply: it is not legal while `v` is there;
/// - it demands something that `v` is not, and has no reply: it changes nothing while `v` is there, so may be left out.
///
/// Take a legal order with `c`, and let `c` go together with the operations of the third kind that stand while `v` is
/// there. Between `c` and the next operation that changes the state nothing else stands; that one demands nothing, and
/// leads to the same state as before. So the rest stays legal.
///
/// Each condition is needed, with `c` a write of 1 by a call that never returned, and nil at first: a later read of 1;
/// a later swap from 1 to 2; a later comparison with nil that was false (nothing else makes it false); a swap from 1 to
/// 2 that never returned either, with a read of 2.
pub(super) fn without_unobserved<M: Model>(model: &M, mut entries: Vec<EntryOf<M>>) -> Vec<EntryOf<M>> {
    let mut demands = Demands::default();
    let mut doubtful: Vec<(usize, Access)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let Some(access) = model.access(&entry.call, entry.reply.as_ref()) else { return entries };
        demands.add(entry, access);
        if !entry.must {
            doubtful.push((at, access));
        }
    }
    let mut gone: Vec<usize> = Vec::new();
    loop {
        let before = gone.len();
        doubtful.retain(|(at, access)| {
            let stays = access.sets.is_none_or(|left| demands.may_observe(left, entries[*at].invoked_ns));
            if !stays {
                demands.take_away(*access);
                gone.push(*at);
            }
            stays
        });
        if gone.len() == before {
            break;
        }
    }
    gone.sort_unstable();
    let mut at = 0..;
    let mut gone = gone.into_iter().peekable();
    entries.retain(|_| at.next() != gone.peek().copied() || gone.next().is_none());
    entries
}

/// Who demands what.
#[derive(Default)]
struct Demands {
    /// For each value, until when something that was answered may find it.
    until_ns: FxHashMap<Option<Value>, u64>,
    /// Until when something answered may find anything but a value: the last such demand, and the last that excepts
    /// another value than that one.
    differ: Option<(Option<Value>, u64)>,
    differ_otherwise: Option<u64>,
    /// How many operations without an answer demand each value, and how many anything but some value.
    doubtful: FxHashMap<Option<Value>, usize>,
    doubtful_differ: usize,
}

impl Demands {
    fn add<C, R>(&mut self, entry: &Entry<C, R>, access: Access) {
        match access.demands {
            Demand::Anything => {}
            Demand::Is(value) if entry.must => {
                let until_ns = self.until_ns.entry(value).or_default();
                *until_ns = entry.until_ns.max(*until_ns);
            }
            Demand::IsNot(value) if entry.must => self.add_differ(value, entry.until_ns),
            Demand::Is(value) => *self.doubtful.entry(value).or_default() += 1,
            Demand::IsNot(_) => self.doubtful_differ += 1,
        }
    }

    fn add_differ(&mut self, value: Option<Value>, until_ns: u64) {
        match self.differ {
            Some((last, last_ns)) if last == value => self.differ = Some((value, until_ns.max(last_ns))),
            Some((_, last_ns)) if last_ns < until_ns => {
                self.differ_otherwise = Some(last_ns);
                self.differ = Some((value, until_ns));
            }
            Some(_) => self.differ_otherwise = self.differ_otherwise.max(Some(until_ns)),
            None => self.differ = Some((value, until_ns)),
        }
    }

    /// An operation without an answer is gone.
    fn take_away(&mut self, access: Access) {
        match access.demands {
            Demand::Anything => {}
            Demand::Is(value) => *self.doubtful.entry(value).or_insert(1) -= 1,
            Demand::IsNot(_) => self.doubtful_differ -= 1,
        }
    }

    /// Whether something can depend on `left`, which is there from `from_ns` on at the earliest.
    fn may_observe(&self, left: Value, from_ns: u64) -> bool {
        let left = Some(left);
        let differ_ns = match self.differ {
            Some((excepted, until_ns)) if excepted != left => Some(until_ns),
            Some(_) => self.differ_otherwise,
            None => None,
        };
        self.doubtful_differ > 0
            || self.doubtful.get(&left).is_some_and(|count| *count > 0)
            || self.until_ns.get(&left).is_some_and(|until_ns| *until_ns >= from_ns)
            || differ_ns.is_some_and(|until_ns| until_ns >= from_ns)
    }
}
