//! Locks that only who took them gives back, and tokens that grow.
//!
//! A process does one thing at a time, so each of its holds lasts for certain from the end of its acquire to the beginning
//! of its release, or for ever if there is none. Where two of these times overlap there is no legal order. Else the holds
//! follow each other in this order and no other, each from the end of the one before, or from when its acquire began if
//! that is later, to the beginning of its release; and tokens have to grow in it. A release without an answer may end a
//! hold, and may as well; an acquire without an answer took the lock for ever, if at all, so that it goes.
//!
//! Whether a process itself holds the lock is known at each of its calls: one that takes it while it does, gives it back
//! while it does not, or finds that it does not while it does, has no legal order.
//!
//! A legal order stays legal without a whole hold, and without all calls of a process, so few calls are a core.

use super::{Act, NEVER, Ruling};
use crate::model::Deed;
use std::collections::BTreeMap;

/// One hold.
#[derive(Debug, Clone, Copy)]
struct Hold {
    acquire: usize,
    release: Option<usize>,
    token: u64,
    /// For certain.
    from_ns: u64,
    until_ns: u64,
}

/// A legal order, or why there is none; see the [module](self).
pub(super) fn rule(acts: &[Act], fenced: bool) -> Ruling {
    decide(acts, fenced).unwrap_or_else(|ruling| ruling)
}

fn decide(acts: &[Act], fenced: bool) -> Result<Ruling, Ruling> {
    let (mut holds, finders) = holds(acts)?;
    holds.sort_unstable_by_key(|hold| (hold.from_ns, hold.acquire));
    for pair in holds.windows(2) {
        let [one, other] = pair else { continue };
        let core = if one.until_ns > other.from_ns {
            vec![one.acquire, other.acquire]
        } else if fenced && one.token >= other.token {
            [Some(one.acquire), one.release, Some(other.acquire)].into_iter().flatten().collect()
        } else {
            continue;
        };
        return Err(Ruling::NoOrder { entry: other.acquire, core: Some(core) });
    }
    // By instant, and the holds at one instant in their order.
    let (mut timed, mut free_ns): (Vec<(u64, usize, usize)>, _) = (Vec::new(), 0);
    for hold in &holds {
        timed.push((acts[hold.acquire].from_ns.max(free_ns), timed.len(), hold.acquire));
        timed.extend(hold.release.map(|release| (hold.until_ns, timed.len(), release)));
        free_ns = hold.until_ns;
    }
    for finder in finders {
        timed.push((acts[finder].from_ns, timed.len(), finder));
    }
    timed.sort_unstable();
    Ok(Ruling::Order(timed.into_iter().map(|(_, _, entry)| entry as u32).collect()))
}

/// All holds, and who found that it holds nothing. [`Ruling::Open`] if a process does more than one thing at a time.
fn holds(acts: &[Act]) -> Result<(Vec<Hold>, Vec<usize>), Ruling> {
    let mut by_process: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (entry, act) in acts.iter().enumerate() {
        match act.deed {
            Deed::Acquire { process, .. } | Deed::Release { process } | Deed::FindReleased { process } => {
                by_process.entry(process).or_default().push(entry);
            }
            _ => return Err(Ruling::Open),
        }
    }
    let (mut holds, mut finders): (Vec<Hold>, Vec<usize>) = Default::default();
    for mut calls in by_process.into_values() {
        calls.sort_unstable_by_key(|call| (acts[*call].from_ns, *call));
        if calls.windows(2).any(|pair| acts[pair[0]].until_ns >= acts[pair[1]].from_ns) {
            return Err(Ruling::Open);
        }
        let mut held: Option<Hold> = None;
        for entry in calls {
            let act = &acts[entry];
            match (act.deed, &mut held) {
                (Deed::Acquire { .. }, _) if !act.must => {}
                (Deed::Acquire { token, .. }, None) => {
                    let (from_ns, until_ns) = (act.until_ns, NEVER);
                    held = Some(Hold { acquire: entry, release: None, token, from_ns, until_ns });
                }
                (Deed::Release { .. }, Some(hold)) => {
                    holds.push(Hold { release: Some(entry), until_ns: act.from_ns, ..*hold });
                    held = None;
                }
                (Deed::Release { .. }, None) if !act.must => {}
                (Deed::FindReleased { .. }, None) => finders.push(entry),
                (_, hold) => {
                    let core = hold.iter().map(|hold| hold.acquire).chain([entry]).collect();
                    return Err(Ruling::NoOrder { entry, core: Some(core) });
                }
            }
        }
        holds.extend(held);
    }
    Ok((holds, finders))
}
