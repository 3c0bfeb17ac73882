//! Queues whose elements are put in once each.
//!
//! An element `x` is put in at some instant of `put(x)` and taken out, if it is, at some instant of `take(x)`. Both are
//! narrowed first: it is put in by the end of `take(x)`, and not taken out before `put(x)` begins. What is left between
//! the end of `put(x)` and the beginning of `take(x)`, both ends excluded, is the time at which `x` is *certainly in*.
//! These are the rules, after Henzinger, Sezgin and Vafeiadis ("Aspect-oriented linearizability proofs", 2013), and, for
//! how to decide them by sorting, in the spirit of Lee and Mathur ("Efficient decrease-and-conquer linearizability
//! monitoring", 2025):
//!
//! 1. Whatever is taken out was put in by a call that was not invoked too late, and is taken out once.
//! 2. Who found the queue empty did so at an instant at which no element is certainly in; as long as all answers are known.
//! 3. In a queue with an order there are no `a`, `b` such that `put(a)` ends before `put(b)` begins and `take(b)` ends before
//!    `take(a)` begins, or `take(b)` is there and `take(a)` is not.
//!
//! That they are necessary is plain. They suffice: let `t` be an instant of rule 2 for one that found nothing. Let `B` be
//! the elements whose `put` ends before `t`; their `take` begins by `t`, or else they were certainly in. All others are
//! put in from `t` on, which their `put` allows. So the history falls into one before `t` and one after it, each with
//! narrowed times that make no element certainly in that was not, and with several such instants into as many parts,
//! [`batches`]. In a part without an order each `put` and each `take` comes as early as it can. With an order, let `a`
//! come before `b` if `put(a)` ends before `put(b)` begins, or `take(a)` before `take(b)` (an element that stays is taken
//! at the end of time). If these relations have a cycle they have one of two elements, which rule 3 excludes: two steps
//! by the same relation are one step, and of `a`, `b`, `c`, `d` with `put(a)` before `put(b)` and `put(c)` before `put(d)`,
//! either `put(a)` comes before `put(d)` or `put(c)` before `put(b)`, which makes any longer cycle shorter. So the
//! elements can be put into a sequence ([`sequence`](order::sequence)) that keeps both. Let each, in this sequence, be put in as early as
//! it can: at the latest beginning of a `put` so far, which is not after the end of its own, or the sequence would be
//! wrong; and be taken out likewise.
//!
//! A `put` without an answer of an element that nobody took goes: a legal order stays legal without the element. A `take`
//! without an answer can take any element that nobody else took. It is needed for an element that is certainly put in
//! before an instant `t` of rule 2, and has to begin by `t` then; so at `t` there are at least as many such calls begun as
//! such elements put in, which is part of rule 2 and, for a queue without an order, enough: give them to the elements by the
//! first such instant after the `put` of each, the first call to the first that is due. With an order it is also needed
//! for an `a` that must be gone before some `b` is taken, because `put(a)` ends before `put(b)` begins, and has to begin by
//! the first end of such a `take(b)`. Again they are given to elements by their deadlines; if that fails for these
//! deadlines alone, any `n` elements with fewer than `n` calls to take them contradict each other. If it fails only
//! because of the instants that were chosen for rule 2, others might do, and the search decides.

mod empty;
mod order;
mod unseen;

use super::{Act, NEVER, Ruling};
use crate::call::Value;
use crate::model::Deed;
use empty::{Cover, Why};
use rustc_hash::FxHashMap;

/// Whether a queue has an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Fifo,
    Unordered,
}

/// An element that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    /// The entry that puts it in.
    put: usize,
    /// The entry that takes it out.
    take: Option<usize>,
    /// Whether that is an operation without an answer.
    unseen: bool,
    put_from_ns: u64,
    put_until_ns: u64,
    /// [`NEVER`] if it stays.
    take_from_ns: u64,
    /// [`NEVER`] if it stays, else `AT_LAST` at the latest.
    take_until_ns: u64,
}

impl Item {
    /// The entries of the element.
    fn entries(&self) -> impl Iterator<Item = usize> {
        [Some(self.put), self.take].into_iter().flatten()
    }
}

/// A history of a queue.
struct Queue<'a> {
    acts: &'a [Act<'a>],
    items: Vec<Item>,
    /// Those who found it empty.
    empties: Vec<usize>,
    /// Those who took something unseen, by invocation.
    unseen: Vec<usize>,
}

/// A legal order, or why there is none; see the [module](self).
pub(super) fn rule(acts: &[Act], kind: Kind) -> Ruling {
    decide(acts, kind).unwrap_or_else(|ruling| ruling)
}

fn decide(acts: &[Act], kind: Kind) -> Result<Ruling, Ruling> {
    let mut queue = Queue::new(acts)?;
    let instants = queue.instants()?;
    queue.give_unseen(kind, &instants)?;
    let mut order = Vec::with_capacity(acts.len());
    let mut empties = instants.iter().peekable();
    for (items, until_ns) in batches(&queue.items, &instants) {
        match kind {
            Kind::Fifo => {
                let sequence = order::sequence(&items);
                let sequence = sequence.map_err(|[a, b]| queue.no_order(&[items[a], items[b]]))?;
                order::in_sequence(&sequence, &mut order);
            }
            Kind::Unordered => order::as_early_as_can_be(&items, &mut order),
        }
        while let Some((_, entry)) = empties.next_if(|(at_ns, _)| *at_ns <= until_ns) {
            order.push(*entry as u32);
        }
    }
    Ok(Ruling::Order(order))
}

/// The items between one instant at which the queue was found empty and the next, narrowed to that time; `instants` are in
/// order.
fn batches(items: &[Item], instants: &[(u64, usize)]) -> Vec<(Vec<Item>, u64)> {
    let mut ends_ns: Vec<u64> = instants.iter().map(|(at_ns, _)| *at_ns).collect();
    ends_ns.dedup();
    ends_ns.push(NEVER);
    let mut batches: Vec<(Vec<Item>, u64)> = ends_ns.iter().map(|end_ns| (Vec::new(), *end_ns)).collect();
    for item in items {
        let at = ends_ns.partition_point(|end_ns| *end_ns <= item.put_until_ns).min(ends_ns.len() - 1);
        let begins_ns = if at == 0 { 0 } else { ends_ns[at - 1] };
        batches[at].0.push(Item {
            put_from_ns: item.put_from_ns.max(begins_ns),
            take_from_ns: item.take_from_ns.max(begins_ns),
            take_until_ns: item.take_until_ns.min(ends_ns[at]),
            ..*item
        });
    }
    batches
}

impl<'a> Queue<'a> {
    /// Rule 1. [`Ruling::Open`] if an element is put in twice.
    fn new(acts: &'a [Act<'a>]) -> Result<Queue<'a>, Ruling> {
        let mut queue = Queue { acts, items: Vec::new(), empties: Vec::new(), unseen: Vec::new() };
        let (mut puts, mut takes): (FxHashMap<Value, usize>, Vec<(Value, usize)>) = Default::default();
        for (entry, act) in acts.iter().enumerate() {
            match act.deed {
                Deed::Enqueue(element) if puts.insert(element, entry).is_some() => return Err(Ruling::Open),
                Deed::Enqueue(_) => {}
                Deed::Dequeue(element) => takes.push((element, entry)),
                Deed::FindEmpty => queue.empties.push(entry),
                Deed::DequeueUnseen => queue.unseen.push(entry),
                _ => return Err(Ruling::Open),
            }
        }
        queue.unseen.sort_unstable_by_key(|entry| acts[*entry].from_ns);
        let mut taken: FxHashMap<Value, usize> = FxHashMap::default();
        for (element, take) in takes {
            let Some(put) = puts.get(&element) else { return Err(queue.no_order_of(vec![take])) };
            if let Some(other) = taken.insert(element, take) {
                return Err(queue.no_order_of(vec![*put, other, take]));
            }
            let (put_act, take_act) = (&acts[*put], &acts[take]);
            if put_act.from_ns > take_act.until_ns {
                return Err(queue.no_order_of(vec![*put, take]));
            }
            queue.items.push(Item {
                put: *put,
                take: Some(take),
                unseen: false,
                put_from_ns: put_act.from_ns,
                put_until_ns: put_act.until_ns.min(take_act.until_ns),
                take_from_ns: take_act.from_ns.max(put_act.from_ns),
                take_until_ns: take_act.until_ns,
            });
        }
        let stays = puts.iter().filter(|(element, put)| acts[**put].must && !taken.contains_key(element));
        queue.items.extend(stays.map(|(_, put)| Item {
            put: *put,
            take: None,
            unseen: false,
            put_from_ns: acts[*put].from_ns,
            put_until_ns: acts[*put].until_ns,
            take_from_ns: NEVER,
            take_until_ns: NEVER,
        }));
        // A map has no order of its own; what is found must not depend on that.
        queue.items.sort_unstable_by_key(|item| item.put);
        Ok(queue)
    }

    /// Rule 2: for each of those who found the queue empty an instant at which nothing is certainly in; in order.
    fn instants(&self) -> Result<Vec<(u64, usize)>, Ruling> {
        if self.empties.is_empty() {
            return Ok(Vec::new());
        }
        let cover = Cover::new(self);
        let mut instants = Vec::with_capacity(self.empties.len());
        for empty in &self.empties {
            let act = &self.acts[*empty];
            match cover.gap(act.from_ns, act.until_ns) {
                Some(at_ns) => instants.push((at_ns, *empty)),
                None => return Err(self.never_empty(*empty, &cover)),
            }
        }
        instants.sort_unstable();
        Ok(instants)
    }

    /// While `empty` was under way the queue was never empty.
    fn never_empty(&self, empty: usize, cover: &Cover) -> Ruling {
        let act = &self.acts[empty];
        let mut core = vec![empty];
        for (why, end_ns) in cover.chain(act.from_ns, act.until_ns) {
            match why {
                Why::Item(item) => core.extend(self.items[item].entries()),
                Why::Crowd => core.extend(self.crowd(end_ns.min(act.until_ns.saturating_add(1)))),
            }
        }
        self.no_order_of(core)
    }

    /// The calls that may have taken something before `end_ns`, and one item more that nobody else took, those that were
    /// put in first: at every instant of a crowd that ends then, there are more of these items than of these calls.
    fn crowd(&self, end_ns: u64) -> Vec<usize> {
        let unseen = self.unseen.iter().copied().filter(|unseen| self.acts[*unseen].from_ns < end_ns);
        let mut core: Vec<usize> = unseen.collect();
        let mut staying: Vec<&Item> = self.items.iter().filter(|item| item.take.is_none()).collect();
        staying.sort_unstable_by_key(|item| (item.put_until_ns, item.put));
        core.extend(staying.iter().take(core.len() + 1).map(|item| item.put));
        core
    }

    fn no_order(&self, items: &[Item]) -> Ruling {
        if items.iter().any(|item| item.unseen) {
            return Ruling::Open;
        }
        self.no_order_of(items.iter().flat_map(Item::entries).collect())
    }

    /// These entries contradict each other.
    fn no_order_of(&self, mut core: Vec<usize>) -> Ruling {
        core.sort_unstable();
        core.dedup();
        let last = core.iter().copied().filter(|entry| self.acts[*entry].must);
        match last.max_by_key(|entry| (self.acts[*entry].until_ns, *entry)) {
            Some(entry) => Ruling::NoOrder { entry, core: Some(core) },
            None => Ruling::Open,
        }
    }
}
