//! The history of a run: operations, faults, samples and phases, put together from [`Event`]s.

use crate::call::{Call, CallKind, Reply};
use crate::event::{End, Ending, Event, FaultChange, FaultEvent, Measured, Phase, PhaseName, Sample, Start};
use crate::model::{AnyCall, AnyReply};
use crate::outcome::Outcome;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// One call of one process, from invocation to return. Calls and replies are squall's own, unless a library's user has
/// a [`Model`](crate::Model) with others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation<C = Call, R = Reply> {
    /// Its number, unique in the run; numbers may have gaps.
    pub id: u64,
    /// The process (session) that called.
    pub process: u64,
    /// The node that its client was connected to.
    pub node: String,
    /// What was asked.
    pub call: C,
    /// When the schedule wanted it to start, in nanoseconds since the start of the run.
    pub due_ns: u64,
    /// When it was called.
    pub invoked_ns: u64,
    /// When it returned; `None`: never, or nobody recorded it.
    pub returned_ns: Option<u64>,
    /// How it ended. Without a return: [`Outcome::Unknown`].
    pub outcome: Outcome<R>,
}

impl Operation {
    /// The kind of its call.
    pub fn kind(&self) -> CallKind {
        self.call.kind()
    }
}

impl<C, R> Operation<C, R> {
    /// The reply, if the target answered.
    pub fn reply(&self) -> Option<&R> {
        self.outcome.reply()
    }

    /// The operation in squall's own words, whatever its calls and replies are.
    pub fn recorded(&self) -> Operation
    where
        C: AnyCall,
        R: AnyReply,
    {
        Operation {
            id: self.id,
            process: self.process,
            node: self.node.clone(),
            call: self.call.to_call(),
            due_ns: self.due_ns,
            invoked_ns: self.invoked_ns,
            returned_ns: self.returned_ns,
            outcome: self.outcome.recorded(),
        }
    }

    /// The last instant at which it can have taken effect: its return if it was answered, else never ends.
    pub fn effect_until_ns(&self) -> u64 {
        match (&self.outcome, self.returned_ns) {
            (Outcome::Ok(_), Some(at)) => at,
            _ => u64::MAX,
        }
    }
}

/// The life of one fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultSpan {
    /// Its number, unique in the run.
    pub id: u32,
    /// The family: `partition`, `kill`, `pause`.
    pub family: String,
    /// What it did, for people.
    pub what: String,
    /// How its nodes were chosen.
    pub selector: String,
    /// The nodes that it hit.
    pub nodes: Vec<String>,
    /// The links that a partition cut, `n1>n2` each; older records have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// When the injection began.
    pub injected_ns: u64,
    /// When it was measured to be in force, and what showed it.
    pub in_force: Option<(u64, String)>,
    /// When the healing began.
    pub heal_ns: Option<u64>,
    /// When it was measured to be gone, and what showed it.
    pub healed: Option<(u64, String)>,
    /// Why it was not in force, or not healed.
    pub problem: Option<String>,
}

impl FaultSpan {
    /// When it was over: measured, or at least begun to be healed, or `end_ns`.
    pub fn until_ns(&self, end_ns: u64) -> u64 {
        self.healed.as_ref().map(|(at, _)| *at).or(self.heal_ns).unwrap_or(end_ns)
    }
}

/// Everything that was recorded of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// What was run; histories from elsewhere have none.
    pub start: Option<Start>,
    /// Facts about the surroundings, as name and value.
    pub facts: BTreeMap<String, String>,
    /// All operations, by invocation.
    pub operations: Vec<Operation>,
    /// All faults, by injection.
    pub faults: Vec<FaultSpan>,
    /// All samples, in the order of recording.
    pub samples: Vec<Sample>,
    /// The phases, in order.
    pub phases: Vec<Phase>,
    /// How the run ended; `None`: it was cut short.
    pub end: Option<End>,
    /// What a reader should know about the state of the record: a cut last line, a run that never ended.
    pub notes: Vec<String>,
}

/// Events that do not make a history. Each names the operation or fault at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HistoryError {
    /// Two invocations have the same number.
    #[error("operation {0} is invoked twice; operations must have numbers of their own")]
    InvokedTwice(u64),
    /// A return without an invocation.
    #[error("operation {0} returns, but was never invoked before")]
    NotInvoked(u64),
    /// Two returns for one operation.
    #[error("operation {0} returns twice")]
    ReturnedTwice(u64),
    /// A return earlier than its invocation.
    #[error("operation {op} returns at {returned_ns} ns, before its invocation at {invoked_ns} ns")]
    ReturnedEarly {
        /// The operation.
        op: u64,
        /// Its invocation.
        invoked_ns: u64,
        /// Its return.
        returned_ns: u64,
    },
    /// A process called while its last call was still open.
    #[error(
        "process {process} invokes operation {second} while its operation {first} is still open; a process does one thing at a time"
    )]
    ProcessBusy {
        /// The process.
        process: u64,
        /// The operation that is open.
        first: u64,
        /// The operation that was invoked.
        second: u64,
    },
    /// A process called again after an operation with an unknown outcome.
    #[error(
        "process {process} invokes operation {op} after an operation of unknown outcome; such a process must retire"
    )]
    ProcessRetired {
        /// The process.
        process: u64,
        /// The operation that was invoked.
        op: u64,
    },
    /// Two beginnings.
    #[error("the history begins twice; is it two histories in one file?")]
    StartedTwice,
    /// A fault is injected a second time.
    #[error("fault {0} is injected twice; faults must have numbers of their own")]
    InjectedTwice(u32),
    /// A change of a fault that was never injected.
    #[error("fault {0} changes, but was never injected before")]
    NotInjected(u32),
    /// An instant that no run lasts to.
    #[error("an instant of {0} ns is later than any run lasts; instants count from the start of the run")]
    TooLate(u64),
    /// The form of the file is newer than this build.
    #[error("the history has form {found}, this build reads up to {known}; use a newer squall")]
    TooNew {
        /// The form of the file.
        found: u32,
        /// The newest form that this build reads.
        known: u32,
    },
}

/// The fact of a history whose instants are no times.
pub const UNTIMED: &str = "instants";

/// The latest instant that a history may hold: some 230 days. Who draws or counts may rely on it.
pub const INSTANT_NS_MAX: u64 = 20_000_000_000_000_000;

/// Puts events together; accepts any prefix of a run.
#[derive(Debug, Clone, Default)]
pub struct HistoryBuilder {
    history: History,
    position_of_op: FxHashMap<u64, usize>,
    /// What each process did last: the operation, and whether it is open or retired the process.
    last_of_process: FxHashMap<u64, (u64, ProcessState)>,
    position_of_fault: FxHashMap<u32, usize>,
    returned: Vec<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProcessState {
    Idle,
    Open,
    Retired,
}

impl HistoryBuilder {
    /// Takes the next event.
    pub fn push(&mut self, event: Event) -> Result<(), HistoryError> {
        if let Some(at_ns) = event.latest_ns().filter(|at_ns| *at_ns > INSTANT_NS_MAX) {
            return Err(HistoryError::TooLate(at_ns));
        }
        match event {
            Event::Start(start) if start.format > crate::event::FORMAT => {
                Err(HistoryError::TooNew { found: start.format, known: crate::event::FORMAT })
            }
            Event::Start(_) if self.history.start.is_some() => Err(HistoryError::StartedTwice),
            Event::Start(start) => {
                self.history.start = Some(start);
                Ok(())
            }
            Event::Facts(facts) => {
                self.history.facts.extend(facts);
                Ok(())
            }
            Event::Invoke(invoke) => self.invoke(invoke),
            Event::Return(ret) => self.ret(ret),
            Event::Fault(fault) => self.fault(fault),
            Event::Sample(sample) => {
                self.history.samples.push(sample);
                Ok(())
            }
            Event::Phase(phase) => {
                self.history.phases.push(phase);
                Ok(())
            }
            Event::End(end) => {
                self.history.end = Some(end);
                Ok(())
            }
        }
    }

    fn invoke(&mut self, invoke: crate::event::Invoke) -> Result<(), HistoryError> {
        match self.last_of_process.get(&invoke.process) {
            Some((first, ProcessState::Open)) => {
                return Err(HistoryError::ProcessBusy { process: invoke.process, first: *first, second: invoke.op });
            }
            Some((_, ProcessState::Retired)) => {
                return Err(HistoryError::ProcessRetired { process: invoke.process, op: invoke.op });
            }
            Some((_, ProcessState::Idle)) | None => {}
        }
        if self.position_of_op.insert(invoke.op, self.history.operations.len()).is_some() {
            return Err(HistoryError::InvokedTwice(invoke.op));
        }
        self.last_of_process.insert(invoke.process, (invoke.op, ProcessState::Open));
        self.returned.push(false);
        self.history.operations.push(Operation {
            id: invoke.op,
            process: invoke.process,
            node: invoke.node,
            call: invoke.call,
            due_ns: invoke.due_ns,
            invoked_ns: invoke.at_ns,
            returned_ns: None,
            outcome: Outcome::Unknown("no return was recorded".into()),
        });
        Ok(())
    }

    fn ret(&mut self, ret: crate::event::Return) -> Result<(), HistoryError> {
        let position = *self.position_of_op.get(&ret.op).ok_or(HistoryError::NotInvoked(ret.op))?;
        if std::mem::replace(&mut self.returned[position], true) {
            return Err(HistoryError::ReturnedTwice(ret.op));
        }
        let operation = &mut self.history.operations[position];
        if ret.at_ns < operation.invoked_ns {
            let (invoked_ns, returned_ns) = (operation.invoked_ns, ret.at_ns);
            return Err(HistoryError::ReturnedEarly { op: ret.op, invoked_ns, returned_ns });
        }
        let state = if ret.outcome.is_unknown() { ProcessState::Retired } else { ProcessState::Idle };
        self.last_of_process.insert(operation.process, (ret.op, state));
        operation.returned_ns = Some(ret.at_ns);
        operation.outcome = ret.outcome;
        Ok(())
    }

    fn fault(&mut self, event: FaultEvent) -> Result<(), HistoryError> {
        if let FaultChange::Inject { family, what, selector, nodes, links } = event.change {
            if self.position_of_fault.insert(event.fault, self.history.faults.len()).is_some() {
                return Err(HistoryError::InjectedTwice(event.fault));
            }
            self.history.faults.push(FaultSpan {
                id: event.fault,
                family,
                what,
                selector,
                nodes,
                links,
                injected_ns: event.at_ns,
                in_force: None,
                heal_ns: None,
                healed: None,
                problem: None,
            });
            return Ok(());
        }
        let position = *self.position_of_fault.get(&event.fault).ok_or(HistoryError::NotInjected(event.fault))?;
        let span = &mut self.history.faults[position];
        match event.change {
            FaultChange::Inject { .. } => {}
            FaultChange::InForce { evidence } => span.in_force = Some((event.at_ns, evidence)),
            FaultChange::Heal => span.heal_ns = Some(event.at_ns),
            FaultChange::Healed { evidence } => span.healed = Some((event.at_ns, evidence)),
            FaultChange::NotInForce { reason } | FaultChange::NotHealed { reason } => match &mut span.problem {
                // What went wrong first is the cause of the rest as a rule.
                Some(problem) if *problem != reason => *problem = format!("{problem}; then: {reason}"),
                Some(_) => {}
                problem @ None => *problem = Some(reason),
            },
        }
        Ok(())
    }

    /// The history of all events so far.
    pub fn finish(mut self) -> History {
        self.history.operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
        self.history
    }
}

impl History {
    /// Puts events together.
    pub fn from_events(events: impl IntoIterator<Item = Event>) -> Result<History, HistoryError> {
        let mut builder = HistoryBuilder::default();
        events.into_iter().try_for_each(|event| builder.push(event))?;
        Ok(builder.finish())
    }

    /// Whether it tells of a storm: a run of squall, or faults at least.
    pub fn is_storm(&self) -> bool {
        self.start.is_some() || !self.faults.is_empty()
    }

    /// Whether its instants are times. Of a history without times they only say what came before what.
    pub fn is_timed(&self) -> bool {
        !self.facts.contains_key(UNTIMED)
    }

    /// What a reader should know of a run that did not go through all phases.
    pub(crate) fn ending_note(&self) -> Option<String> {
        match self.end.as_ref().map(|end| &end.how) {
            None => Some("the run was cut short: operations without a return count as unknown".into()),
            Some(Ending::Interrupted) => Some("somebody stopped the run before it was complete".into()),
            Some(Ending::FirstViolation) => Some("the run ended with the first violation, as it was to".into()),
            Some(Ending::Failed(reason)) => Some(format!("squall itself failed: {reason}")),
            Some(Ending::Completed) => None,
        }
    }

    /// The last instant that was recorded.
    pub fn end_ns(&self) -> u64 {
        let operations = self.operations.iter().map(|operation| operation.returned_ns.unwrap_or(operation.invoked_ns));
        let faults =
            self.faults.iter().flat_map(|fault| [Some(fault.injected_ns), fault.heal_ns].into_iter().flatten());
        let rest = self.samples.iter().map(|sample| sample.at_ns).chain(self.end.iter().map(|end| end.at_ns));
        operations.chain(faults).chain(rest).max().unwrap_or(0)
    }

    /// When a phase began.
    pub fn phase_ns(&self, name: PhaseName) -> Option<u64> {
        self.phases.iter().find(|phase| phase.name == name).map(|phase| phase.at_ns)
    }

    /// The changes of leadership that the samples show: when, to whom, in which term. Only growing terms count, since a
    /// node that was cut off goes on believing what was true before.
    pub fn leader_changes(&self) -> Vec<(u64, String, u64)> {
        let mut changes: Vec<(u64, String, u64)> = Vec::new();
        for sample in &self.samples {
            let Measured::Leader { leader: Some(leader), term } = &sample.measured else { continue };
            if changes.last().is_none_or(|(_, _, last)| term > last) {
                changes.push((sample.at_ns, leader.clone(), *term));
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(changes: Vec<FaultChange>) -> Option<String> {
        let (family, what, selector) = ("kill".into(), "kill n1".into(), "one".into());
        let inject = FaultChange::Inject { family, what, selector, nodes: vec!["n1".into()], links: Vec::new() };
        let changes = std::iter::once(inject).chain(changes);
        let events = changes.map(|change| Event::Fault(FaultEvent { at_ns: 1, fault: 0, change }));
        History::from_events(events).unwrap().faults.remove(0).problem
    }

    #[test]
    fn a_fault_tells_all_that_went_wrong_with_it_the_first_thing_first() {
        let not_in_force = || FaultChange::NotInForce { reason: "cannot stop n1".into() };
        let not_healed = |reason: &str| FaultChange::NotHealed { reason: reason.into() };
        assert_eq!(problem(vec![FaultChange::Heal]), None);
        assert_eq!(problem(vec![not_in_force()]).unwrap(), "cannot stop n1");
        let both = problem(vec![not_in_force(), not_healed("n1 is gone")]);
        assert_eq!(both.unwrap(), "cannot stop n1; then: n1 is gone");
        assert_eq!(problem(vec![not_in_force(), not_healed("cannot stop n1")]).unwrap(), "cannot stop n1");
    }
}
