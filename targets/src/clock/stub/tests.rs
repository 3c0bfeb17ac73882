//! The stub, run here on a clock of the test's own, against the pure function that it is to follow.

use super::*;
use crate::clock::board::{Board, Origins};
use crate::clock::course::{Course, Courses, PIECES, Piece};
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

thread_local! {
    /// What the original functions show, in nanoseconds, and what they return.
    static SHOWN: Cell<(i64, i32)> = const { Cell::new((0, 0)) };
}

unsafe extern "C" fn original_clock_gettime(_clock: i32, time: *mut libc::timespec) -> i32 {
    let (shown, status) = SHOWN.get();
    // SAFETY: the tests pass a structure.
    unsafe { *time = libc::timespec { tv_sec: shown / 1_000_000_000, tv_nsec: shown % 1_000_000_000 } };
    status
}

unsafe extern "C" fn original_gettimeofday(time: *mut libc::timeval, _zone: *mut u8) -> i32 {
    let (shown, status) = SHOWN.get();
    if !time.is_null() {
        // SAFETY: the tests pass a structure or none.
        unsafe { *time = libc::timeval { tv_sec: shown / 1_000_000_000, tv_usec: shown / 1_000 % 1_000_000 } };
    }
    status
}

/// The stub at work in this process, with its board.
struct Stub {
    page: *mut u8,
    board: std::mem::ManuallyDrop<Board>,
}

impl Stub {
    fn new() -> Stub {
        let access = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: new memory, which the tests leave to the end of the process.
        let page = unsafe { libc::mmap(ptr::null_mut(), 2 * BOARD, access, flags, -1, 0) }.cast::<u8>();
        assert!(code().len() <= ORIGINAL_CLOCK_GETTIME);
        let originals = [
            (ORIGINAL_CLOCK_GETTIME, original_clock_gettime as *const () as usize),
            (ORIGINAL_GETTIMEOFDAY, original_gettimeofday as *const () as usize),
        ];
        // SAFETY: all of it lies within the new memory.
        let words = unsafe {
            ptr::copy_nonoverlapping(code().as_ptr(), page, code().len());
            for (at, address) in originals {
                // jmp [rip], and where to.
                ptr::copy_nonoverlapping([0xff, 0x25, 0, 0, 0, 0].as_ptr(), page.add(at), 6);
                ptr::copy_nonoverlapping(address.to_le_bytes().as_ptr(), page.add(at + 6), 8);
            }
            NonNull::new_unchecked(page.add(BOARD).cast::<AtomicU64>())
        };
        Stub { page, board: Board::over(words) }
    }

    fn clock_gettime(&self, clock: i32) -> (i32, i64) {
        let mut time = libc::timespec { tv_sec: -1, tv_nsec: -1 };
        // SAFETY: the stub has this signature.
        let status = unsafe {
            let function: unsafe extern "C" fn(i32, *mut libc::timespec) -> i32 =
                std::mem::transmute(self.page.add(CLOCK_GETTIME));
            function(clock, &mut time)
        };
        assert!((0..1_000_000_000).contains(&time.tv_nsec), "{time:?}");
        (status, time.tv_sec * 1_000_000_000 + time.tv_nsec)
    }

    fn gettimeofday(&self) -> i64 {
        let mut time = libc::timeval { tv_sec: -1, tv_usec: -1 };
        // SAFETY: the stub has this signature; a null pointer is allowed.
        unsafe {
            let function: unsafe extern "C" fn(*mut libc::timeval, *mut u8) -> i32 =
                std::mem::transmute(self.page.add(GETTIMEOFDAY));
            assert_eq!(function(ptr::null_mut(), ptr::null_mut()), 0);
            assert_eq!(function(&mut time, ptr::null_mut()), 0);
        }
        assert!((0..1_000_000).contains(&time.tv_usec), "{time:?}");
        time.tv_sec * 1_000_000 + time.tv_usec
    }

    fn time(&self) -> i64 {
        let mut stored = -1;
        // SAFETY: the stub has this signature; a null pointer is allowed.
        unsafe {
            let function: unsafe extern "C" fn(*mut i64) -> i64 = std::mem::transmute(self.page.add(TIME));
            let returned = function(ptr::null_mut());
            assert_eq!(function(&mut stored), returned);
            assert_eq!(stored, returned);
        }
        stored
    }
}

/// Numbers that repeat with their seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64).wrapping_mul(1_000_003).rem_euclid(end)
    }

    fn around(&mut self, most: i64) -> i64 {
        self.below(2 * most) - most
    }

    fn course(&mut self, around_ns: i64) -> Course {
        let used = 1 + self.below(PIECES as i64) as usize;
        let mut course = Course::of(Piece { offset_ns: self.around(7_200_000_000_000), ..Piece::TRUE });
        let mut start_ns = around_ns + self.around(1_000_000);
        for piece in &mut course.pieces[1..used] {
            *piece = Piece { start_ns, offset_ns: self.around(9_000_000_000), rate: self.around(1 << 32) };
            start_ns += self.below(1_000_000);
        }
        if self.below(2) == 0 {
            course.strobe_by_ns = self.around(500_000_000);
            course.strobe_every_ns = 1 + self.below(3_000_000);
        }
        course
    }
}

#[test]
fn it_adds_what_the_pure_function_says() {
    let mut stub = Stub::new();
    let mut numbers = Numbers(1);
    for _ in 0..20_000 {
        let now_ns = 1_600_000_000_000_000_000 + numbers.below(300_000_000_000_000_000);
        let origins = Origins {
            tai_ns: 37_000_000_000,
            raw_ns: numbers.around(5_000_000_000),
            boot_ns: numbers.below(90_000_000_000_000),
        };
        let courses = Courses { wall: numbers.course(now_ns), monotonic: numbers.course(now_ns) };
        stub.board.publish(&courses, &origins);
        for _ in 0..5 {
            let at_ns = now_ns + numbers.around(3_000_000);
            SHOWN.set((at_ns, 0));
            let (wall, monotonic) = (&courses.wall, &courses.monotonic);
            for (clock, course, origin_ns) in [
                (libc::CLOCK_REALTIME, Some(wall), 0),
                (libc::CLOCK_MONOTONIC, Some(monotonic), 0),
                (libc::CLOCK_PROCESS_CPUTIME_ID, None, 0),
                (libc::CLOCK_THREAD_CPUTIME_ID, None, 0),
                (libc::CLOCK_MONOTONIC_RAW, Some(monotonic), origins.raw_ns),
                (libc::CLOCK_REALTIME_COARSE, Some(wall), 0),
                (libc::CLOCK_MONOTONIC_COARSE, Some(monotonic), 0),
                (libc::CLOCK_BOOTTIME, Some(monotonic), origins.boot_ns),
                (libc::CLOCK_REALTIME_ALARM, Some(wall), 0),
                (libc::CLOCK_BOOTTIME_ALARM, Some(monotonic), origins.boot_ns),
                (10, None, 0),
                (libc::CLOCK_TAI, Some(wall), origins.tai_ns),
                (12, None, 0),
                (-6, None, 0), // the processor time of some process
            ] {
                let shift = course.map_or(0, |course| course.shift_at(at_ns - origin_ns));
                assert_eq!(stub.clock_gettime(clock), (0, at_ns + shift), "clock {clock}: {courses:?}, {origins:?}");
            }
            let truncated_ns = at_ns / 1_000 * 1_000;
            let expected_us = (truncated_ns + wall.shift_at(truncated_ns)).div_euclid(1_000);
            assert_eq!(stub.gettimeofday(), expected_us);
            assert_eq!(stub.time(), (at_ns + wall.shift_at(at_ns)).div_euclid(1_000_000_000));
        }
    }
}

#[test]
fn what_fails_stays_as_it_is_and_so_does_a_clock_that_is_right() {
    let mut stub = Stub::new();
    SHOWN.set((1_700_000_000_123_456_789, 0));
    assert_eq!(stub.clock_gettime(0), (0, 1_700_000_000_123_456_789));
    assert_eq!((stub.gettimeofday(), stub.time()), (1_700_000_000_123_456, 1_700_000_000));
    let hour_back = Course::of(Piece { offset_ns: -3_600_000_000_000, ..Piece::TRUE });
    stub.board.publish(&Courses { wall: hour_back, ..Courses::TRUE }, &Origins::default());
    SHOWN.set((1_700_000_000_123_456_789, -22));
    assert_eq!(stub.clock_gettime(0), (-22, 1_700_000_000_123_456_789));
    SHOWN.set((1_000_000_001, 0));
    assert_eq!(stub.clock_gettime(0), (0, -3_598_999_999_999), "before 1970, rounded down");
    stub.board.publish(&Courses::TRUE, &Origins::default());
    assert_eq!(stub.clock_gettime(0), (0, 1_000_000_001));
}
