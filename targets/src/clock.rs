//! Clocks that are wrong for some processes, while the machine's own are never touched.
//!
//! A process asks the vDSO for the time, code that the kernel maps into it. [`Clocks`] stops the process for a moment, gives
//! it a page of code and a page of numbers, and makes the vDSO's functions jump there; from then on whatever the numbers
//! say is added to each answer. They change at any time without stopping anybody. All languages are reached that ask
//! as their libraries do: C, Go, Java, Rust. What is asked of the kernel itself stays right: raw system calls, times of
//! files, and absolute instants to wait for, so that a wait until an instant is off by what a clock has gained.
//!
//! - [`Skew`] says what is wrong; [`course`] what that makes of every instant, purely.
//! - The wall clock may jump. The monotonic one only runs faster or slower: it never goes back, and never jumps.
//! - [`ClockReading`] is the proof: the process itself is made to read its clocks, beside the node's.
//!
//! This module must not know what runs in the process, nor which faults exist.

pub mod course;

#[cfg(target_arch = "x86_64")]
mod board;
#[cfg(target_arch = "x86_64")]
mod clocks;
#[cfg(not(target_arch = "x86_64"))]
#[path = "clock/elsewhere.rs"]
mod clocks;
#[cfg(target_arch = "x86_64")]
mod image;
#[cfg(target_arch = "x86_64")]
mod maps;
#[cfg(target_arch = "x86_64")]
mod patch;
#[cfg(target_arch = "x86_64")]
mod process;
mod skew;
#[cfg(target_arch = "x86_64")]
mod stub;
#[cfg(target_arch = "x86_64")]
mod tracee;

pub use clocks::Clocks;
pub use skew::{ClockReading, ClocksSet, Interval, Patched, Skew, SkewedReading};

use std::io;
use thiserror::Error;

/// Why the clocks of a process cannot be set or read.
#[derive(Debug, Error)]
pub enum ClockError {
    /// The process ended meanwhile, or before.
    #[error("it has ended")]
    Ended,
    /// The kernel refuses to let this process reach into that one.
    #[error("{what}: {source}; {}", remedy())]
    Refused {
        /// The system call.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// Its code or memory is not as expected.
    #[error("{0}")]
    Unfit(String),
    /// It does not come to a stop.
    #[error("its thread {thread} (state {state}) does not stop within {after_s} s")]
    Restless {
        /// The thread.
        thread: i32,
        /// Its state as `/proc` tells it.
        state: char,
        /// How long it was waited for.
        after_s: u64,
    },
}

impl ClockError {
    fn call(what: &'static str, source: io::Error) -> ClockError {
        match source.raw_os_error() {
            Some(libc::ESRCH) => ClockError::Ended,
            _ => ClockError::Refused { what, source },
        }
    }

    fn last(what: &'static str) -> ClockError {
        ClockError::call(what, io::Error::last_os_error())
    }

    fn unfit(what: impl Into<String>) -> ClockError {
        ClockError::Unfit(what.into())
    }
}

/// What to do where one process may not reach into another.
fn remedy() -> &'static str {
    let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    match scope.trim() {
        "2" | "3" => "kernel.yama.ptrace_scope forbids it; lower it to 1 (after 3: at the next boot)",
        _ => "`squall doctor` tells whether this machine allows it",
    }
}
