//! The page of numbers that a patched process shares with whoever set its clocks.
//!
//! The first word is the generation; each generation's numbers lie in the half that its lowest bit names, so a new one is
//! written beside the one in force, and comes into force by a single store.

use super::ClockError;
use super::course::{Course, Courses};
use super::skew::True;
use std::fmt;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

/// Its size: a page.
pub const BYTES: usize = 4096;

/// How far apart the two clocks of a half are, in words, and where the corrections are in each.
const CLOCK_WORDS: usize = 32;
const CORRECTIONS: usize = 14;

/// Where the halves begin, and how far apart they are.
const HALVES: usize = 8;
const HALF_WORDS: usize = 2 * CLOCK_WORDS;

/// A board, mapped here.
pub struct Board {
    words: NonNull<AtomicU64>,
    generation: u64,
}

// SAFETY: the mapping is owned, shared memory that is only accessed as atomic words.
unsafe impl Send for Board {}

impl Board {
    /// Maps the file, of at least [`BYTES`]; its clocks are right.
    pub fn map(file: BorrowedFd<'_>) -> Result<Board, ClockError> {
        use std::os::fd::AsRawFd;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at an address that the kernel chooses.
        let address = unsafe { libc::mmap(ptr::null_mut(), BYTES, access, libc::MAP_SHARED, file.as_raw_fd(), 0) };
        match NonNull::new(address.cast()) {
            Some(words) if address != libc::MAP_FAILED => Ok(Board { words, generation: 0 }),
            _ => Err(ClockError::last("mmap of a board")),
        }
    }

    /// A board over memory that somebody else keeps.
    #[cfg(test)]
    pub fn over(words: NonNull<AtomicU64>) -> std::mem::ManuallyDrop<Board> {
        std::mem::ManuallyDrop::new(Board { words, generation: 0 })
    }

    fn word(&self, place: usize) -> &AtomicU64 {
        assert!(place < BYTES / size_of::<u64>());
        // SAFETY: within the page, which stays mapped as long as this value lives.
        unsafe { self.words.add(place).as_ref() }
    }

    /// Gives it a number to be known by.
    pub fn set_number(&self, number: u64) {
        self.word(1).store(number, Ordering::SeqCst);
    }

    /// Lets the clocks go so from now on.
    pub fn publish(&mut self, courses: &Courses, origins: &Origins) {
        if *courses == Courses::TRUE {
            return self.word(0).store(0, Ordering::SeqCst);
        }
        self.generation += 1;
        let half = HALVES + (self.generation & 1) as usize * HALF_WORDS;
        let Origins { tai_ns, raw_ns, boot_ns } = *origins;
        self.write(half, &courses.wall, [0, tai_ns, 0]);
        self.write(half + CLOCK_WORDS, &courses.monotonic, [0, raw_ns, boot_ns]);
        self.word(0).store(self.generation, Ordering::SeqCst);
    }

    fn write(&self, begin: usize, course: &Course, corrections: [i64; 3]) {
        let strobe = [course.strobe_by_ns, course.strobe_every_ns];
        let pieces = course.pieces.iter().flat_map(|piece| [piece.start_ns, piece.offset_ns, piece.rate]);
        for (place, number) in strobe.into_iter().chain(pieces).enumerate() {
            self.word(begin + place).store(number as u64, Ordering::SeqCst);
        }
        for (place, number) in corrections.into_iter().enumerate() {
            self.word(begin + CORRECTIONS + place).store(number as u64, Ordering::SeqCst);
        }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and nothing borrows from it any more.
        unsafe { libc::munmap(self.words.as_ptr().cast(), BYTES) };
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Board({})", self.generation)
    }
}

/// How far the clocks of other origins are ahead of the one whose course they follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origins {
    /// `CLOCK_TAI`, of the wall clock.
    pub tai_ns: i64,
    /// `CLOCK_MONOTONIC_RAW`, of the monotonic clock.
    pub raw_ns: i64,
    /// `CLOCK_BOOTTIME`, of the monotonic clock.
    pub boot_ns: i64,
}

/// A clock of this machine, in nanoseconds.
pub fn true_ns(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills the structure; the clocks asked for exist on every Linux.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// How far one clock is ahead of another, by the closest of some comparisons.
fn apart(one: libc::clockid_t, other: libc::clockid_t) -> i64 {
    let compare = |_| {
        let (before, middle, after) = (true_ns(other), true_ns(one), true_ns(other));
        (after - before, middle - (before + (after - before) / 2))
    };
    (0..5).map(compare).min().map_or(0, |(_, ahead_ns)| ahead_ns)
}

impl Origins {
    /// As they are now, to some tens of nanoseconds.
    pub fn now() -> Origins {
        Origins {
            tai_ns: apart(libc::CLOCK_TAI, libc::CLOCK_REALTIME),
            raw_ns: apart(libc::CLOCK_MONOTONIC_RAW, libc::CLOCK_MONOTONIC),
            boot_ns: apart(libc::CLOCK_BOOTTIME, libc::CLOCK_MONOTONIC),
        }
    }
}

impl True {
    /// The clocks of this machine.
    pub fn now() -> True {
        True { wall_ns: true_ns(libc::CLOCK_REALTIME), monotonic_ns: true_ns(libc::CLOCK_MONOTONIC) }
    }
}
