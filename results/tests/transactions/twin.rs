//! What isolation levels say, decided by trying everything. Nothing of the checker is used here.
//!
//! Serializable is decided by its definition: some order of the transactions explains all reads. Repeatable read is the same,
//! as far as it is about items. Snapshot isolation too: some order of starts and commits. The levels below by Adya's definition:
//! some order of the versions, and no cycle.

use crate::random::{Did, End, History, Txn};
use squall_results::Level;
use squall_results::checker::transactions::Objects;
use squall_results::isolation::{Base, Order};

/// Whether `made` keeps to `level`; `None`: the definition says nothing of it.
pub fn keeps(made: &History, level: Level, objects: Objects) -> Option<bool> {
    // Each subset of the transactions in doubt may have happened.
    let doubtful: Vec<usize> = (0..made.txns.len()).filter(|at| made.txns[*at].end == End::Unknown).collect();
    let happened = (0..1_u32 << doubtful.len()).map(|mask| {
        let chosen = |at: &usize| match made.txns[*at].end {
            End::Ok => true,
            End::Failed => false,
            End::Unknown => doubtful.iter().position(|other| other == at).is_some_and(|bit| mask >> bit & 1 == 1),
        };
        (0..made.txns.len()).filter(chosen).map(|at| made.txns[at].clone()).collect::<Vec<Txn>>()
    });
    let some = |decide: &dyn Fn(&[Txn]) -> bool| happened.clone().any(|txns| decide(&txns));
    let (keys, order) = (made.keys, level.order);
    match level.base {
        Base::Serializable | Base::RepeatableRead => {
            Some(some(&|txns| serial(txns, &mut Vec::new(), &vec![Vec::new(); keys], order, objects)))
        }
        Base::SnapshotIsolation => Some(some(&|txns| {
            snapshots(txns, &mut vec![Stage::Before; txns.len()], &vec![Vec::new(); keys], order, objects)
        })),
        _ if objects == Objects::Registers => None,
        Base::ReadCommitted => Some(some(&|txns| read_committed(made, txns, order))),
        // Of reads that nothing explains read uncommitted says nothing definite.
        Base::ReadUncommitted if !prefixes_agree(made) => None,
        // What was seen counts as committed, though read uncommitted would let it be seen if it was not.
        Base::ReadUncommitted => Some(some(&|txns| {
            has_all_seen(made, txns) && versions(txns, keys, &|all| acyclic(txns, all, order, false))
        })),
    }
}

/// Whether `one` must come before `other`.
fn before(one: &Txn, other: &Txn, order: Order) -> bool {
    let session = one.process == other.process && one.invoked < other.invoked;
    let real_time = one.returned < other.invoked;
    one.end == End::Ok
        && match order {
            Order::Data => false,
            Order::Session => session,
            Order::RealTime => session || real_time,
        }
}

/// Does the steps of a transaction; `None`: its reads found something else.
fn execute(txn: &Txn, lists: &[Vec<i64>], objects: Objects) -> Option<Vec<Vec<i64>>> {
    let mut lists = lists.to_vec();
    for step in &txn.steps {
        match step {
            Did::Append(key, element) => lists[*key].push(*element),
            Did::Read(..) if txn.end != End::Ok => {}
            Did::Read(key, found) if objects == Objects::Lists && lists[*key] != *found => return None,
            Did::Read(key, found) if lists[*key].last() != found.last() => return None,
            Did::Read(..) => {}
        }
    }
    Some(lists)
}

fn serial(txns: &[Txn], done: &mut Vec<usize>, lists: &[Vec<i64>], order: Order, objects: Objects) -> bool {
    if done.len() == txns.len() {
        return true;
    }
    for at in 0..txns.len() {
        let must_wait = (0..txns.len())
            .any(|other| other != at && !done.contains(&other) && before(&txns[other], &txns[at], order));
        if done.contains(&at) || must_wait {
            continue;
        }
        if let Some(after) = execute(&txns[at], lists, objects) {
            done.push(at);
            if serial(txns, done, &after, order, objects) {
                return true;
            }
            done.pop();
        }
    }
    false
}

#[derive(Debug, Clone, PartialEq)]
enum Stage {
    Before,
    /// With the snapshot that it began with.
    Going(Vec<Vec<i64>>),
    Done,
}

/// Starts and commits in every order.
fn snapshots(txns: &[Txn], stages: &mut Vec<Stage>, lists: &[Vec<i64>], order: Order, objects: Objects) -> bool {
    if stages.iter().all(|stage| *stage == Stage::Done) {
        return true;
    }
    for at in 0..txns.len() {
        let stage = stages[at].clone();
        let after = match &stage {
            Stage::Done => continue,
            Stage::Before => {
                let must_wait = (0..txns.len())
                    .any(|other| stages[other] != Stage::Done && other != at && before(&txns[other], &txns[at], order));
                if must_wait || execute(&txns[at], lists, objects).is_none() {
                    continue;
                }
                stages[at] = Stage::Going(lists.to_vec());
                lists.to_vec()
            }
            Stage::Going(snapshot) => {
                let mut after = lists.to_vec();
                let mut conflicts = false;
                for step in &txns[at].steps {
                    if let Did::Append(key, element) = step {
                        conflicts |= snapshot[*key] != lists[*key];
                        after[*key].push(*element);
                    }
                }
                if conflicts {
                    continue;
                }
                stages[at] = Stage::Done;
                after
            }
        };
        if snapshots(txns, stages, &after, order, objects) {
            return true;
        }
        stages[at] = stage;
    }
    false
}

/// Whether of all reads of a list one begins with the other, and nothing stands in any twice.
fn prefixes_agree(made: &History) -> bool {
    let reads: Vec<(usize, &Vec<i64>)> = made.reads().collect();
    reads.iter().all(|(key, one)| {
        reads.iter().all(|(other, read)| key != other || one.starts_with(read) || read.starts_with(one))
    })
}

/// Whether every transaction in doubt happened of which anybody saw anything.
fn has_all_seen(made: &History, txns: &[Txn]) -> bool {
    let appended = |txn: &Txn, element: &i64| {
        txn.steps.iter().any(|step| matches!(step, Did::Append(_, other) if other == element))
    };
    let doubtful = |element: &i64| made.txns.iter().any(|txn| txn.end == End::Unknown && appended(txn, element));
    let mut seen = made.reads().flat_map(|(_, found)| found).filter(|element| doubtful(element));
    seen.all(|element| txns.iter().any(|txn| appended(txn, element)))
}

/// Whether some order of all versions of all lists, which agrees with all reads, is as `wanted`.
fn versions(txns: &[Txn], keys: usize, wanted: &dyn Fn(&[Vec<i64>]) -> bool) -> bool {
    fn extend(txns: &[Txn], key: usize, all: &mut Vec<Vec<i64>>, wanted: &dyn Fn(&[Vec<i64>]) -> bool) -> bool {
        if key == all.len() {
            return wanted(all);
        }
        let appended = txns.iter().flat_map(|txn| &txn.steps).filter_map(|step| match step {
            Did::Append(other, element) if *other == key => Some(*element),
            _ => None,
        });
        let left: Vec<i64> = appended.filter(|element| !all[key].contains(element)).collect();
        if left.is_empty() {
            return extend(txns, key + 1, all, wanted);
        }
        left.into_iter().any(|element| {
            all[key].push(element);
            let found = extend(txns, key, all, wanted);
            all[key].pop();
            found
        })
    }
    // What was read, without what failed, is how the order begins.
    let lives = |element: &i64| {
        txns.iter().flat_map(|txn| &txn.steps).any(|step| matches!(step, Did::Append(_, other) if other == element))
    };
    let mut all = vec![Vec::new(); keys];
    for txn in txns.iter().filter(|txn| txn.end == End::Ok) {
        for step in &txn.steps {
            if let Did::Read(key, found) = step {
                let found: Vec<i64> = found.iter().copied().filter(lives).collect();
                if found.len() > all[*key].len() {
                    all[*key] = found;
                }
            }
        }
    }
    extend(txns, 0, &mut all, wanted)
}

/// Whether writes, and where `reads` what was read of them, go in no circle, nor with the order.
fn acyclic(txns: &[Txn], all: &[Vec<i64>], order: Order, reads: bool) -> bool {
    let count = txns.len();
    let writer = |element: i64| {
        (0..count)
            .find(|at| txns[*at].steps.iter().any(|step| matches!(step, Did::Append(_, other) if *other == element)))
    };
    let mut reaches = vec![vec![false; count]; count];
    for one in 0..count {
        for other in 0..count {
            reaches[one][other] = one != other && before(&txns[one], &txns[other], order);
        }
    }
    for list in all {
        for pair in list.windows(2) {
            if let (Some(one), Some(other)) = (writer(pair[0]), writer(pair[1]))
                && one != other
            {
                reaches[one][other] = true;
            }
        }
    }
    for (at, txn) in txns.iter().enumerate().filter(|(_, txn)| reads && txn.end == End::Ok) {
        for step in &txn.steps {
            if let Did::Read(_, found) = step
                && let Some(from) = found.last().and_then(|element| writer(*element)).filter(|from| *from != at)
            {
                reaches[from][at] = true;
            }
        }
    }
    for middle in 0..count {
        for one in 0..count {
            for other in 0..count {
                reaches[one][other] |= reaches[one][middle] && reaches[middle][other];
            }
        }
    }
    (0..count).all(|at| !reaches[at][at])
}

/// Nothing aborted or intermediate was read, all reads agree with one order, and no cycle.
fn read_committed(made: &History, txns: &[Txn], order: Order) -> bool {
    if !prefixes_agree(made) {
        return false;
    }
    let appends = |txn: &Txn| -> Vec<(usize, i64)> {
        txn.steps
            .iter()
            .filter_map(|step| if let Did::Append(key, element) = step { Some((*key, *element)) } else { None })
            .collect()
    };
    for (at, txn) in txns.iter().enumerate().filter(|(_, txn)| txn.end == End::Ok) {
        for step in &txn.steps {
            let Did::Read(key, found) = step else { continue };
            if !found.iter().all(|element| txns.iter().any(|txn| appends(txn).contains(&(*key, *element)))) {
                return false;
            }
            let Some(last) = found.last() else { continue };
            let of = txns.iter().position(|txn| appends(txn).contains(&(*key, *last)));
            let later = |txn: &Txn| {
                appends(txn).iter().rev().find(|(other, _)| other == key).is_some_and(|(_, end)| end != last)
            };
            if of.is_some_and(|of| of != at && later(&txns[of])) {
                return false;
            }
        }
    }
    versions(txns, made.keys, &|all| acyclic(txns, all, order, true))
}
