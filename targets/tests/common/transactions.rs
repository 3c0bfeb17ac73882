//! Transactions one after the other, and what each must answer, whatever the target.

use squall_results::call::{Key, ListStep, Step, Value};
use squall_results::{Call, Reply};

/// A transaction on lists, with what its reads find.
fn lists(steps: &[ListStep], found: &[&[Value]]) -> (Call, Reply) {
    let found = found.iter().map(|list| list.to_vec()).collect();
    (Call::ListTransaction { steps: steps.to_vec() }, Reply::CommittedLists { found })
}

/// A transaction on registers, with what its reads find.
fn registers(steps: &[Step], found: &[Option<Value>]) -> (Call, Reply) {
    (Call::Transaction { steps: steps.to_vec() }, Reply::Committed { found: found.to_vec() })
}

/// On lists and registers 20 and 21, which nothing else uses.
pub fn transactions() -> Vec<(Call, Reply)> {
    let append = |key, element| ListStep::Append { key, element };
    let list = |key| ListStep::Read { key };
    let write = |key, value| Step::Write { key, value };
    let read = |key| Step::Read { key };
    let (one, two): (Key, Key) = (20, 21);
    vec![
        lists(&[list(one), list(two)], &[&[], &[]]),
        // Each read sees the appends before it, and no later ones.
        lists(&[list(one), append(one, 1), list(one), append(one, -2), list(two)], &[&[], &[1], &[]]),
        lists(&[list(one)], &[&[1, -2]]),
        lists(&[append(two, 7), append(one, 3), append(two, 8)], &[]),
        lists(&[list(two), list(one), list(two)], &[&[7, 8], &[1, -2, 3], &[7, 8]]),
        lists(&[list(one), append(two, 9)], &[&[1, -2, 3]]),
        lists(&[list(one), list(two)], &[&[1, -2, 3], &[7, 8, 9]]),
        registers(&[read(one), read(two)], &[None, None]),
        registers(&[read(one), write(one, 5), read(one), read(two)], &[None, Some(5), None]),
        registers(&[write(two, -6), write(one, 7)], &[]),
        registers(&[read(two), read(one), write(one, 8)], &[Some(-6), Some(7)]),
        registers(&[read(one), read(two)], &[Some(8), Some(-6)]),
    ]
}
