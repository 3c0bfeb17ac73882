//! A number that is increased and read: `counter`.

use crate::call::{Call, Key, Reply};
use crate::model::{Deed, Model, Object};

/// A counter.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counter {
    /// What it holds at first.
    pub initial: i64,
}

impl Model for Counter {
    type Call = Call;
    type Reply = Reply;
    type State = i64;

    fn name(&self) -> &'static str {
        "counter"
    }

    fn init(&self) -> i64 {
        self.initial
    }

    fn step(&self, holds: &i64, call: &Call, reply: Option<&Reply>) -> Result<i64, String> {
        match (call, reply) {
            // Whatever stands in a file, a sum must not overflow; counters of real targets wrap around too.
            (Call::Increase { by, .. }, None | Some(Reply::Added { .. } | Reply::Written { .. })) => {
                Ok(holds.wrapping_add(*by))
            }
            (Call::Count { .. }, Some(Reply::Count { count })) if count != holds => {
                Err(format!("it read {count}, but the counter holds {holds}"))
            }
            (Call::Count { .. }, None | Some(Reply::Count { .. })) => Ok(*holds),
            (call, Some(reply)) => Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no counter knows changes none.
            (_, None) => Ok(*holds),
        }
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn only_observes(&self, call: &Call) -> bool {
        call.kind().only_observes() || matches!(call, Call::Increase { by: 0, .. })
    }

    fn object(&self) -> Option<Object> {
        Some(Object::Counter { initial: self.initial })
    }

    fn deed<'a>(&self, call: &'a Call, reply: Option<&'a Reply>) -> Option<Deed<'a>> {
        match (call, reply) {
            (Call::Increase { by, .. }, None | Some(Reply::Added { .. } | Reply::Written { .. })) => {
                Some(Deed::Increase(*by))
            }
            (Call::Count { .. }, Some(Reply::Count { count })) => Some(Deed::Count(*count)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_counts() {
        let check = |call: Call, reply: Option<Reply>, after: Option<i64>| {
            assert_eq!(Counter { initial: 0 }.step(&7, &call, reply.as_ref()).ok(), after, "{call} -> {reply:?}");
        };
        let (count, increase) = (Call::Count { key: 0 }, Call::Increase { key: 0, by: -2 });
        check(increase.clone(), Some(Reply::Added { version: None }), Some(5));
        check(increase.clone(), None, Some(5));
        check(increase, Some(Reply::Count { count: 5 }), None);
        check(count.clone(), Some(Reply::Count { count: 7 }), Some(7));
        check(count.clone(), Some(Reply::Count { count: 8 }), None);
        check(count, None, Some(7));
        check(Call::Increase { key: 0, by: 1 }, None, Some(8));
        assert_eq!(Counter { initial: 3 }.init(), 3);
    }
}
