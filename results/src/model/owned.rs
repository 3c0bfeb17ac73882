//! Locks whose holder matters: `owner-mutex`, and with tokens that grow `fenced-lock`.

use super::mutex::lock_deed;
use crate::call::{Call, Key, Reply};
use crate::history::Operation;
use crate::model::{AnyCall, Deed, Model, Object};
use std::fmt;

/// A call of a process to a lock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OwnedCall {
    /// Who calls.
    pub process: u64,
    /// What.
    pub call: Call,
}

impl OwnedCall {
    /// An operation, with who called as part of its call.
    pub fn of(operation: &Operation) -> Operation<OwnedCall> {
        Operation {
            id: operation.id,
            process: operation.process,
            node: operation.node.clone(),
            call: OwnedCall { process: operation.process, call: operation.call.clone() },
            due_ns: operation.due_ns,
            invoked_ns: operation.invoked_ns,
            returned_ns: operation.returned_ns,
            outcome: operation.outcome.clone(),
        }
    }
}

impl fmt::Display for OwnedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.call)
    }
}

impl AnyCall for OwnedCall {
    fn to_call(&self) -> Call {
        self.call.clone()
    }
}

/// A lock that only the process gives back that took it.
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnerMutex;

/// A lock that only the process gives back that took it, under a token that is greater than that of every earlier holder.
#[derive(Debug, Clone, Copy, Default)]
pub struct FencedLock;

/// The state of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Held {
    /// Who holds it.
    pub by: Option<u64>,
    /// The least token that the next holder may get. One whose acquire got no answer has some token from here on; the
    /// least of those forbids nothing that another would allow.
    pub next_token: u64,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.by {
            Some(process) => write!(f, "held by process {process}"),
            None => f.write_str("free"),
        }
    }
}

/// The owner's part, the same for both; `reply` is taken as an answer whatever its token.
fn step_owner(by: Option<u64>, call: &OwnedCall, reply: Option<&Reply>) -> Result<Option<u64>, String> {
    let (own, shown) = (by == Some(call.process), Held { by, next_token: 0 });
    match (&call.call, reply) {
        (Call::Acquire { .. }, Some(Reply::Acquired { .. })) if by.is_some() => {
            Err(format!("it took the lock, which is {shown}"))
        }
        (Call::Acquire { .. }, None | Some(Reply::Acquired { .. })) => Ok(by.or(Some(call.process))),
        (Call::Release { .. }, Some(Reply::Released { .. })) if !own => {
            Err(format!("process {} gave the lock back, which is {shown}", call.process))
        }
        (Call::Release { .. }, Some(Reply::NotHeld { .. })) if own => {
            Err(format!("process {} found that it does not hold the lock, which is {shown}", call.process))
        }
        (Call::Release { .. }, None | Some(Reply::Released { .. } | Reply::NotHeld { .. })) => {
            Ok(if own { None } else { by })
        }
        (call, Some(reply)) => Err(format!("`{reply}` is no answer to `{call}`")),
        // A call that no lock knows changes none.
        (_, None) => Ok(by),
    }
}

impl Model for OwnerMutex {
    type Call = OwnedCall;
    type Reply = Reply;
    /// Who holds it.
    type State = Option<u64>;

    fn name(&self) -> &'static str {
        "owner-mutex"
    }

    fn init(&self) -> Self::State {
        None
    }

    fn step(&self, by: &Self::State, call: &OwnedCall, reply: Option<&Reply>) -> Result<Self::State, String> {
        step_owner(*by, call, reply)
    }

    fn partition(&self, call: &OwnedCall) -> Key {
        call.call.key()
    }

    fn object(&self) -> Option<Object> {
        Some(Object::OwnedLock { fenced: false })
    }

    fn deed<'a>(&self, call: &'a OwnedCall, reply: Option<&'a Reply>) -> Option<Deed<'a>> {
        lock_deed(call.process, &call.call, reply)
    }

    fn show(&self, by: &Self::State) -> String {
        Held { by: *by, next_token: 0 }.to_string()
    }
}

impl Model for FencedLock {
    type Call = OwnedCall;
    type Reply = Reply;
    type State = Held;

    fn name(&self) -> &'static str {
        "fenced-lock"
    }

    fn init(&self) -> Held {
        Held::default()
    }

    fn step(&self, held: &Held, call: &OwnedCall, reply: Option<&Reply>) -> Result<Held, String> {
        let by = step_owner(held.by, call, reply)?;
        let next_token = match reply {
            Some(Reply::Acquired { token, .. }) if *token < held.next_token => {
                return Err(format!("it got the token {token}, but the next is {} or more", held.next_token));
            }
            Some(Reply::Acquired { token, .. }) => token.saturating_add(1),
            None if by.is_some() && held.by.is_none() => held.next_token.saturating_add(1),
            _ => held.next_token,
        };
        Ok(Held { by, next_token })
    }

    fn partition(&self, call: &OwnedCall) -> Key {
        call.call.key()
    }

    fn object(&self) -> Option<Object> {
        Some(Object::OwnedLock { fenced: true })
    }

    fn deed<'a>(&self, call: &'a OwnedCall, reply: Option<&'a Reply>) -> Option<Deed<'a>> {
        lock_deed(call.process, &call.call, reply)
    }

    fn show(&self, held: &Held) -> String {
        match held.next_token {
            0 => held.to_string(),
            next => format!("{held}, next token {next} or more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACQUIRE: Call = Call::Acquire { key: 0 };
    const RELEASE: Call = Call::Release { key: 0 };

    fn acquired(token: u64) -> Option<Reply> {
        Some(Reply::Acquired { token, until_ns: None })
    }

    #[test]
    fn a_lock_belongs_to_who_took_it() {
        let check = |by: Option<u64>, process, call: Call, reply: Option<Reply>, after: Option<Option<u64>>| {
            let call = OwnedCall { process, call };
            let told = format!("{call} by {process} -> {reply:?} at {by:?}");
            assert_eq!(OwnerMutex.step(&by, &call, reply.as_ref()).ok(), after, "{told}");
        };
        let released = || Some(Reply::Released { until_ns: None });
        let not_held = || Some(Reply::NotHeld { until_ns: None });
        check(None, 1, ACQUIRE, acquired(0), Some(Some(1)));
        check(Some(1), 1, ACQUIRE, acquired(0), None);
        check(Some(1), 2, ACQUIRE, None, Some(Some(1)));
        check(Some(1), 1, RELEASE, released(), Some(None));
        check(Some(1), 2, RELEASE, released(), None);
        check(Some(1), 2, RELEASE, None, Some(Some(1)));
        check(Some(1), 1, RELEASE, not_held(), None);
        check(Some(1), 2, RELEASE, not_held(), Some(Some(1)));
    }

    #[test]
    fn tokens_grow() {
        let check = |token, reply: Option<Reply>, after: Option<u64>| {
            let (held, call) = (Held { by: None, next_token: token }, OwnedCall { process: 1, call: ACQUIRE });
            let found = FencedLock.step(&held, &call, reply.as_ref()).ok();
            assert_eq!(found, after.map(|next_token| Held { by: Some(1), next_token }), "{reply:?} at {token}");
        };
        check(0, acquired(0), Some(1));
        check(5, acquired(5), Some(6));
        check(5, acquired(4), None);
        check(5, acquired(9), Some(10));
        check(5, None, Some(6));
    }
}
