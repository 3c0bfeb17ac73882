//! The agent's loop: one thread waits for the controller, for children, for probes and for the time, in one poll.

use super::children::{self, Change, Daemons};
use super::command::Running;
use super::disk::Disk;
use super::probes::{Probes, Purpose};
use super::protocol::{self, Answer, Ask, Message, Request, Trouble, Unframer};
use crate::clock::Clocks;
use crate::disk::DiskAsk;
use crate::local::netlink::{Netlink, NetlinkError};
use crate::remote::{Awaited, ProcessState};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signalfd::SignalFd;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a wait may be at most; more would overflow the clock, and nobody lives to see it.
const WAIT_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// Everything the agent holds.
struct Agent {
    reading: OwnedFd,
    writing: OwnedFd,
    unframer: Unframer,
    outgoing: Vec<u8>,
    signals: SignalFd,
    probes: Probes,
    daemons: Daemons,
    clocks: Clocks,
    running: Vec<Running>,
    waiting: Vec<Waiting>,
    disk: Option<Disk>,
    /// The link on which the other nodes are reached.
    link: String,
    /// For how long it goes on without hearing anything; none: for ever.
    patience: Option<Duration>,
    /// When it last heard something.
    heard: Instant,
}

/// A request that is answered when something comes true.
struct Waiting {
    id: u64,
    what: Condition,
    deadline: Instant,
}

#[derive(Clone, Copy)]
enum Condition {
    State { pid: u32, wanted: Awaited },
    Probe { probe: u64, expected: u32 },
    RoundTrips { probe: u64, expected: u32 },
}

/// Greets, then serves until the input ends or nothing was heard for as long as `patience`; at last ends what it has started.
pub(crate) fn serve(
    reading: OwnedFd,
    writing: OwnedFd,
    notices: Vec<String>,
    link: String,
    patience: Option<Duration>,
) -> io::Result<()> {
    for end in [&reading, &writing] {
        fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    }
    let mut agent = Agent {
        reading,
        writing,
        unframer: Unframer::default(),
        outgoing: Vec::new(),
        signals: super::child_signals()?,
        probes: Probes::listen()?,
        daemons: Daemons::default(),
        clocks: Clocks::default(),
        running: Vec::new(),
        waiting: Vec::new(),
        disk: None,
        link,
        patience,
        heard: Instant::now(),
    };
    agent.send(&Message::Greeting { version: protocol::VERSION, notices })?;
    let served = agent.turn_until_the_end();
    agent.daemons.kill_all();
    served
}

impl Agent {
    fn turn_until_the_end(&mut self) -> io::Result<()> {
        loop {
            self.flush()?;
            self.wait()?;
            self.take_changes();
            self.probes.collect();
            self.running.iter_mut().for_each(Running::pump);
            self.take_answers_of_disk()?;
            let open = self.take_requests()?;
            self.settle(Instant::now())?;
            if !open {
                return Ok(());
            }
            if self.silent_at().is_some_and(|end| Instant::now() >= end) {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "nothing was heard of the controller for too long",
                ));
            }
        }
    }

    /// When the patience ends if nothing is heard until then.
    fn silent_at(&self) -> Option<Instant> {
        self.patience.map(|patience| self.heard + patience)
    }

    /// Sleeps until something is to be done.
    fn wait(&self) -> io::Result<()> {
        let mut fds = vec![
            PollFd::new(self.reading.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.probes.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(self.disk.as_ref().map(|disk| PollFd::new(disk.as_fd(), PollFlags::POLLIN)));
        if !self.outgoing.is_empty() {
            fds.push(PollFd::new(self.writing.as_fd(), PollFlags::POLLOUT));
        }
        for running in &self.running {
            let (reading, writing) = running.streams();
            fds.extend(reading.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
            fds.extend(writing.map(|fd| PollFd::new(fd, PollFlags::POLLOUT)));
        }
        let deadlines = self.running.iter().filter_map(Running::deadline);
        let waiting = self.waiting.iter().map(|waiting| waiting.deadline);
        let first = deadlines.chain(waiting).chain(self.silent_at()).min();
        let timeout = first.map_or(PollTimeout::NONE, |deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            // Rounded up, lest the last millisecond be spent turning.
            PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Notes what became of the children.
    fn take_changes(&mut self) {
        while let Ok(Some(_)) = self.signals.read_signal() {}
        while let Some(change) = children::next_change() {
            self.daemons.note(change);
            let Change { pid, state: ProcessState::Gone { exit } } = change else { continue };
            if let Some(running) = self.running.iter_mut().find(|running| running.pid == pid) {
                running.ended(exit);
            }
        }
    }

    /// Hands the answers of the disk on. When it is no more, whoever waits for one is told so.
    fn take_answers_of_disk(&mut self) -> io::Result<()> {
        match self.disk.as_mut().map(Disk::answers) {
            None => Ok(()),
            Some(Ok(answers)) => answers.iter().try_for_each(|answer| self.send(answer)),
            Some(Err(error)) => {
                let asked = self.disk.take().map(Disk::bury).unwrap_or_default();
                let trouble = || Trouble::refused("ask the disk", format!("it is no more ({error}); see agent.log"));
                asked.into_iter().try_for_each(|id| self.answer(id, Err(trouble())))
            }
        }
    }

    /// Reads and begins what the controller asks for; false at the end of its input.
    fn take_requests(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 << 10];
        loop {
            match nix::unistd::read(&self.reading, &mut buffer) {
                Ok(0) | Err(Errno::ECONNRESET) => return Ok(false),
                Ok(length) => {
                    self.heard = Instant::now();
                    self.unframer.push(&buffer[..length]);
                }
                Err(Errno::EAGAIN) => return Ok(true),
                Err(Errno::EINTR) => continue,
                Err(errno) => return Err(errno.into()),
            }
            while let Some(Request { id, ask }) = self.unframer.next()? {
                if let Some(answer) = self.begin(id, ask).transpose() {
                    self.answer(id, answer)?;
                }
            }
        }
    }

    /// Does what can be done at once; what takes time is answered later.
    fn begin(&mut self, id: u64, ask: Ask) -> Result<Option<Answer>, Trouble> {
        let in_time = |timeout_ms| Instant::now() + Duration::from_millis(timeout_ms).min(WAIT_MAX);
        match ask {
            Ask::Run { command, timeout_ms } => {
                let running = Running::start(id, &command, Duration::from_millis(timeout_ms).min(WAIT_MAX))?;
                self.daemons.forget(running.pid);
                self.running.push(running);
                return Ok(None);
            }
            Ask::Start(spec) => {
                let started = self.daemons.start(&spec, &mut self.clocks);
                return started.map(|pid| Some(Answer::Started { pid }));
            }
            Ask::Signal { pid, signal, scope } => {
                self.take_changes();
                self.daemons.signal(pid, signal, scope)?;
            }
            Ask::State { pid } => {
                self.take_changes();
                return self.daemons.state(pid).map(|state| Some(Answer::State(state)));
            }
            Ask::AwaitState { pid, wanted, timeout_ms } => {
                self.daemons.state(pid)?;
                let what = Condition::State { pid, wanted };
                self.waiting.push(Waiting { id, what, deadline: in_time(timeout_ms) });
                return Ok(None);
            }
            Ask::SendProbe { peer, spec } => self.probes.send(peer, spec, Purpose::Count),
            Ask::RoundTrips { peer, spec, timeout_ms } => {
                self.probes.send(peer, spec, Purpose::ComeBack);
                let what = Condition::RoundTrips { probe: spec.probe, expected: spec.count };
                self.waiting.push(Waiting { id, what, deadline: in_time(timeout_ms) });
                return Ok(None);
            }
            Ask::CountProbe { probe, expected, timeout_ms } => {
                let what = Condition::Probe { probe, expected };
                self.waiting.push(Waiting { id, what, deadline: in_time(timeout_ms) });
                return Ok(None);
            }
            Ask::Beat => {}
            Ask::BlockNeighbours(peers) => block(&self.link, &peers).map_err(told)?,
            Ask::UnblockNeighbours(peers) => unblock(&self.link, &peers).map_err(told)?,
            Ask::SkewClocks(skew) => {
                self.take_changes();
                let set = self.clocks.set(skew, &self.daemons.processes());
                return set
                    .map(|set| Some(Answer::ClocksSet(set)))
                    .map_err(|(pid, error)| Trouble::refused(format!("skew the clocks of process {pid}"), error));
            }
            Ask::ReadClocks { pid } => {
                self.take_changes();
                self.daemons.state(pid)?;
                let read = self.clocks.read(pid).map(|reading| Some(Answer::Clocks(reading)));
                return read.map_err(|error| Trouble::refused(format!("read the clocks of process {pid}"), error));
            }
            Ask::Disk(ask) => {
                if let (DiskAsk::Mount(spec), None) = (&ask, &self.disk) {
                    self.disk = Some(Disk::start(spec.folder.clone())?);
                }
                let disk = self.disk.as_mut().ok_or_else(|| Trouble::refused(ask.to_string(), "there is no disk"))?;
                disk.ask(id, Ask::Disk(ask))?;
                return Ok(None);
            }
        }
        Ok(Some(Answer::Done))
    }

    /// Answers what has come true or run out of time.
    fn settle(&mut self, now: Instant) -> io::Result<()> {
        let mut answers = Vec::new();
        self.running.retain_mut(|running| {
            running.check_time(now);
            let result = running.result(now);
            result.map(|output| answers.push((running.id, Ok(Answer::Ran(output))))).is_none()
        });
        if self.waiting.iter().any(|waiting| now >= waiting.deadline) {
            self.probes.collect(); // what has arrived before the deadline counts, though this process was late
        }
        let (daemons, probes) = (&self.daemons, &self.probes);
        self.waiting.retain(|waiting| {
            let answer = waiting.what.answer(daemons, probes, now >= waiting.deadline);
            answer.map(|answer| answers.push((waiting.id, answer))).is_none()
        });
        answers.into_iter().try_for_each(|(id, answer)| self.answer(id, answer))
    }

    fn answer(&mut self, id: u64, answer: Result<Answer, Trouble>) -> io::Result<()> {
        self.send(&Message::Answer { id, answer })
    }

    fn send(&mut self, message: &Message) -> io::Result<()> {
        self.outgoing.extend(protocol::frame(message)?);
        self.flush()
    }

    /// Writes as much as goes without waiting.
    fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match nix::unistd::write(&self.writing, &self.outgoing) {
                Ok(length) => drop(self.outgoing.drain(..length)),
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }
}

impl Condition {
    /// The answer, when there is one: it has come true, never can, or its time is up.
    fn answer(self, daemons: &Daemons, probes: &Probes, late: bool) -> Option<Result<Answer, Trouble>> {
        match self {
            Condition::Probe { probe, expected } => {
                let arrivals = probes.arrivals(probe);
                (late || arrivals.distinct >= expected).then_some(Ok(Answer::Counted(arrivals)))
            }
            Condition::RoundTrips { probe, expected } => {
                let came_back = probes.round_trips_ns(probe);
                (late || came_back.len() >= expected as usize).then(|| Ok(Answer::RoundTrips(came_back.to_vec())))
            }
            Condition::State { pid, wanted } => match daemons.state(pid) {
                Err(trouble) => Some(Err(trouble)),
                Ok(state) if wanted.is_met_by(state) => Some(Ok(Answer::State(state))),
                Ok(state) if late || matches!(state, ProcessState::Gone { .. }) => {
                    Some(Err(Trouble::NotReached { pid, wanted, state }))
                }
                Ok(_) => None,
            },
        }
    }
}

/// Blocks all of the peers or none.
fn block(link: &str, peers: &[Ipv4Addr]) -> Result<(), NetlinkError> {
    let index = Netlink::index(link)?;
    let mut netlink = Netlink::open()?;
    for (i, peer) in peers.iter().enumerate() {
        if let Err(error) = netlink.block_neighbour(index, *peer) {
            for blocked in &peers[..i] {
                let _ = netlink.unblock_neighbour(index, *blocked); // the first error tells more
            }
            return Err(error);
        }
    }
    Ok(())
}

fn unblock(link: &str, peers: &[Ipv4Addr]) -> Result<(), NetlinkError> {
    let index = Netlink::index(link)?;
    let mut netlink = Netlink::open()?;
    // Every peer is tried, also after a failure: the more that is healed the better.
    peers.iter().map(|peer| netlink.unblock_neighbour(index, *peer)).fold(Ok(()), Result::and)
}

fn told(error: NetlinkError) -> Trouble {
    Trouble::refused(error.what, error.source)
}
