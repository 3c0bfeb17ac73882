//! Texts under keys, to put, append and get: `kv`.

mod texts;

pub use texts::Texts;

use crate::call::{Call, Key, Reply};
use crate::model::Model;

/// A store of texts; what was never put is the empty text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kv {
    /// Whether the whole store is judged as one object, and not key by key. The answer is the same (linearizability is
    /// local), it only takes longer.
    pub whole: bool,
}

impl Model for Kv {
    type Call = Call;
    type Reply = Reply;
    type State = Texts;

    fn name(&self) -> &'static str {
        "kv"
    }

    fn init(&self) -> Texts {
        Texts::default()
    }

    fn step(&self, state: &Texts, call: &Call, reply: Option<&Reply>) -> Result<Texts, String> {
        match (call, reply) {
            (Call::Put { key, text }, None | Some(Reply::Written { .. })) => Ok(state.with(*key, text.as_str().into())),
            (Call::Append { key, text }, None | Some(Reply::Written { .. } | Reply::Added { .. })) => {
                Ok(state.with(*key, [state.get(*key), text].concat().into()))
            }
            (Call::Get { key }, Some(Reply::Text { text })) if text != state.get(*key) => {
                Err(format!("it got {text:?}, but the key holds {:?}", state.get(*key)))
            }
            (Call::Get { .. }, None | Some(Reply::Text { .. })) => Ok(state.clone()),
            (call, Some(reply)) => Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no store of texts knows changes none.
            (_, None) => Ok(state.clone()),
        }
    }

    fn partition(&self, call: &Call) -> Key {
        if self.whole { 0 } else { call.key() }
    }

    fn only_observes(&self, call: &Call) -> bool {
        call.kind().only_observes()
    }

    fn show(&self, state: &Texts) -> String {
        state.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_put_appended_and_got() {
        let text = |text: &str| text.to_owned();
        let (put, append) = (Call::Put { key: 1, text: text("b") }, Call::Append { key: 1, text: text("c") });
        let got = |of: &str| Some(Reply::Text { text: text(of) });
        let done = Some(Reply::Written { version: None });
        let holding = |of: &str| Kv::default().init().with(1, of.into());
        let check = |state: &Texts, call: &Call, reply: Option<Reply>, after: Option<Texts>| {
            assert_eq!(Kv::default().step(state, call, reply.as_ref()).ok(), after, "{call} -> {reply:?} at {state}");
        };
        check(&holding("a"), &put, done.clone(), Some(holding("b")));
        check(&holding("a"), &append, done.clone(), Some(holding("ac")));
        check(&holding("a"), &append, None, Some(holding("ac")));
        check(&Texts::default(), &append, done, Some(holding("c")));
        check(&holding("a"), &Call::Get { key: 1 }, got("a"), Some(holding("a")));
        check(&holding("a"), &Call::Get { key: 1 }, got(""), None);
        check(&holding("a"), &Call::Get { key: 2 }, got(""), Some(holding("a")));
        check(&holding("a"), &Call::Get { key: 2 }, got("a"), None);
        check(&holding("a"), &put, got("a"), None);
    }
}
