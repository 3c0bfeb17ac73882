//! Drives the interpreter: tokio tasks are the workers, a clock tells the time, a recorder takes the events.

use crate::clock::RunClock;
use crate::interpreter::{Dispatch, Interpreter, SessionEnd, Step};
use crate::recorder::Recorder;
use crate::stop::Stop;
use crate::tally::Tally;
use crate::traffic::Traffic;
use squall_results::event::{Invoke, Return};
use squall_results::{Event, Outcome};
use squall_targets::client::{Client, Completion, Session};
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Makes clients: the one thing that differs between a real target and one in a test.
pub trait Clients: Send + Sync {
    /// A new client for the node with this number, which serves this process.
    fn client(&self, node: usize, process: u64) -> Box<dyn Client>;
}

/// Everything that workers share.
#[derive(Clone)]
pub struct Workplace {
    /// Stamps.
    pub clock: RunClock,
    /// Takes the events.
    pub recorder: Recorder,
    /// Counts for the live line.
    pub tally: Arc<Tally>,
    /// The nodes, and the calls to each.
    pub traffic: Arc<Traffic>,
    /// Makes clients.
    pub clients: Arc<dyn Clients>,
}

struct Ended {
    worker: usize,
    outcome: Outcome,
    session: Session,
}

/// The workers. Dropping the crew ends them.
pub struct Crew {
    place: Workplace,
    jobs: Vec<mpsc::UnboundedSender<Dispatch>>,
    ended: mpsc::UnboundedReceiver<Ended>,
    tasks: JoinSet<()>,
}

/// A worker panicked: its call will never return, and nobody could go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a worker of squall panicked in the middle of a call; please report this with what it said")]
pub struct WorkerPanicked;

impl Crew {
    /// Starts `workers` workers on the current runtime.
    pub fn hire(workers: usize, place: Workplace) -> Crew {
        let (report, ended) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        let jobs = (0..workers).map(|_| {
            let (jobs, queue) = mpsc::unbounded_channel();
            tasks.spawn(work(queue, report.clone(), place.clone()));
            jobs
        });
        Crew { jobs: jobs.collect(), place, ended, tasks }
    }

    /// Drives `interpreter` until its generator has ended, or `stop` asks for an end; then no further call is made, but
    /// the open ones are waited for.
    ///
    /// # Errors
    /// When a worker panicked.
    pub async fn drive(&mut self, interpreter: &mut Interpreter, stop: &mut Stop) -> Result<(), WorkerPanicked> {
        let mut batch = Vec::new();
        loop {
            if stop.requested() {
                interpreter.stop();
            }
            let wait = match self.dispatch(interpreter) {
                Step::Wait(until_ns) => until_ns,
                Step::Done | Step::Dispatch(_) => return Ok(()),
            };
            let alarm = async {
                match wait {
                    Some(at_ns) => tokio::time::sleep_until(self.place.clock.instant(at_ns).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                // Its queue is open as long as the crew lives, so a worker never ends in order.
                Some(_) = self.tasks.join_next() => return Err(WorkerPanicked),
                _ = self.ended.recv_many(&mut batch, 1024) => self.complete(interpreter, &mut batch),
                () = stop.wait() => {}
                () = self.place.traffic.changed() => {}
                () = alarm => {}
            }
        }
    }

    /// Hands out calls until there is none to hand out now.
    fn dispatch(&self, interpreter: &mut Interpreter) -> Step {
        let traffic = &self.place.traffic;
        loop {
            interpreter.hold_back(traffic.held_back());
            match interpreter.poll(self.place.clock.now_ns()) {
                Step::Dispatch(dispatch) => {
                    traffic.begin(dispatch.node);
                    // A worker only ends with its crew, so its queue is open.
                    drop(self.jobs[dispatch.worker].send(dispatch));
                }
                step => {
                    traffic.waits(&interpreter.waiting());
                    return step;
                }
            }
        }
    }

    fn complete(&self, interpreter: &mut Interpreter, batch: &mut Vec<Ended>) {
        let now_ns = self.place.clock.now_ns();
        for Ended { worker, outcome, session } in batch.drain(..) {
            let session = match session {
                Session::Kept => SessionEnd::Kept,
                Session::Lost => SessionEnd::Lost,
                Session::Refused => SessionEnd::Refused,
            };
            interpreter.completed(now_ns, worker, &outcome, session);
        }
    }
}

/// One worker: makes the calls that it is given, one at a time. A client serves one process only.
async fn work(mut jobs: mpsc::UnboundedReceiver<Dispatch>, report: mpsc::UnboundedSender<Ended>, place: Workplace) {
    let mut client: Option<(u64, Box<dyn Client>)> = None;
    while let Some(job) = jobs.recv().await {
        let (_, session) = match &mut client {
            Some((process, _)) if *process == job.process => client.as_mut().expect("it was just seen"),
            _ => client.insert((job.process, place.clients.client(job.node, job.process))),
        };
        let Dispatch { op, worker, process, node, due_ns, call } = job;
        session.ready().await;
        place.tally.invoked();
        let at_ns = place.clock.now_ns();
        let name = place.traffic.name(node).to_owned();
        place.recorder.record(Event::Invoke(Invoke { at_ns, due_ns, op, process, node: name, call: call.clone() }));
        let Completion { outcome, session } = session.call(&call).await;
        let at_ns = place.clock.now_ns();
        place.traffic.end(node, &call, &outcome);
        place.recorder.record(Event::Return(Return { at_ns, op, outcome: outcome.clone() }));
        place.tally.returned(&outcome, at_ns);
        if session != Session::Kept || outcome.is_unknown() {
            client = None;
        }
        if report.send(Ended { worker, outcome, session }).is_err() {
            return;
        }
    }
}
