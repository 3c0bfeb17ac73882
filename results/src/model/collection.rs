//! A set that elements are added to: `set`.

use crate::call::{Call, Key, Reply, Value};
use crate::model::Model;
use std::collections::BTreeSet;

/// A set, empty at first, in which an element is there once however often it was added. Where each element is added by
/// one call at most the checker [`Set`](crate::checker::set::Set) is exact too, faster, and tells more.
#[derive(Debug, Clone, Copy, Default)]
pub struct Collection;

impl Model for Collection {
    type Call = Call;
    type Reply = Reply;
    type State = BTreeSet<Value>;

    fn name(&self) -> &'static str {
        "set"
    }

    fn init(&self) -> Self::State {
        BTreeSet::new()
    }

    fn step(&self, state: &Self::State, call: &Call, reply: Option<&Reply>) -> Result<Self::State, String> {
        match (call, reply) {
            (
                Call::Add { element, .. } | Call::AddToList { element, .. } | Call::AddGuarded { element, .. },
                None | Some(Reply::Added { .. }),
            ) => {
                let mut after = state.clone();
                after.insert(*element);
                Ok(after)
            }
            (Call::Elements { .. } | Call::List { .. }, None) => Ok(state.clone()),
            (Call::Elements { .. } | Call::List { .. }, Some(Reply::Elements { elements, .. })) => {
                let found: BTreeSet<Value> = elements.iter().copied().collect();
                let missing = state.difference(&found).next().map(|element| format!("{element} is in the set too"));
                let extra = found.difference(state).next().map(|element| format!("{element} is not in the set"));
                let twice = (found.len() < elements.len()).then(|| "an element is there twice".to_owned());
                match missing.or(extra).or(twice) {
                    Some(why) => Err(why),
                    None => Ok(state.clone()),
                }
            }
            (call, Some(reply)) => Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no set knows changes none.
            (_, None) => Ok(state.clone()),
        }
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn only_observes(&self, call: &Call) -> bool {
        call.kind().only_observes()
    }

    /// It does not matter in which order elements are added.
    fn commute(&self, (one, _): (&Call, Option<&Reply>), (other, _): (&Call, Option<&Reply>)) -> bool {
        let adds = |call: &Call| matches!(call, Call::Add { .. } | Call::AddToList { .. } | Call::AddGuarded { .. });
        adds(one) && adds(other) || self.only_observes(one) && self.only_observes(other)
    }

    fn show(&self, state: &Self::State) -> String {
        Reply::Elements { elements: state.iter().copied().collect(), version: None }.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_added() {
        let state = BTreeSet::from([1, 2]);
        let check = |call: Call, reply: Option<Reply>, after: Option<&[Value]>| {
            let found = Collection.step(&state, &call, reply.as_ref()).ok();
            assert_eq!(found, after.map(|after| after.iter().copied().collect()), "{call} -> {reply:?}");
        };
        let (add, read) = (|element| Call::Add { key: 0, element }, Call::Elements { key: 0 });
        let elements = |of: &[Value]| Some(Reply::Elements { elements: of.to_vec(), version: None });
        check(add(3), Some(Reply::Added { version: None }), Some(&[1, 2, 3]));
        check(add(3), None, Some(&[1, 2, 3]));
        check(add(2), Some(Reply::Added { version: None }), Some(&[1, 2]));
        check(read.clone(), elements(&[2, 1]), Some(&[1, 2]));
        check(read.clone(), elements(&[1]), None);
        check(read.clone(), elements(&[1, 2, 3]), None);
        check(read.clone(), elements(&[1, 2, 2]), None);
        check(read, None, Some(&[1, 2]));
    }
}
