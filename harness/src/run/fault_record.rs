//! What becomes of faults, on its way into the history and to the person.

use crate::clock::RunClock;
use crate::judge;
use crate::narrate::Narrator;
use crate::recorder::Recorder;
use crate::stop::{Reason, Stopper};
use crate::tally::Tally;
use squall_nemesis::conduct::Record;
use squall_results::Event;
use squall_results::event::FaultEvent;
use std::sync::Arc;

/// Takes the changes of faults into the history and to the person.
pub(super) struct FaultRecord {
    pub clock: RunClock,
    pub recorder: Recorder,
    pub tally: Arc<Tally>,
    pub narrator: Arc<Narrator>,
    pub stopper: Stopper,
}

impl Record for FaultRecord {
    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    fn record(&self, event: FaultEvent) {
        self.narrator.fault(&event);
        self.recorder.record(Event::Fault(event));
    }

    fn writes(&self) -> u64 {
        self.tally.writes()
    }

    fn ended(&self, fault: u32, told: String) {
        let name = format!("{} before fault {fault}", judge::ENDED_BY_THEMSELVES);
        self.recorder.record(Event::Facts([(name, told)].into()));
    }

    fn failed(&self, reason: String) {
        self.stopper.stop(Reason::Failure(reason));
    }
}
