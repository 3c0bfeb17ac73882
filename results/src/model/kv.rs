//! Texts under keys, to put, append and get: `kv`.

mod texts;

pub use texts::Texts;

use crate::call::{Call, Key, Reply};
use crate::model::{Deed, Model, Object};

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
        let mut after = state.clone();
        self.step_in_place(&mut after, call, reply)?;
        Ok(after)
    }

    fn step_in_place(&self, state: &mut Texts, call: &Call, reply: Option<&Reply>) -> Result<(), String> {
        match (call, reply) {
            (Call::Put { key, text }, None | Some(Reply::Written { .. })) => state.put(*key, text),
            (Call::Append { key, text }, None | Some(Reply::Written { .. } | Reply::Added { .. })) => {
                state.append(*key, text);
            }
            (Call::Get { key }, Some(Reply::Text { text })) if text != state.get(*key) => {
                return Err(format!("it got {text:?}, but the key holds {:?}", state.get(*key)));
            }
            (Call::Get { .. }, None | Some(Reply::Text { .. })) => {}
            (call, Some(reply)) => return Err(format!("`{reply}` is no answer to `{call}`")),
            // A call that no store of texts knows changes none.
            (_, None) => {}
        }
        Ok(())
    }

    fn partition(&self, call: &Call) -> Key {
        if self.whole { 0 } else { call.key() }
    }

    fn only_observes(&self, call: &Call) -> bool {
        call.kind().only_observes()
    }

    /// Texts under different keys know nothing of each other.
    fn commute(&self, (one, _): (&Call, Option<&Reply>), (other, _): (&Call, Option<&Reply>)) -> bool {
        one.key() != other.key() || self.only_observes(one) && self.only_observes(other)
    }

    fn object(&self) -> Option<Object> {
        (!self.whole).then_some(Object::Text)
    }

    fn deed<'a>(&self, call: &'a Call, reply: Option<&'a Reply>) -> Option<Deed<'a>> {
        match (call, reply) {
            (Call::Put { text, .. }, None | Some(Reply::Written { .. })) => Some(Deed::Put(text)),
            (Call::Append { text, .. }, None | Some(Reply::Written { .. } | Reply::Added { .. })) => {
                Some(Deed::Append(text))
            }
            (Call::Get { .. }, Some(Reply::Text { text })) => Some(Deed::Get(text)),
            _ => None,
        }
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
        let holding = |of: &str| {
            let mut state = Kv::default().init();
            state.put(1, of);
            state
        };
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
