//! A child that is patched just when its thread stands where the jump will be.

use super::*;
use crate::clock::course::Piece;
use std::collections::BTreeSet;

const HOUR_NS: i64 = 3_600_000_000_000;

extern "C" fn on_signal(_signal: i32) {}

/// Forks a child that asks for the time until it is an hour later, and then ends with 0. It makes system calls and asks for
/// the time, nothing else.
fn fork_reader() -> i32 {
    // Read here: the child may be stopped before it has read anything.
    let begin = true_ns(libc::CLOCK_REALTIME);
    // SAFETY: the child neither allocates nor locks, and leaves by `_exit`.
    match unsafe { libc::fork() } {
        // SAFETY: the handler does nothing, and what is given to the calls lives as long as they do.
        0 => unsafe {
            libc::signal(libc::SIGUSR1, on_signal as *const () as libc::sighandler_t);
            let mut of_day = libc::timeval { tv_sec: 0, tv_usec: 0 };
            loop {
                let now = true_ns(libc::CLOCK_REALTIME);
                libc::gettimeofday(&mut of_day, std::ptr::null_mut());
                let is_later = |seconds: i64| seconds - begin / 1_000_000_000 > 3_500;
                if is_later(now / 1_000_000_000) && is_later(of_day.tv_sec) {
                    libc::_exit(0);
                }
            }
        },
        child => child,
    }
}

/// Steps a new child to `place` of its vDSO, with or without a signal that interrupts it there, patches it, and lets it go on.
fn patched_at(place: usize, signal: Option<i32>) {
    let pid = fork_reader();
    let tracee = Tracee::stop_all(pid).unwrap();
    let vdso = Vdso::of(pid).unwrap().place;
    let mut at = 0;
    for _ in 0..2_000_000 {
        at = tracee::step(pid, pid, 0).unwrap();
        if at == vdso.start + place {
            break;
        }
    }
    assert_eq!(at, vdso.start + place, "it never came by");
    if let Some(signal) = signal {
        let handler = tracee::step(pid, pid, signal).unwrap();
        assert!(!vdso.contains(&handler), "it is in the handler");
    }
    let hour_ahead = Course::of(Piece { offset_ns: HOUR_NS, ..Piece::TRUE });
    let skewed = Skewed::patch(&tracee, &Courses { wall: hour_ahead, ..Courses::TRUE }, 1).unwrap();
    drop(tracee);
    let mut status = 0;
    // SAFETY: waits for the child.
    assert_eq!(unsafe { libc::waitpid(pid, &mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "at {place:#x}, {signal:?}: {status:#x}");
    assert!(!skewed.is_in(pid as u32));
}

#[test]
fn a_thread_goes_on_from_wherever_it_is_patched() {
    let own = Vdso::of(std::process::id() as i32).unwrap();
    let patch = patch::prepare(&own.image, own.place.start, own.place.end).unwrap();
    let starts = patch.jumps.iter().map(|(address, _)| *address);
    // `time` is not asked by the child; its functions are, at their beginnings and at each instruction that vanishes.
    let time = patch.jumps[2].0;
    let places: BTreeSet<usize> =
        starts.chain(patch.moved.keys().copied()).filter(|at| *at < time || *at > time + 16).collect();
    for place in places {
        patched_at(place - own.place.start, None);
        patched_at(place - own.place.start, Some(libc::SIGUSR1));
    }
}
