//! A process whose threads are stopped, and what can be done to it meanwhile.
//!
//! All of it comes from one thread, since the kernel knows who traces by thread; and every thread goes on when the value is
//! dropped, with what it was about to do: signals that arrived stay pending, a system call that was interrupted begins
//! again, and a process that was stopped by a signal stays stopped.

use super::ClockError;
use std::cell::Cell;
use std::fs;
use std::io;
use std::mem;
use std::ptr;
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread may take to stop: one that waits for a disk does not before it is answered.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a thread is looked at without a pause, giving way to it; then pauses grow up to the second value.
const QUICK_LOOKS: u32 = 100;
const PAUSE_MAX: Duration = Duration::from_micros(500);

/// All signals but SIGTRAP, by which the tracer gets its answers, in the kernel's form.
const ALL_BUT_TRAP: u64 = !(1 << (libc::SIGTRAP - 1));

/// In the processor's flags.
const DIRECTION_FLAG: u64 = 1 << 10;

/// A process of which some threads are stopped.
#[derive(Debug)]
pub struct Tracee {
    /// The process.
    pub pid: i32,
    /// Its threads that are stopped.
    pub threads: Vec<i32>,
}

/// How the waiting for a thread ended.
enum Waited {
    Stopped { signal: i32, event: i32 },
    Gone,
}

fn ptrace(request: libc::c_uint, thread: i32, address: usize, data: usize) -> io::Result<()> {
    // SAFETY: the requests made here touch the tracee, and here at most what `data` points to, which the callers own.
    let result = unsafe { libc::ptrace(request, thread, address as *mut libc::c_void, data as *mut libc::c_void) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The state of a thread as `/proc` shows it, or none when it is gone.
fn state(pid: i32, thread: i32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{thread}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

impl Tracee {
    /// Stops every thread of a process, also those that are born meanwhile.
    pub fn stop_all(pid: i32) -> Result<Tracee, ClockError> {
        let mut tracee = Tracee { pid, threads: Vec::new() };
        let mut gone = Vec::new();
        loop {
            let known = |thread: &i32| tracee.threads.contains(thread) || gone.contains(thread);
            let new: Vec<i32> = threads(pid)?.into_iter().filter(|thread| !known(thread)).collect();
            if new.is_empty() {
                break;
            }
            // All are asked before any is waited for: they stop at the same time.
            let mut asked = Vec::new();
            for thread in new {
                if tracee.seize(thread)? {
                    ask_to_stop(thread)?;
                    asked.push(thread);
                } else {
                    gone.push(thread);
                }
            }
            for thread in asked {
                if !stopped(pid, thread)? {
                    tracee.threads.retain(|other| *other != thread);
                    gone.push(thread);
                }
            }
        }
        if tracee.threads.is_empty() { Err(ClockError::Ended) } else { Ok(tracee) }
    }

    /// Stops one thread of a process: one that waits for something, where there is one.
    pub fn stop_one(pid: i32) -> Result<Tracee, ClockError> {
        let mut tracee = Tracee { pid, threads: Vec::new() };
        let mut all = threads(pid)?;
        // Those that wait for a disk come last: they stop when they are answered. What a thread does changes while they are
        // sorted, so it is asked once.
        all.sort_by_cached_key(|thread| match state(pid, *thread) {
            Some('S') => 0,
            Some('D') | None => 2,
            Some(_) => 1,
        });
        for thread in all {
            if tracee.seize(thread)? {
                ask_to_stop(thread)?;
                if stopped(pid, thread)? {
                    return Ok(tracee);
                }
                tracee.threads.pop();
            }
        }
        Err(ClockError::Ended)
    }

    /// A child that has asked to be traced and has stopped at its exec.
    pub fn at_exec(pid: i32) -> Result<Tracee, ClockError> {
        match await_stop(pid, pid)? {
            Waited::Stopped { signal: libc::SIGTRAP, .. } => Ok(Tracee { pid, threads: vec![pid] }),
            Waited::Stopped { signal, .. } => {
                drop(Tracee { pid, threads: vec![pid] });
                Err(ClockError::unfit(format!("it stopped for signal {signal} before its exec")))
            }
            Waited::Gone => Err(ClockError::Ended),
        }
    }

    /// Begins to trace a thread, which goes on; false when it is gone.
    fn seize(&mut self, thread: i32) -> Result<bool, ClockError> {
        match ptrace(libc::PTRACE_SEIZE, thread, 0, 0) {
            Ok(()) => {
                self.threads.push(thread);
                Ok(true)
            }
            // The kernel refuses to trace the dead as well.
            Err(_) if matches!(state(self.pid, thread), None | Some('Z' | 'X')) => Ok(false),
            Err(error) => Err(ClockError::call("ptrace(PTRACE_SEIZE)", error)),
        }
    }

    /// A thread that may be made to do something: best one that waits in a system call, for it is in no sequence of
    /// instructions that must not be left.
    pub fn hand(&self) -> Result<Hand<'_>, ClockError> {
        let mut best = None;
        for thread in &self.threads {
            match registers(*thread) {
                Ok(registers) if registers.orig_rax as i64 >= 0 => return Hand::take(self, *thread, registers),
                Ok(registers) => best = best.or(Some((*thread, registers))),
                Err(ClockError::Ended) => {}
                Err(error) => return Err(error),
            }
        }
        let (thread, registers) = best.ok_or(ClockError::Ended)?;
        Hand::take(self, thread, registers)
    }

    /// Writes where the process itself could not: into code.
    pub fn poke(&self, address: usize, bytes: &[u8]) -> Result<(), ClockError> {
        let start = address & !7;
        let mut words = self.read(start, (address + bytes.len()).next_multiple_of(8) - start)?;
        words[address - start..][..bytes.len()].copy_from_slice(bytes);
        for (place, word) in words.chunks_exact(8).enumerate() {
            let word = usize::from_le_bytes(word.try_into().unwrap_or_default());
            ptrace(libc::PTRACE_POKEDATA, self.threads[0], start + 8 * place, word)
                .map_err(|error| ClockError::call("ptrace(PTRACE_POKEDATA)", error))?;
        }
        Ok(())
    }

    /// Reads memory.
    pub fn read(&self, address: usize, length: usize) -> Result<Vec<u8>, ClockError> {
        read(self.pid, address, length)
    }

    /// Writes memory that the process could write.
    pub fn write(&self, address: usize, bytes: &[u8]) -> Result<(), ClockError> {
        let local = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: bytes.len() };
        // SAFETY: only reads `bytes` here.
        let written = unsafe { libc::process_vm_writev(self.pid, &local, 1, &remote, 1, 0) };
        match usize::try_from(written) {
            Ok(written) if written == bytes.len() => Ok(()),
            Ok(_) => Err(ClockError::unfit(format!("{address:#x} cannot be written to as a whole"))),
            Err(_) => Err(ClockError::last("process_vm_writev")),
        }
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        for thread in &self.threads {
            let detach = || ptrace(libc::PTRACE_DETACH, *thread, 0, 0);
            // One that runs, because something failed under way, must stop before it can be let go.
            if detach().is_err() && ask_to_stop(*thread).and_then(|()| stopped(self.pid, *thread)).unwrap_or(false) {
                let _ = detach();
            }
        }
    }
}

/// Reads the memory of a process.
pub fn read(pid: i32, address: usize, length: usize) -> Result<Vec<u8>, ClockError> {
    let mut bytes = vec![0_u8; length];
    let read = read_some(pid, address, &mut bytes)?;
    if read == length { Ok(bytes) } else { Err(ClockError::unfit(format!("{address:#x} cannot be read as a whole"))) }
}

/// Reads as much as is there.
pub fn read_some(pid: i32, address: usize, bytes: &mut [u8]) -> Result<usize, ClockError> {
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // A page each: what follows the last one that is there does not spoil the others.
    let mut remote = Vec::new();
    let (mut from, end) = (address, address + bytes.len());
    while from < end {
        let to = ((from | 4095) + 1).min(end);
        remote.push(libc::iovec { iov_base: from as *mut libc::c_void, iov_len: to - from });
        from = to;
    }
    // SAFETY: writes to `bytes` alone.
    let read = unsafe { libc::process_vm_readv(pid, &local, 1, remote.as_ptr(), remote.len() as libc::c_ulong, 0) };
    usize::try_from(read).map_err(|_| ClockError::last("process_vm_readv"))
}

/// The threads of a process.
fn threads(pid: i32) -> Result<Vec<i32>, ClockError> {
    let entries = fs::read_dir(format!("/proc/{pid}/task")).map_err(|_| ClockError::Ended)?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

/// Asks a traced thread to stop, wherever it is.
fn ask_to_stop(thread: i32) -> Result<(), ClockError> {
    match ptrace(libc::PTRACE_INTERRUPT, thread, 0, 0) {
        Err(error) if error.raw_os_error() != Some(libc::ESRCH) => {
            Err(ClockError::call("ptrace(PTRACE_INTERRUPT)", error))
        }
        _ => Ok(()), // that it is gone will be seen
    }
}

/// Waits until a thread has stopped that was asked to; signals that come first take their course. False when it is gone.
fn stopped(pid: i32, thread: i32) -> Result<bool, ClockError> {
    loop {
        match await_stop(pid, thread)? {
            Waited::Gone => return Ok(false),
            Waited::Stopped { event: libc::PTRACE_EVENT_STOP, .. } => return Ok(true),
            Waited::Stopped { signal, .. } => match ptrace(libc::PTRACE_CONT, thread, 0, signal as usize) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::ESRCH) => return Ok(false),
                Err(error) => return Err(ClockError::call("ptrace(PTRACE_CONT)", error)),
            },
        }
    }
}

/// Waits until a traced thread stops or is gone. The end of a whole process is left for its parent to see.
fn await_stop(pid: i32, thread: i32) -> Result<Waited, ClockError> {
    let begin = Instant::now();
    let mut pause = Duration::ZERO;
    for look in 0_u32.. {
        // SAFETY: `siginfo_t` is plain data that the kernel fills.
        let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
        let wanted = libc::WSTOPPED | libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
        // SAFETY: fills the structure, and takes nothing away.
        if unsafe { libc::waitid(libc::P_PID, thread as libc::id_t, &mut info, wanted) } != 0 {
            return Ok(Waited::Gone);
        }
        // SAFETY: 0 when nobody was reported, as waitid says.
        let (is_reported, code) = (unsafe { info.si_pid() } != 0, info.si_code);
        let is_stop = matches!(code, libc::CLD_TRAPPED | libc::CLD_STOPPED);
        if is_reported && !is_stop && thread == pid {
            return Ok(Waited::Gone);
        }
        if is_reported {
            let mut status = 0;
            // SAFETY: as above; this time what was reported is taken.
            let waited = unsafe { libc::waitpid(thread, &mut status, libc::WNOHANG | libc::__WALL) };
            if waited == thread && libc::WIFSTOPPED(status) {
                return Ok(Waited::Stopped { signal: libc::WSTOPSIG(status), event: status >> 16 });
            }
            return Ok(Waited::Gone);
        }
        if look < QUICK_LOOKS {
            thread::yield_now();
            continue;
        }
        // The first thread of a process whose others live on is not reported when it ends.
        let state = state(pid, thread);
        if state.is_none() || (thread == pid && matches!(state, Some('Z' | 'X'))) {
            return Ok(Waited::Gone);
        }
        if begin.elapsed() > STOP_TIMEOUT {
            let (state, after_s) = (state.unwrap_or('?'), STOP_TIMEOUT.as_secs());
            return Err(ClockError::Restless { thread, state, after_s });
        }
        pause = (pause * 2).clamp(Duration::from_micros(10), PAUSE_MAX);
        thread::sleep(pause);
    }
    unreachable!("the waiting ends before its looks are counted out")
}

fn registers(thread: i32) -> Result<libc::user_regs_struct, ClockError> {
    // SAFETY: plain data that the kernel fills.
    let mut registers: libc::user_regs_struct = unsafe { mem::zeroed() };
    ptrace(libc::PTRACE_GETREGS, thread, 0, (&raw mut registers).addr())
        .map_err(|error| ClockError::call("ptrace(PTRACE_GETREGS)", error))?;
    Ok(registers)
}

fn set_registers(thread: i32, registers: &libc::user_regs_struct) -> Result<(), ClockError> {
    ptrace(libc::PTRACE_SETREGS, thread, 0, ptr::from_ref(registers).addr())
        .map_err(|error| ClockError::call("ptrace(PTRACE_SETREGS)", error))
}

/// The instruction pointer and the stack pointer of a stopped thread.
pub fn pointers(thread: i32) -> Result<(usize, usize), ClockError> {
    registers(thread).map(|registers| (registers.rip as usize, registers.rsp as usize))
}

/// Lets a stopped thread go on elsewhere.
pub fn move_to(thread: i32, address: usize) -> Result<(), ClockError> {
    set_registers(thread, &libc::user_regs_struct { rip: address as u64, ..registers(thread)? })
}

/// Lets a stopped thread take one step, or into its handler of a signal; where it stands then.
#[cfg(test)]
pub fn step(pid: i32, thread: i32, signal: i32) -> Result<usize, ClockError> {
    ptrace(libc::PTRACE_SINGLESTEP, thread, 0, signal as usize)
        .map_err(|error| ClockError::call("ptrace(PTRACE_SINGLESTEP)", error))?;
    match await_stop(pid, thread)? {
        Waited::Stopped { .. } => pointers(thread).map(|(instruction, _)| instruction),
        Waited::Gone => Err(ClockError::Ended),
    }
}

/// A thread that does what it is told; dropped, it is as it was before.
pub struct Hand<'a> {
    tracee: &'a Tracee,
    thread: i32,
    before: libc::user_regs_struct,
    signals_before: u64,
    /// Whether a SIGSTOP came that is to be sent again.
    was_sent_stop: Cell<bool>,
}

impl<'a> Hand<'a> {
    fn take(tracee: &'a Tracee, thread: i32, before: libc::user_regs_struct) -> Result<Hand<'a>, ClockError> {
        let mut signals_before = 0_u64;
        ptrace(libc::PTRACE_GETSIGMASK, thread, size_of::<u64>(), (&raw mut signals_before).addr())
            .map_err(|error| ClockError::call("ptrace(PTRACE_GETSIGMASK)", error))?;
        let hand = Hand { tracee, thread, before, signals_before, was_sent_stop: Cell::new(false) };
        hand.block(ALL_BUT_TRAP)?;
        Ok(hand)
    }

    fn block(&self, signals: u64) -> Result<(), ClockError> {
        ptrace(libc::PTRACE_SETSIGMASK, self.thread, size_of::<u64>(), (&raw const signals).addr())
            .map_err(|error| ClockError::call("ptrace(PTRACE_SETSIGMASK)", error))
    }

    /// Makes the thread call the kernel by the instruction at `instruction`.
    ///
    /// # Errors
    /// What the kernel answers, among others.
    pub fn system_call(
        &self,
        instruction: usize,
        what: &'static str,
        number: libc::c_long,
        arguments: [usize; 6],
    ) -> Result<usize, ClockError> {
        let [rdi, rsi, rdx, r10, r8, r9] = arguments.map(|argument| argument as u64);
        let (rip, rax, orig_rax) = (instruction as u64, number as u64, u64::MAX);
        let registers = libc::user_regs_struct { rip, rax, orig_rax, rdi, rsi, rdx, r10, r8, r9, ..self.before };
        let result = self.run(&registers, libc::PTRACE_SINGLESTEP, what)?.rax as i64;
        match usize::try_from(result) {
            Ok(result) => Ok(result),
            Err(_) => Err(ClockError::call(what, io::Error::from_raw_os_error(-result as i32))),
        }
    }

    /// Makes the thread call the C function at `function` through the gate, on a stack whose end is given, with two arguments.
    pub fn call(
        &self,
        gate: usize,
        function: usize,
        stack_end: usize,
        arguments: [usize; 2],
    ) -> Result<i32, ClockError> {
        let [rdi, rsi] = arguments.map(|argument| argument as u64);
        let (rip, rax, rsp) = (gate as u64, function as u64, stack_end as u64);
        // C expects strings to be copied forwards.
        let (orig_rax, eflags) = (u64::MAX, self.before.eflags & !DIRECTION_FLAG);
        let registers = libc::user_regs_struct { rip, rax, rsp, orig_rax, rdi, rsi, eflags, ..self.before };
        Ok(self.run(&registers, libc::PTRACE_CONT, "a call of clock_gettime")?.rax as i32)
    }

    /// Lets the thread run with these registers until it traps; its registers then.
    fn run(
        &self,
        registers_then: &libc::user_regs_struct,
        how: libc::c_uint,
        what: &'static str,
    ) -> Result<libc::user_regs_struct, ClockError> {
        set_registers(self.thread, registers_then)?;
        loop {
            ptrace(how, self.thread, 0, 0).map_err(|error| ClockError::call("ptrace(PTRACE_CONT)", error))?;
            match await_stop(self.tracee.pid, self.thread)? {
                Waited::Stopped { event: libc::PTRACE_EVENT_STOP, .. } => {}
                Waited::Stopped { signal: libc::SIGTRAP, .. } => return registers(self.thread),
                // Only this one comes although all are blocked.
                Waited::Stopped { signal: libc::SIGSTOP, .. } => self.was_sent_stop.set(true),
                Waited::Stopped { signal, .. } => {
                    return Err(ClockError::unfit(format!("signal {signal} came during {what}")));
                }
                Waited::Gone => return Err(ClockError::Ended),
            }
        }
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        // A thread that is gone has nothing to be restored.
        let _ = set_registers(self.thread, &self.before);
        let _ = self.block(self.signals_before);
        if self.was_sent_stop.get() {
            // SAFETY: a plain system call. The thread is stopped, so it gets the signal once it goes on.
            unsafe { libc::syscall(libc::SYS_tgkill, self.tracee.pid, self.thread, libc::SIGSTOP) };
        }
    }
}
