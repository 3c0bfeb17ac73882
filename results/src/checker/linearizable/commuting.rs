//! What can wait: operations that have nothing to do with the one that returns.
//!
//! *The kin of an operation* are all that are open, do not commute with it, and those that do not commute with one of these,
//! and so on. When `r` returns only its kin need to come before it. Exact: let a legal order go on from here as
//! `a1 .. ak r ..`. All of `a1 .. ak` are open, or nobody knows whether they ever took effect. Each that is not of the kin
//! commutes with `r` and with all that are. So one after the other, the last first, they can change places with what of
//! the kin stands right after them, and at last with `r`: the order stays legal, and nothing else of it changes. What now
//! stands after `r` has not returned when `r` does, so it is still in time. What stands before `r` has moved to an earlier
//! place, after the same invocations.
//!
//! Together with what else the [reductions](super::reductions) leave out: observers placed at once only make an order of
//! the same kind shorter. Twins are of one class, so both are kin or neither is, unless one of them is `r` itself, which
//! returns first and waits for none.
//!
//! That is a persistent set of Godefroid, "Partial-order methods for the verification of concurrent systems", 1996.

use super::search::Open;
use super::table::{ClassId, Table};
use crate::model::Model;

/// Which of the open operations, and of the classes of `doubtful` ones, are kin of the one at `at`, itself included.
pub(super) fn kin<M: Model>(table: &Table<M>, open: &[Open], doubtful: &[ClassId], at: usize) -> Vec<bool> {
    let class = |at: usize| if at < open.len() { open[at].class } else { doubtful[at - open.len()] };
    let mut kin = vec![false; open.len() + doubtful.len()];
    let mut others: Vec<usize> = (0..kin.len()).filter(|other| *other != at).collect();
    kin[at] = true;
    let mut stack = vec![at];
    while let Some(one) = stack.pop() {
        others.retain(|other| {
            let commute = table.commute(class(one), class(*other));
            if !commute {
                kin[*other] = true;
                stack.push(*other);
            }
            commute
        });
    }
    kin
}
