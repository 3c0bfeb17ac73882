//! The process whose clocks are skewed: it says what it reads, or reads as fast as it can and sees that nothing goes back.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{mem, ptr, thread};

/// The first argument that makes this executable the child.
pub const ARGUMENT: &str = "clock-child";

pub fn play(part: &str) -> ExitCode {
    match part {
        "speaker" => speak(),
        "hot" => read_hot(),
        "sleeper" => sleep(),
        "forker" => fork_and_speak(),
        "once" => println!("{}", clock(libc::CLOCK_REALTIME)),
        _ => return ExitCode::from(64),
    }
    ExitCode::SUCCESS
}

/// A clock as the C library gives it, in nanoseconds.
pub fn clock(clock: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: fills the structure.
    assert_eq!(unsafe { libc::clock_gettime(clock, &mut time) }, 0);
    assert!((0..1_000_000_000).contains(&time.tv_nsec));
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// All that tell the wall clock, in nanoseconds; the coarse ones lag, and the last tells seconds alone.
pub fn wall_clocks() -> [i64; 5] {
    let mut time = libc::timeval { tv_sec: 0, tv_usec: 0 };
    // SAFETY: fills the structure.
    assert_eq!(unsafe { libc::gettimeofday(&mut time, ptr::null_mut()) }, 0);
    let of_day = time.tv_sec * 1_000_000_000 + time.tv_usec * 1_000;
    // SAFETY: a plain call.
    let seconds = unsafe { libc::time(ptr::null_mut()) };
    let tai = clock(libc::CLOCK_TAI) - tai_ahead_ns();
    [clock(libc::CLOCK_REALTIME), of_day, tai, clock(libc::CLOCK_REALTIME_COARSE), seconds * 1_000_000_000]
}

/// As the kernel has it, past the vDSO.
fn tai_ahead_ns() -> i64 {
    let kernel = |clock: libc::clockid_t| {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: fills the structure.
        unsafe { libc::syscall(libc::SYS_clock_gettime, clock, &mut time) };
        time.tv_sec
    };
    (kernel(libc::CLOCK_TAI) - kernel(libc::CLOCK_REALTIME)) * 1_000_000_000
}

/// Answers each line with all the clocks.
fn speak() {
    for line in io::stdin().lock().lines() {
        line.unwrap();
        let numbers: Vec<String> =
            wall_clocks().iter().chain(&[clock(libc::CLOCK_MONOTONIC)]).map(i64::to_string).collect();
        println!("{}", numbers.join(" "));
        io::stdout().flush().unwrap();
    }
}

static OVER: AtomicBool = AtomicBool::new(false);
static READINGS: AtomicU64 = AtomicU64::new(0);
static BACK_NS: AtomicI64 = AtomicI64::new(0);
/// The latest reading of each monotonic clock by any thread.
static LATEST: [AtomicI64; 4] = [const { AtomicI64::new(0) }; 4];
const MONOTONIC: [libc::clockid_t; 4] =
    [libc::CLOCK_MONOTONIC, libc::CLOCK_BOOTTIME, libc::CLOCK_MONOTONIC_COARSE, libc::CLOCK_MONOTONIC_RAW];

/// Reads every monotonic clock once, and notes by how much it went back.
fn look() {
    for (place, kind) in MONOTONIC.into_iter().enumerate() {
        // Whoever stored this value had read it before this reading begins.
        let before = LATEST[place].load(Ordering::SeqCst);
        let now = clock(kind);
        LATEST[place].fetch_max(now, Ordering::SeqCst);
        // The raw clock's distance from the other is measured anew with each change, to some tens of nanoseconds.
        let allowed = if kind == libc::CLOCK_MONOTONIC_RAW { 2_000 } else { 0 };
        if before - now > allowed {
            BACK_NS.fetch_max(before - now, Ordering::SeqCst);
        }
    }
    wall_clocks();
    READINGS.fetch_add(1, Ordering::Relaxed);
}

extern "C" fn on_signal(_signal: i32) {
    // Allocates nothing and takes no lock.
    look();
}

/// Threads that read without a pause, threads that come and go, and a signal every half millisecond that interrupts them all.
fn read_hot() {
    // SAFETY: a handler that is safe in signals, and a timer; both last as long as the process.
    unsafe {
        let mut action: libc::sigaction = mem::zeroed();
        action.sa_sigaction = on_signal as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGALRM, &action, ptr::null_mut()), 0);
        let every = libc::timeval { tv_sec: 0, tv_usec: 500 };
        let timer = libc::itimerval { it_interval: every, it_value: every };
        assert_eq!(libc::setitimer(libc::ITIMER_REAL, &timer, ptr::null_mut()), 0);
    }
    let steady: Vec<_> = (0..2)
        .map(|_| {
            thread::spawn(|| {
                while !OVER.load(Ordering::Relaxed) {
                    look()
                }
            })
        })
        .collect();
    let comers = thread::spawn(|| {
        while !OVER.load(Ordering::Relaxed) {
            let few: Vec<_> = (0..3).map(|_| thread::spawn(|| (0..50).for_each(|_| look()))).collect();
            few.into_iter().for_each(|thread| thread.join().unwrap());
        }
    });
    println!("up");
    io::stdout().flush().unwrap();
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    OVER.store(true, Ordering::Relaxed);
    steady.into_iter().chain([comers]).for_each(|thread| thread.join().unwrap());
    println!("{} {}", READINGS.load(Ordering::Relaxed), BACK_NS.load(Ordering::Relaxed));
}

/// Says how long a sleep and a wait took by the kernel's own account of things.
fn sleep() {
    println!("up");
    io::stdout().flush().unwrap();
    let begin = Instant::now();
    thread::sleep(Duration::from_millis(400));
    println!("{}", begin.elapsed().as_millis());
    io::stdout().flush().unwrap();
    // A read that is interrupted must begin again.
    let mut byte = 0_u8;
    // SAFETY: reads one byte into a variable.
    let read = unsafe { libc::read(0, (&raw mut byte).cast(), 1) };
    println!("{read}");
}

/// Forks once the first line has come; the child answers the others.
fn fork_and_speak() {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    // SAFETY: this process has one thread.
    match unsafe { libc::fork() } {
        0 => {
            println!("{}", std::process::id());
            io::stdout().flush().unwrap();
            speak();
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for the child.
            unsafe { libc::waitpid(child, &mut status, 0) };
        }
    }
}
