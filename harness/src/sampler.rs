//! Looks at the nodes while clients work: who leads in whose opinion, who is silent, and whether every node is still there.
//!
//! Its samples are for the report and the live line; no checker rests on them.

use crate::clock::RunClock;
use crate::narrate::Narrator;
use crate::recorder::Recorder;
use crate::stop::{Reason, Stopper};
use squall_results::Event;
use squall_results::event::{Measured, Sample};
use squall_targets::deployment::{DeployError, Deployment};
use squall_targets::remote::RemoteError;
use std::sync::Arc;
use std::time::Duration;

/// How often every node is asked who leads.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);

/// Asks every node who leads, over and over, and records what has changed.
pub struct Sampler {
    /// Whose nodes are asked.
    pub deployment: Arc<Deployment>,
    /// Stamps.
    pub clock: RunClock,
    /// Takes the samples.
    pub recorder: Recorder,
    /// Is told who leads.
    pub narrator: Arc<Narrator>,
    /// Is told when a node is gone.
    pub stopper: Stopper,
}

impl Sampler {
    /// Goes on until the future is dropped.
    pub async fn go(self) {
        let founders = self.deployment.nodes().len();
        let mut before: Vec<Option<Measured>> = vec![None; self.deployment.all().len()];
        loop {
            let statuses = self.deployment.statuses().await;
            let at_ns = self.clock.now_ns();
            let newest = statuses.iter().flatten().max_by_key(|status| status.term);
            self.narrator.leader(newest.and_then(|status| status.leader.clone()));
            let all = self.deployment.all().iter().zip(&statuses).zip(&mut before);
            for (place, ((node, status), before)) in all.enumerate() {
                // A spare that has not joined is silent, and that is nothing to tell of.
                if place >= founders && !self.deployment.takes_part(&node.name) {
                    *before = None;
                    continue;
                }
                let measured = match status {
                    Ok(status) => Measured::Leader { leader: status.leader.clone(), term: status.term },
                    Err(_) => self.silent(&node.name).await,
                };
                if before.as_ref() != Some(&measured) {
                    let node = node.name.clone();
                    self.recorder.record(Event::Sample(Sample { at_ns, node, measured: measured.clone() }));
                    *before = Some(measured);
                }
            }
            tokio::time::sleep(SAMPLE_EVERY).await;
        }
    }

    /// A server may be silent. When its whole node is gone, that is squall's loss and none of the plan's faults.
    async fn silent(&self, node: &str) -> Measured {
        if let Err(error @ DeployError::Remote(RemoteError::Lost { .. })) = self.deployment.state(node).await {
            self.stopper.stop(Reason::Failure(error.to_string()));
        }
        Measured::Silent
    }
}
