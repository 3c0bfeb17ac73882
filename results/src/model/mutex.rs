//! A lock that anybody may give back: `mutex`.

use crate::call::{Call, Key, Reply};
use crate::model::{Deed, Model, Object};

/// A lock that is free at first. Who holds it does not matter, as in Knossos; where it does, use
/// [`OwnerMutex`](super::OwnerMutex).
#[derive(Debug, Clone, Copy, Default)]
pub struct Mutex;

impl Model for Mutex {
    type Call = Call;
    type Reply = Reply;
    /// Whether it is held.
    type State = bool;

    fn name(&self) -> &'static str {
        "mutex"
    }

    fn init(&self) -> bool {
        false
    }

    fn step(&self, held: &bool, call: &Call, reply: Option<&Reply>) -> Result<bool, String> {
        match (call, reply) {
            (Call::Acquire { .. }, None) => Ok(true),
            (Call::Acquire { .. }, Some(Reply::Acquired { .. })) if *held => {
                Err("it took the lock, which is held".into())
            }
            (Call::Acquire { .. }, Some(Reply::Acquired { .. })) => Ok(true),
            (Call::Release { .. }, None) => Ok(false),
            (Call::Release { .. }, Some(Reply::Released { .. })) if !held => {
                Err("it gave the lock back, which is free".into())
            }
            (Call::Release { .. }, Some(Reply::Released { .. })) => Ok(false),
            (Call::Release { .. }, Some(Reply::NotHeld { .. })) if *held => {
                Err("it found the lock not held, but it is".into())
            }
            (Call::Release { .. }, Some(Reply::NotHeld { .. })) => Ok(false),
            (call, Some(reply)) => Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no lock knows changes none.
            (_, None) => Ok(*held),
        }
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn object(&self) -> Option<Object> {
        Some(Object::Lock)
    }

    fn deed<'a>(&self, call: &'a Call, reply: Option<&'a Reply>) -> Option<Deed<'a>> {
        lock_deed(0, call, reply)
    }

    fn show(&self, held: &bool) -> String {
        if *held { "held" } else { "free" }.into()
    }
}

/// What an operation does to a lock.
pub(super) fn lock_deed<'a>(process: u64, call: &Call, reply: Option<&Reply>) -> Option<Deed<'a>> {
    match (call, reply) {
        (Call::Acquire { .. }, Some(Reply::Acquired { token, .. })) => Some(Deed::Acquire { process, token: *token }),
        (Call::Acquire { .. }, None) => Some(Deed::Acquire { process, token: 0 }),
        (Call::Release { .. }, None | Some(Reply::Released { .. })) => Some(Deed::Release { process }),
        (Call::Release { .. }, Some(Reply::NotHeld { .. })) => Some(Deed::FindReleased { process }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_free_or_held() {
        let (acquire, release) = (Call::Acquire { key: 0 }, Call::Release { key: 0 });
        let acquired = Some(Reply::Acquired { token: 0, until_ns: None });
        let released = Some(Reply::Released { until_ns: None });
        let not_held = Some(Reply::NotHeld { until_ns: None });
        let check = |held, call: &Call, reply: &Option<Reply>, after| {
            assert_eq!(Mutex.step(&held, call, reply.as_ref()).ok(), after, "{call} -> {reply:?}, held: {held}");
        };
        for (call, reply, if_free, if_held) in [
            (&acquire, &acquired, Some(true), None),
            (&acquire, &None, Some(true), Some(true)),
            (&acquire, &released, None, None),
            (&release, &released, None, Some(false)),
            (&release, &not_held, Some(false), None),
            (&release, &None, Some(false), Some(false)),
        ] {
            check(false, call, reply, if_free);
            check(true, call, reply, if_held);
        }
    }
}
