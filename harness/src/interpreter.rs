//! The run loop without its clock and its IO: generators, worker slots, retirement of processes.
//!
//! The driver asks [`Interpreter::poll`] what to do at a time and tells by [`Interpreter::completed`] what came back.
//! Nothing in here waits, sends or reads a clock, so that tests run it as data.

use squall_results::call::Key;
use squall_results::{Call, Outcome};
use squall_workloads::{Context, FreeWorker, Generator, Happened, Next};
use std::collections::BTreeSet;

/// How long a worker rests after a refused connection: a dead node must not flood the history.
pub const REFUSED_REST_NS: u64 = 200_000_000;

/// A call that a worker shall make now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The number of the operation.
    pub op: u64,
    /// The worker.
    pub worker: usize,
    /// The process.
    pub process: u64,
    /// The number of the worker's node.
    pub node: usize,
    /// When the schedule wanted the call.
    pub due_ns: u64,
    /// What to ask.
    pub call: Call,
}

/// What to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Let a worker make a call, then ask again.
    Dispatch(Dispatch),
    /// Nothing. Ask again at this time, and after every completion.
    Wait(Option<u64>),
    /// The generator has ended, and all calls have returned.
    Done,
}

/// What became of a worker's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// It goes on.
    Kept,
    /// It is lost; the process retires.
    Lost,
    /// It never came to be; the process retires and the worker rests.
    Refused,
}

#[derive(Debug)]
struct Slot {
    process: u64,
    /// The call that is open.
    open: Option<Call>,
    /// Whether the session of the process is open, as a call that returned has shown.
    has_session: bool,
}

/// Generators, worker slots and processes.
pub struct Interpreter {
    generator: Box<dyn Generator>,
    nodes: usize,
    slots: Vec<Slot>,
    /// The free workers, by number.
    free: Vec<FreeWorker>,
    /// The resting workers, with the time at which they are free again.
    resting: Vec<(u64, usize)>,
    /// The nodes whose workers get no call.
    held_back: BTreeSet<usize>,
    /// The workers of such nodes that would be free.
    waiting: Vec<usize>,
    open: usize,
    unused_op: u64,
    unused_process: u64,
    keys: BTreeSet<Key>,
    stopped: bool,
}

impl Interpreter {
    /// `workers` workers, spread over `nodes` nodes in turn.
    pub fn new(generator: Box<dyn Generator>, workers: usize, nodes: usize) -> Interpreter {
        let slots =
            (0..workers).map(|worker| Slot { process: worker as u64, open: None, has_session: false }).collect();
        let mut interpreter = Interpreter {
            generator,
            nodes,
            slots,
            free: Vec::new(),
            resting: Vec::new(),
            held_back: BTreeSet::new(),
            waiting: Vec::new(),
            open: 0,
            unused_op: 0,
            unused_process: workers as u64,
            keys: BTreeSet::new(),
            stopped: false,
        };
        (0..workers).for_each(|worker| interpreter.release(worker));
        interpreter
    }

    /// Goes on with another generator, once the last one is done.
    ///
    /// # Panics
    /// If calls are still open.
    pub fn go_on_with(&mut self, generator: Box<dyn Generator>) {
        assert_eq!(self.open, 0, "a generator must not be replaced while calls are open");
        self.generator = generator;
        self.stopped = false;
    }

    /// Every worker goes on as a new process: its session is one of another kind.
    ///
    /// # Panics
    /// If calls are still open.
    pub fn renew_processes(&mut self) {
        assert_eq!(self.open, 0, "a process must not end while its call is open");
        for slot in &mut self.slots {
            slot.process = self.unused_process;
            slot.has_session = false;
            self.unused_process += 1;
        }
        for free in &mut self.free {
            free.process = self.slots[free.worker].process;
        }
    }

    /// Makes no further call; the open ones may still return.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// From now on the workers of these nodes get no call, and those of all others do.
    pub fn hold_back(&mut self, nodes: BTreeSet<usize>) {
        if nodes == self.held_back {
            return;
        }
        self.held_back = nodes;
        let free = std::mem::take(&mut self.free).into_iter().map(|free| free.worker);
        let all: Vec<usize> = free.chain(std::mem::take(&mut self.waiting)).collect();
        all.into_iter().for_each(|worker| self.release(worker));
    }

    /// How many workers of each node have a session that is open and get no call.
    pub fn waiting(&self) -> Vec<usize> {
        let mut count = vec![0; self.nodes];
        let with_session = self.waiting.iter().filter(|worker| self.slots[**worker].has_session);
        with_session.for_each(|worker| count[worker % self.nodes] += 1);
        count
    }

    /// All keys that were called.
    pub fn keys(&self) -> impl Iterator<Item = Key> {
        self.keys.iter().copied()
    }

    /// The number of calls that are open.
    pub fn open(&self) -> usize {
        self.open
    }

    /// What to do at `now_ns`.
    ///
    /// # Panics
    /// If the generator uses a worker that is not free.
    pub fn poll(&mut self, now_ns: u64) -> Step {
        self.wake(now_ns);
        let next = if self.stopped { Next::Done } else { self.generator.next(&Context { now_ns, free: &self.free }) };
        match next {
            Next::Invoke(invocation) => {
                let position = self.free.binary_search_by_key(&invocation.worker, |free| free.worker);
                let free = self.free.remove(position.expect("a generator must only use free workers"));
                let FreeWorker { worker, process, node } = free;
                self.generator.update(&Happened::Invoked { worker, process, call: &invocation.call });
                self.slots[worker].open = Some(invocation.call.clone());
                self.keys.extend(invocation.call.keys());
                self.open += 1;
                let op = self.unused_op;
                self.unused_op += 1;
                let due_ns = invocation.due_ns.min(now_ns);
                Step::Dispatch(Dispatch { op, worker, process, node, due_ns, call: invocation.call })
            }
            Next::Wait(until) => {
                let rested = self.resting.iter().map(|(until_ns, _)| *until_ns).min();
                Step::Wait(until.into_iter().chain(rested).min())
            }
            Next::Done if self.open > 0 => Step::Wait(None),
            Next::Done => Step::Done,
        }
    }

    /// The call of `worker` has ended. A process retires after an unknown outcome and with its session.
    ///
    /// # Panics
    /// If the worker has no open call.
    pub fn completed(&mut self, now_ns: u64, worker: usize, outcome: &Outcome, session: SessionEnd) {
        let slot = &mut self.slots[worker];
        let call = slot.open.take().expect("only an open call can end");
        let process = slot.process;
        self.open -= 1;
        slot.has_session = !outcome.is_unknown() && session == SessionEnd::Kept;
        if !slot.has_session {
            slot.process = self.unused_process;
            self.unused_process += 1;
        }
        self.generator.update(&Happened::Returned { worker, process, call: &call, outcome });
        match session {
            SessionEnd::Refused => self.resting.push((now_ns + REFUSED_REST_NS, worker)),
            SessionEnd::Kept | SessionEnd::Lost => self.release(worker),
        }
    }

    fn wake(&mut self, now_ns: u64) {
        while let Some(position) = self.resting.iter().position(|(until_ns, _)| *until_ns <= now_ns) {
            let (_, worker) = self.resting.swap_remove(position);
            self.release(worker);
        }
    }

    fn release(&mut self, worker: usize) {
        if self.held_back.contains(&(worker % self.nodes)) {
            return self.waiting.push(worker);
        }
        let free = FreeWorker { worker, process: self.slots[worker].process, node: worker % self.nodes };
        let place = self.free.partition_point(|free| free.worker < worker);
        self.free.insert(place, free);
    }
}
