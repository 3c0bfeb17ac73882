//! Elements, and what is done to them, in a legal order.

use super::Item;

/// The items in a sequence that keeps the order of time both of puts and of takes; or two of them, by index, that
/// contradict each other.
///
/// The next is any whose put and take both begin by the first end of a put, and of a take, among those that are left. If
/// there is none: let `a` be the one whose put ends first and `b` the one whose take ends first. The put of `a` begins
/// early enough, so its take begins after that of `b` ended; and likewise the put of `b` begins after that of `a` ended.
pub(super) fn sequence(items: &[Item]) -> Result<Vec<Item>, [usize; 2]> {
    let by = |key: fn(&Item) -> u64| {
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_unstable_by_key(|at| (key(&items[*at]), *at));
        order
    };
    let (put_from, take_from) = (by(|item| item.put_from_ns), by(|item| item.take_from_ns));
    let (put_until, take_until) = (by(|item| item.put_until_ns), by(|item| item.take_until_ns));
    let (mut puts_begun, mut takes_begun, mut first_put, mut first_take) = (0, 0, 0, 0);
    let (mut begun, mut gone) = (vec![0_u8; items.len()], vec![false; items.len()]);
    let (mut ready, mut sequence) = (Vec::new(), Vec::with_capacity(items.len()));
    while sequence.len() < items.len() {
        while gone[put_until[first_put]] {
            first_put += 1;
        }
        while gone[take_until[first_take]] {
            first_take += 1;
        }
        let (a, b) = (put_until[first_put], take_until[first_take]);
        let mut begin = |order: &[usize], next: &mut usize, begins_by: &dyn Fn(&Item) -> bool| {
            while let Some(at) = order.get(*next).filter(|at| begins_by(&items[**at])) {
                begun[*at] += 1;
                if begun[*at] == 2 {
                    ready.push(*at);
                }
                *next += 1;
            }
        };
        begin(&put_from, &mut puts_begun, &|item| item.put_from_ns <= items[a].put_until_ns);
        begin(&take_from, &mut takes_begun, &|item| item.take_from_ns <= items[b].take_until_ns);
        let Some(next) = ready.pop() else { return Err([a, b]) };
        gone[next] = true;
        sequence.push(items[next]);
    }
    Ok(sequence)
}

/// Puts and takes in the order of `sequence`, each as early as it can be.
pub(super) fn in_sequence(sequence: &[Item], order: &mut Vec<u32>) {
    // When each take is: not before any that comes earlier, nor before its put.
    let (mut latest_put_ns, mut latest_take_ns) = (0, 0);
    let instants = sequence.iter().map(|item| {
        latest_put_ns = item.put_from_ns.max(latest_put_ns);
        latest_take_ns = item.take_from_ns.max(latest_take_ns).max(latest_put_ns);
        (latest_put_ns, latest_take_ns)
    });
    let instants: Vec<(u64, u64)> = instants.collect();
    let mut takes = (0..sequence.len()).peekable();
    for (item, (put_ns, _)) in sequence.iter().zip(&instants) {
        while let Some(earlier) = takes.next_if(|take| instants[*take].1 < *put_ns) {
            order.extend(sequence[earlier].take.map(|entry| entry as u32));
        }
        order.push(item.put as u32);
    }
    order.extend(takes.filter_map(|at| sequence[at].take).map(|entry| entry as u32));
}

/// Puts and takes, each as early as it can be.
pub(super) fn as_early_as_can_be(items: &[Item], order: &mut Vec<u32>) {
    let puts = items.iter().map(|item| (item.put_from_ns, false, item.put));
    let takes = items.iter().filter_map(|item| Some((item.take_from_ns, true, item.take?)));
    let mut all: Vec<(u64, bool, usize)> = puts.chain(takes).collect();
    all.sort_unstable();
    order.extend(all.into_iter().map(|(_, _, entry)| entry as u32));
}
