//! What the search leaves out because it proves nothing new. Each can be switched off, so that tests can compare.

use super::entry::Entry;
use crate::model::{Access, Demand, Model};

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
}

impl Reductions {
    /// All of them.
    pub const ALL: Reductions = Reductions { observers_at_once: true, twins: true, dominance: true, unobserved: true };

    /// None: the bare search.
    pub const NONE: Reductions =
        Reductions { observers_at_once: false, twins: false, dominance: false, unobserved: false };
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
pub(super) fn without_unobserved<M: Model>(model: &M, mut entries: Vec<Entry>) -> Vec<Entry> {
    let accesses: Option<Vec<Access>> =
        entries.iter().map(|entry| model.access(&entry.call, entry.reply.as_ref())).collect();
    let Some(mut accesses) = accesses else { return entries };
    loop {
        let observed: Vec<bool> = (0..entries.len()).map(|at| is_observed(&entries, &accesses, at)).collect();
        if observed.iter().all(|observed| *observed) {
            return entries;
        }
        let mut keep = observed.iter();
        entries.retain(|_| keep.next() == Some(&true));
        let mut keep = observed.iter();
        accesses.retain(|_| keep.next() == Some(&true));
    }
}

/// Whether something can depend on the entry; what has to take effect always counts.
fn is_observed(entries: &[Entry], accesses: &[Access], at: usize) -> bool {
    let (entry, Some(left)) = (&entries[at], accesses[at].sets) else { return true };
    if entry.must {
        return true;
    }
    let later = |(other, candidate): (usize, &Entry)| other != at && candidate.until_ns >= entry.invoked_ns;
    let depends = |access: &Access| access.demands != Demand::Anything && access.demands.accepts(Some(left));
    entries.iter().enumerate().filter(|pair| later(*pair)).any(|(other, _)| depends(&accesses[other]))
}
