//! A process whose vDSO goes through the stub: how it is made so, and how it is made to read its own clocks.

use super::board::{BYTES, Board, Origins, true_ns};
use super::course::{Course, Courses};
use super::patch::{self, JUMP_BYTES, Patch};
use super::skew::{ClockReading, Interval, SkewedReading};
use super::stub::{BOARD, GATE};
use super::tracee::{self, Hand, Tracee};
use super::{ClockError, maps};
use std::fs;
use std::ops::Range;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

/// Behind the board: memory of the process's own, where a call of ours finds its stack and leaves its result.
const SCRATCH: usize = BOARD + BYTES;
const STACK_END: usize = SCRATCH + 4096 - 64;
const ALL_BYTES: usize = SCRATCH + 4096;

/// Where on the board its number stands.
const NUMBER: usize = BOARD + 8;

/// How far up a stack is searched for frames of signals.
const STACK_BYTES: usize = 32 << 10;

/// The code segment of a program, as a frame of a signal tells it.
const USER_CODE_SEGMENT: u64 = 0x33;

/// How often each clock is read: the closest reading counts.
const READINGS: usize = 3;

/// A patched process, and the children that it has forked since.
#[derive(Debug)]
pub struct Skewed {
    /// The processes that share the board.
    pub pids: Vec<u32>,
    /// How their clocks go.
    pub courses: Courses,
    board: Board,
    /// The number on the board, by which it is known.
    number: u64,
    page: usize,
    clock_gettime: usize,
    jump: [u8; JUMP_BYTES],
}

/// Where the code of a process's vDSO is, and its bytes.
struct Vdso {
    maps: maps::Maps,
    place: Range<usize>,
    image: Vec<u8>,
}

impl Vdso {
    fn of(pid: i32) -> Result<Vdso, ClockError> {
        let text = fs::read_to_string(format!("/proc/{pid}/maps")).map_err(|_| ClockError::Ended)?;
        let maps = maps::parse(&text);
        let place = maps.vdso.clone().ok_or_else(|| ClockError::unfit("it has no vDSO"))?;
        let image = tracee::read(pid, place.start, place.len())?;
        Ok(Vdso { maps, place, image })
    }
}

impl Skewed {
    /// Patches a stopped process, so that its clocks go like `courses`.
    ///
    /// # Errors
    /// When it cannot be done; the process then goes on as before.
    pub fn patch(tracee: &Tracee, courses: &Courses, number: u64) -> Result<Skewed, ClockError> {
        let Vdso { maps, place, image } = Vdso::of(tracee.pid)?;
        if patch::is_patched(&image)? {
            return Err(ClockError::unfit("somebody else has patched its vDSO already; start it anew"));
        }
        let page = maps.room(ALL_BYTES, place.start).ok_or_else(|| ClockError::unfit("no room beside its vDSO"))?;
        let patch = patch::prepare(&image, place.start, page)?;
        let instruction = patch::system_call(&image).ok_or_else(|| ClockError::unfit("no system call in its vDSO"))?;
        let hand = tracee.hand()?;
        let mut board = furnish(tracee, &hand, place.start + instruction, page, &patch)?;
        drop(hand);
        board.set_number(number);
        board.publish(courses, &Origins::now());
        move_threads(tracee, &patch, &place)?;
        for (address, bytes) in &patch.jumps {
            tracee.poke(*address, bytes)?;
        }
        let jump = patch.jumps.iter().find(|(address, _)| *address == patch.clock_gettime);
        let jump = jump.map(|(_, bytes)| *bytes).unwrap_or_default();
        let (pids, clock_gettime) = (vec![tracee.pid as u32], patch.clock_gettime);
        Ok(Skewed { pids, courses: *courses, board, number, page, clock_gettime, jump })
    }

    /// Lets the clocks go so from now on.
    pub fn publish(&mut self, courses: &Courses, origins: &Origins) {
        self.board.publish(courses, origins);
        self.courses = *courses;
    }

    /// Whether the process is patched so and shares this board: it may have become another program since, or be gone.
    pub fn is_in(&self, pid: u32) -> bool {
        let holds = |at, bytes: &[u8]| tracee::read(pid as i32, at, bytes.len()).is_ok_and(|read| read == bytes);
        holds(self.clock_gettime, &self.jump) && holds(self.page + NUMBER, &self.number.to_le_bytes())
    }

    /// Makes a thread of the process read its clocks.
    pub fn read(&self, pid: u32) -> Result<ClockReading, ClockError> {
        let tracee = Tracee::stop_one(pid as i32)?;
        let hand = tracee.hand()?;
        let read = |clock, course| self.read_clock(&tracee, &hand, clock, course);
        Ok(ClockReading {
            wall: read(libc::CLOCK_REALTIME, &self.courses.wall)?,
            monotonic: read(libc::CLOCK_MONOTONIC, &self.courses.monotonic)?,
        })
    }

    fn read_clock(
        &self,
        tracee: &Tracee,
        hand: &Hand<'_>,
        clock: libc::clockid_t,
        course: &Course,
    ) -> Result<SkewedReading, ClockError> {
        let result_at = self.page + SCRATCH;
        let mut best: Option<(i64, i64, i64)> = None;
        for _ in 0..READINGS {
            let before = true_ns(clock);
            let status =
                hand.call(self.page + GATE, self.clock_gettime, self.page + STACK_END, [clock as usize, result_at])?;
            let after = true_ns(clock);
            if status != 0 {
                return Err(ClockError::unfit(format!("its clock_gettime returned {status}")));
            }
            let [seconds, rest] = [0, 8].map(|at| tracee.read(result_at + at, 8).map(|bytes| bytes.try_into()));
            let number = |read: Result<Result<[u8; 8], _>, ClockError>| {
                read.map(|bytes| i64::from_le_bytes(bytes.unwrap_or_default()))
            };
            let shown = number(seconds)?.wrapping_mul(1_000_000_000).wrapping_add(number(rest)?);
            if best.is_none_or(|(from, to, _)| after - before < to - from) {
                best = Some((before, after, shown));
            }
        }
        let (before, after, shown) = best.unwrap_or_default();
        Ok(SkewedReading {
            ahead_ns: Interval::between(shown - after, shown - before),
            wanted_ns: wanted(course, before, after),
        })
    }
}

/// What may be added to a reading made from one instant to another.
fn wanted(course: &Course, before: i64, after: i64) -> Interval {
    let shifts = Interval::between(course.shift_at(before), course.shift_at(after));
    let every = course.strobe_every_ns;
    if every == 0 || before / every == after / every {
        return shifts;
    }
    let steady = Course { strobe_every_ns: 0, ..*course }.shift_at(before);
    Interval::between(steady, steady + course.strobe_by_ns)
}

/// Gives the process its pages: code, a board that is shared with this process, memory for calls.
fn furnish(
    tracee: &Tracee,
    hand: &Hand<'_>,
    instruction: usize,
    page: usize,
    patch: &Patch,
) -> Result<Board, ClockError> {
    let (read_write, read_execute) = (libc::PROT_READ | libc::PROT_WRITE, libc::PROT_READ | libc::PROT_EXEC);
    let map = |at: usize, bytes: usize, flags: i32, file: usize| {
        let arguments = [at, bytes, read_write as usize, flags as usize, file, 0];
        hand.system_call(instruction, "mmap", libc::SYS_mmap, arguments)
    };
    let own = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let mapped = map(page, ALL_BYTES, own, usize::MAX)?;
    let furnished = (|| {
        if mapped != page {
            return Err(ClockError::unfit("this kernel maps elsewhere than it is told; it must be newer than 4.17"));
        }
        tracee.write(page + SCRATCH, b"squall-clock\0")?;
        let arguments = [page + SCRATCH, libc::MFD_CLOEXEC as usize, 0, 0, 0, 0];
        let file = hand.system_call(instruction, "memfd_create", libc::SYS_memfd_create, arguments)?;
        let board = share(tracee.pid, file).and_then(|board| {
            map(page + BOARD, BYTES, libc::MAP_SHARED | libc::MAP_FIXED, file)?;
            Ok(board)
        });
        hand.system_call(instruction, "close", libc::SYS_close, [file, 0, 0, 0, 0, 0])?;
        tracee.write(page, &patch.code)?;
        let arguments = [page, BOARD, read_execute as usize, 0, 0, 0];
        hand.system_call(instruction, "mprotect", libc::SYS_mprotect, arguments)?;
        board
    })();
    if furnished.is_err() {
        // The first error tells more than one here would.
        let _ = hand.system_call(instruction, "munmap", libc::SYS_munmap, [mapped, ALL_BYTES, 0, 0, 0, 0]);
    }
    furnished
}

/// Maps here the file that a traced process has open, made as large as a board.
fn share(pid: i32, file: usize) -> Result<Board, ClockError> {
    let owned = |what, descriptor: libc::c_long| match i32::try_from(descriptor) {
        // SAFETY: the kernel has just made this descriptor for us.
        Ok(descriptor) if descriptor >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(ClockError::last(what)),
    };
    // SAFETY: a plain system call.
    let process = owned("pidfd_open", unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) })?;
    use std::os::fd::AsRawFd;
    // SAFETY: as above.
    let file = owned("pidfd_getfd", unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), file, 0) })?;
    nix::unistd::ftruncate(&file, BYTES as i64).map_err(|errno| ClockError::call("ftruncate", errno.into()))?;
    Board::map(file.as_fd())
}

/// Lets every thread that stands between two instructions that are about to vanish go on in their copies, also when a
/// signal's handler has come between.
fn move_threads(tracee: &Tracee, patch: &Patch, vdso: &Range<usize>) -> Result<(), ClockError> {
    let mut stack = vec![0_u8; STACK_BYTES];
    for thread in &tracee.threads {
        let (instruction, top) = match tracee::pointers(*thread) {
            Ok(pointers) => pointers,
            Err(ClockError::Ended) => continue,
            Err(error) => return Err(error),
        };
        if let Some(copy) = patch.moved.get(&instruction) {
            tracee::move_to(*thread, *copy)?;
        }
        let top = top & !7;
        let length = tracee::read_some(tracee.pid, top, &mut stack).unwrap_or(0);
        let words: Vec<u64> = stack[..length].chunks_exact(8).map(word).collect();
        // Instruction pointer, flags, segments: so a frame keeps what was interrupted.
        for (place, frame) in words.windows(3).enumerate() {
            let interrupted = frame[0] as usize;
            if !vdso.contains(&interrupted) || frame[2] & 0xffff != USER_CODE_SEGMENT {
                continue;
            }
            if let Some(copy) = patch.moved.get(&interrupted) {
                tracee.write(top + 8 * place, &copy.to_le_bytes())?;
            }
        }
    }
    Ok(())
}

fn word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().copied().map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests;
