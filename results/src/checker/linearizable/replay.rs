//! Is an order legal? Straight from the definition, and by the model alone, so that whoever found the order need not be
//! believed.

use super::entry::Held;
use crate::model::Model;

/// Whether `order`, indices of `entries`, holds every entry that has to take effect and none twice, keeps the order of
/// any two that did not overlap, and is legal from the state before any operation.
///
/// One pass is enough for the second: two entries are the wrong way round just if the later one returned before the
/// invocation of the earlier, so before the latest invocation so far.
pub(super) fn is_legal_order<M: Model>(model: &M, entries: &(impl Held<M> + ?Sized), order: &[u32]) -> bool {
    let mut placed = vec![false; entries.count()];
    let (mut state, mut latest_invocation_ns) = (model.init(), 0);
    for index in order {
        match placed.get_mut(*index as usize) {
            Some(placed) if !*placed => *placed = true,
            Some(_) | None => return false,
        }
        let entry = entries.at(*index as usize);
        latest_invocation_ns = entry.invoked_ns.max(latest_invocation_ns);
        if entry.must && entry.until_ns < latest_invocation_ns {
            return false;
        }
        if model.step_in_place(&mut state, entry.call, entry.reply).is_err() {
            return false;
        }
    }
    placed.iter().enumerate().all(|(index, placed)| *placed || !entries.at(index).must)
}
