//! The thread that forwards the packets of disturbed links: it reads them from the nodes' TUN devices, has the wire decide,
//! and writes them to other ones when they are due.
//!
//! It is the only one between sender and receiver, so it asks for more of the processor than others get: real-time priority,
//! else a low nice value, else it goes on as it is. By how much it was late it counts.

use super::wire::{Direction, Wire};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::net::Ipv4Addr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How many packets are read from one node before the others, and those that are due, get their turn.
const BATCH: usize = 64;

/// The largest packet that a device hands over.
const PACKET_BYTES_MAX: usize = 64 << 10;

/// What poll tells of a device that is no more.
const GONE: PollFlags = PollFlags::POLLERR.union(PollFlags::POLLNVAL);

/// How long to sleep when nothing is under way.
const IDLE: Duration = Duration::from_secs(3_600);

/// A forwarding thread. Ends when dropped.
pub(crate) struct Forwarder {
    shared: Arc<Shared>,
    waker: PipeWriter,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    wire: Mutex<Wire>,
    origin: Instant,
    ends: AtomicBool,
}

/// A node's device and address.
pub(crate) struct End {
    pub(crate) device: OwnedFd,
    pub(crate) address: Ipv4Addr,
}

impl Forwarder {
    /// Starts the thread between these ends, which do not block.
    pub(crate) fn start(ends: Vec<End>) -> io::Result<Forwarder> {
        let (woken, waker) = io::pipe()?;
        let shared = Arc::new(Shared { wire: Mutex::default(), origin: Instant::now(), ends: AtomicBool::new(false) });
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("packet-switch".into()).spawn(move || {
            hurry();
            if let Err(error) = own.forward(&ends, &woken) {
                // Packets of disturbed links vanish from now on, so the next fault does not show and the run ends.
                tracing::error!(%error, "the switch for disturbed packets ended");
            }
        })?;
        Ok(Forwarder { shared, waker, thread: Some(thread) })
    }

    /// Changes the links; what became due by it goes out at once.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Wire)) {
        change(&mut self.shared.wire());
        self.wake();
    }

    /// What was done on a link so far.
    pub(crate) fn counters(&self, direction: Direction) -> super::PacketCounters {
        self.shared.wire().counters(direction)
    }

    fn wake(&self) {
        let _ = (&self.waker).write(&[1]); // where the thread is gone nobody is to be woken
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ns(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64
    }

    fn forward(&self, ends: &[End], woken: &PipeReader) -> Result<(), Errno> {
        let place = |address: [u8; 4]| ends.iter().position(|end| end.address.octets() == address);
        let mut buffer = vec![0; PACKET_BYTES_MAX];
        // Where packets were left behind the last time, the next look must not wait.
        let mut is_behind = false;
        loop {
            let next_ns = self.wire().next_ns();
            let left = next_ns.map_or(IDLE, |at_ns| Duration::from_nanos(at_ns.saturating_sub(self.now_ns())));
            let mut fds: Vec<PollFd<'_>> =
                ends.iter().map(|end| PollFd::new(end.device.as_fd(), PollFlags::POLLIN)).collect();
            fds.push(PollFd::new(woken.as_fd(), PollFlags::POLLIN));
            match ppoll(&mut fds, Some(TimeSpec::from(if is_behind { Duration::ZERO } else { left })), None) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
            if self.ends.load(Ordering::Acquire) {
                return Ok(());
            }
            let is_ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| events.contains(PollFlags::POLLIN));
            // A device that is gone stays ready for ever, and this thread would spin before all others.
            if fds.iter().any(|fd| fd.revents().is_some_and(|events| events.intersects(GONE))) {
                return Err(Errno::ENODEV);
            }
            if fds.last().is_some_and(is_ready) {
                let _ = nix::unistd::read(woken, &mut buffer);
            }
            is_behind = false;
            for (from, end) in ends.iter().enumerate().filter(|(from, _)| is_ready(&fds[*from])) {
                is_behind |= self.take(from, end, &mut buffer, place) == BATCH;
            }
            self.deliver(ends);
        }
    }

    /// Reads a batch of what a node has sent. Returns how many packets that was.
    fn take(
        &self,
        from: usize,
        end: &End,
        buffer: &mut [u8],
        place: impl Fn([u8; 4]) -> Option<usize> + Copy,
    ) -> usize {
        for count in 0..BATCH {
            let Ok(bytes) = nix::unistd::read(&end.device, buffer) else { return count };
            self.wire().take(self.now_ns(), from, &buffer[..bytes], place);
        }
        BATCH
    }

    /// Hands over what is due. A device that takes no packet, because its node goes down, loses it.
    fn deliver(&self, ends: &[End]) {
        loop {
            let due = self.wire().release(self.now_ns());
            let Some((to, packet)) = due else { return };
            let _ = nix::unistd::write(&ends[to].device, &packet);
        }
    }
}

/// Asks for the processor before others get it, and for exact waking.
fn hurry() {
    let first = libc::sched_param { sched_priority: 1 };
    // SAFETY: plain system calls about the calling thread alone; `first` lives as long as they read it.
    unsafe {
        if libc::sched_setscheduler(0, libc::SCHED_RR, &first) != 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, -20);
        }
        libc::prctl(libc::PR_SET_TIMERSLACK, 1_000, 0, 0, 0);
    }
}
