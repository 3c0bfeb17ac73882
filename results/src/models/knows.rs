//! A history with calls that its model does not know is not judged: an answer to such a call would look wrong.

use super::ModelInfo;
use crate::call::{Call, Key};
use crate::checker::live::OperationsOf;
use crate::checker::online::{OnlineError, State};
use crate::checker::{Budget, Checker, Live};
use crate::event::Event;
use crate::history::History;
use crate::verdict::{Validity, Verdict};
use std::collections::BTreeMap;

/// The checker of a model, for histories of its calls.
pub(super) struct Knows {
    pub model: ModelInfo,
    pub checker: Box<dyn Checker>,
}

impl Checker for Knows {
    fn name(&self) -> &'static str {
        self.checker.name()
    }

    fn check(&self, history: &History, budget: &Budget) -> Verdict {
        let is_foreign = |operation: &&crate::Operation| {
            // What failed never happened, so it needs no model.
            !operation.outcome.is_fail() && !self.model.calls.contains(&operation.kind())
        };
        match history.operations.iter().find(is_foreign) {
            None => self.checker.check(history, budget),
            Some(foreign) => self.unknown(&foreign.call, foreign.id),
        }
    }

    fn live<'a>(&'a self, budget: &Budget) -> Option<Box<dyn Live + 'a>> {
        let judge = self.checker.live(budget)?;
        Some(Box::new(KnowsLive { knows: self, judge, open: BTreeMap::new(), foreign: None }))
    }
}

impl Knows {
    fn unknown(&self, call: &Call, op: u64) -> Verdict {
        let (validity, anomalies, figures) = (Validity::Unknown, Vec::new(), BTreeMap::new());
        Verdict { checker: self.name().into(), validity, reason: self.does_not_know(call, op), anomalies, figures }
    }

    fn does_not_know(&self, call: &Call, op: u64) -> String {
        let known: Vec<String> = self.model.calls.iter().map(ToString::to_string).collect();
        let (name, known) = (self.model.name, known.join(", "));
        format!("model {name} does not know `{call}`, operation {op}; it knows {known}")
    }
}

/// As [`Knows`], while events come.
struct KnowsLive<'a> {
    knows: &'a Knows,
    judge: Box<dyn Live + 'a>,
    /// The open calls that the model does not know.
    open: BTreeMap<u64, Call>,
    /// The first such call that may have happened.
    foreign: Option<(Call, u64)>,
}

impl Live for KnowsLive<'_> {
    fn push(&mut self, event: &Event) -> Result<(), OnlineError> {
        match event {
            Event::Invoke(invoke) if !self.knows.model.calls.contains(&invoke.call.kind()) => {
                self.open.insert(invoke.op, invoke.call.clone());
                Ok(())
            }
            Event::Return(ret) if self.open.contains_key(&ret.op) => {
                let foreign = self.open.remove(&ret.op).filter(|_| !ret.outcome.is_fail());
                self.foreign = self.foreign.take().or_else(|| Some((foreign?, ret.op)));
                Ok(())
            }
            event => self.judge.push(event),
        }
    }

    fn state(&mut self) -> State {
        match &self.foreign {
            None => self.judge.state(),
            Some((call, op)) => State::Unknown { key: call.key(), why: self.knows.does_not_know(call, *op) },
        }
    }

    fn retire(&mut self, key: Key) {
        self.judge.retire(key);
    }

    fn held_bytes(&self) -> usize {
        self.judge.held_bytes()
    }

    fn finish(self: Box<Self>, operations_of: OperationsOf<'_>) -> Verdict {
        let KnowsLive { knows, judge, mut open, foreign } = *self;
        match foreign.or_else(|| open.pop_first().map(|(op, call)| (call, op))) {
            None => judge.finish(operations_of),
            Some((call, op)) => knows.unknown(&call, op),
        }
    }
}
