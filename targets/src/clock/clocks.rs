//! The clocks of a node's servers, as its agent keeps them.

use super::ClockError;
use super::board::Origins;
use super::course::{Course, Courses, LAG_NS, NOTICE_NS, Piece};
use super::process::Skewed;
use super::skew::{ClockReading, ClocksSet, Patched, Skew, True};
use super::tracee::Tracee;
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// What is wrong with the clocks, and who was patched for it. All calls must come from one thread, since the kernel knows
/// tracers by thread; nobody is traced between two calls.
#[derive(Debug, Default)]
pub struct Clocks {
    skew: Skew,
    /// How the clocks of a process that starts now go.
    courses: Courses,
    processes: Vec<Skewed>,
    /// How many were patched so far.
    count: u64,
    /// When they were set last.
    set_at: Option<Instant>,
}

impl Clocks {
    /// Whether whoever starts now must be patched at its exec; see [`Clocks::patch_at_exec`].
    pub fn is_skewed(&self) -> bool {
        still(&self.courses) != Courses::TRUE
    }

    /// Lets the clocks of these processes go wrong so from now on, and those of all that are started later. Whoever was set
    /// before and lives is set too.
    ///
    /// # Errors
    /// Which process could not be set, and why; the others are. One that has ended meanwhile is no error.
    pub fn set(&mut self, skew: Skew, pids: &[u32]) -> Result<ClocksSet, (u32, ClockError)> {
        self.await_last_change();
        self.processes.retain_mut(|process| {
            let alive = process.pids.iter().copied().filter(|pid| process.is_in(*pid)).collect();
            process.pids = alive;
            !process.pids.is_empty()
        });
        let (mut set, mut failed) = (ClocksSet::default(), None);
        for pid in pids.iter().copied().filter(|_| skew != Skew::None) {
            match self.find_or_patch(pid) {
                Ok((_, patched)) => set.patched.extend(patched),
                Err(ClockError::Ended) => {}
                Err(error) => failed = failed.or(Some((pid, error))),
            }
        }
        let (origins, now) = (Origins::now(), True::now());
        let mut settled_ns = now.monotonic_ns;
        for process in &mut self.processes {
            let (courses, at_ns) = skew.courses(&still(&process.courses), now);
            process.publish(&courses, &origins);
            settled_ns = settled_ns.max(at_ns);
        }
        let late_ns = True::now().monotonic_ns - now.monotonic_ns - NOTICE_NS;
        (self.courses, _) = skew.courses(&still(&self.courses), now);
        self.skew = skew;
        self.set_at = Some(Instant::now());
        set.settles_after_ns = (settled_ns - now.monotonic_ns).unsigned_abs();
        if late_ns > 0 && self.processes.iter().any(|process| process.courses.monotonic != Course::TRUE) {
            let why = format!("its monotonic clock may have stepped: the machine was busy for {late_ns} ns too long");
            failed = failed.or(Some((self.processes[0].pids[0], ClockError::unfit(why))));
        }
        failed.map_or(Ok(set), Err)
    }

    /// Called in a forked child, makes it stop at its exec for [`Clocks::patch_at_exec`]. A plain system call.
    pub fn ask_to_be_traced() -> io::Result<()> {
        // SAFETY: changes the calling process alone.
        match unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    /// Patches a child that was started under [`Clocks::ask_to_be_traced`] and now stands at its exec, so that its clocks are wrong from its
    /// first instruction on. It goes on in any case.
    pub fn patch_at_exec(&mut self, pid: u32) -> Result<Patched, ClockError> {
        let (begin, courses) = (Instant::now(), still(&self.courses));
        self.patch(begin, Tracee::at_exec(pid as i32)?, courses)
    }

    /// Makes a process read its clocks, beside this machine's.
    ///
    /// # Errors
    /// Among others when its clocks are to be wrong but it has become another program meanwhile, whose clocks are right.
    pub fn read(&mut self, pid: u32) -> Result<ClockReading, ClockError> {
        if self.is_skewed() && !self.processes.iter().any(|process| process.is_in(pid)) {
            fs::read_link(format!("/proc/{pid}/exe")).map_err(|_| ClockError::Ended)?;
            return Err(ClockError::unfit("it has become another program, whose clocks are right"));
        }
        let (place, _) = self.find_or_patch(pid)?;
        let process = &mut self.processes[place];
        if process.courses != Courses::TRUE && still(&process.courses) == Courses::TRUE {
            process.publish(&Courses::TRUE, &Origins::default());
        }
        process.read(pid)
    }

    /// The place of a process; patched if it was not, which is told.
    fn find_or_patch(&mut self, pid: u32) -> Result<(usize, Option<Patched>), ClockError> {
        if let Some(place) = self.processes.iter().position(|process| process.is_in(pid)) {
            let pids = &mut self.processes[place].pids;
            if !pids.contains(&pid) {
                pids.push(pid); // forked from one that is patched
            }
            return Ok((place, None));
        }
        for process in &mut self.processes {
            process.pids.retain(|other| *other != pid); // it is another program now
        }
        let begin = Instant::now();
        let tracee = Tracee::stop_all(pid as i32)?;
        // It has seen the true monotonic clock, and that one must not jump.
        let (monotonic, _) = self.skew.courses(&Courses::TRUE, True::now());
        let courses = Courses { wall: self.courses.wall, monotonic: monotonic.monotonic };
        let patched = self.patch(begin, tracee, courses)?;
        Ok((self.processes.len() - 1, Some(patched)))
    }

    /// Patches a process that is stopped since `begin`, and lets it go on.
    fn patch(&mut self, begin: Instant, tracee: Tracee, courses: Courses) -> Result<Patched, ClockError> {
        self.count += 1;
        let (pid, threads) = (tracee.pid as u32, tracee.threads.len() as u32);
        let skewed = Skewed::patch(&tracee, &courses, self.count);
        drop(tracee);
        self.processes.push(skewed?);
        Ok(Patched { pid, threads, stopped_ns: begin.elapsed().as_nanos() as u64 })
    }

    /// A change begins a little after it is published, and the next must not come before: there is no room for it.
    fn await_last_change(&self) {
        let drifts = |courses: &Courses| courses.monotonic != Course::TRUE;
        let all = self.processes.iter().map(|process| &process.courses).chain([&self.courses]);
        let notice = Duration::from_nanos((NOTICE_NS + LAG_NS) as u64);
        if let Some(set_at) = self.set_at.filter(|_| all.into_iter().any(drifts)) {
            thread::sleep(notice.saturating_sub(set_at.elapsed()));
        }
    }
}

/// The same, but simply the truth where a way back to it has come to its end.
fn still(courses: &Courses) -> Courses {
    let before_ns = True::now().monotonic_ns - LAG_NS;
    let (begun, to_come): (Vec<Piece>, Vec<Piece>) =
        courses.monotonic.pieces.into_iter().partition(|piece| piece.start_ns <= before_ns);
    let is_true = begun.last().is_some_and(|piece| piece.offset_ns == 0 && piece.rate == 0);
    let is_over = is_true && to_come.iter().all(|piece| piece.start_ns == i64::MAX);
    Courses { monotonic: if is_over { Course::TRUE } else { courses.monotonic }, wall: courses.wall }
}

impl Default for Courses {
    fn default() -> Courses {
        Courses::TRUE
    }
}
