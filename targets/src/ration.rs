//! A ration of processor time: a process that stops others and lets them go on, by turns, as cpulimit(1) does.
//!
//! What a process gets is bounded by the share of time in which it may run at all, as by `cpu.max` of cgroups, whose period this
//! has. But it needs neither a cgroup nor a privilege, loads no processor with work of its own, and leaves nothing behind: it lives on
//! the node, and dies with it. A process that was made idle in the scheduler instead could not be made normal again by an
//! ordinary user.

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::ffi::OsString;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// The argument after [`crate::agent::ARGUMENT`] that makes the executable ration a process.
pub(crate) const ARGUMENT: &str = "ration";

/// One turn of standing still and going on.
const PERIOD: Duration = Duration::from_millis(100);

/// What the executable is started with to let the group of `pid` run for so many millionths of the time.
pub(crate) fn arguments(pid: u32, share_ppm: u32) -> [String; 3] {
    [ARGUMENT.into(), pid.to_string(), share_ppm.to_string()]
}

/// Rations the process group in the arguments until it is gone, or until it is itself killed.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut numbers = args.into_iter().map(|argument| argument.to_str().and_then(|text| text.parse::<u32>().ok()));
    let (Some(Some(pid)), Some(Some(share_ppm))) = (numbers.next(), numbers.next()) else {
        eprintln!("ration: name a process and a share");
        return ExitCode::FAILURE;
    };
    be_punctual();
    let group = Pid::from_raw(pid as i32);
    match turn_by_turn(share_ppm, |signal| killpg(group, signal)) {
        Errno::ESRCH => ExitCode::SUCCESS,
        errno => {
            eprintln!("ration process {pid}: {}", errno.desc());
            ExitCode::FAILURE
        }
    }
}

/// Where this user may, before others: who is late in stopping gives too much.
fn be_punctual() {
    // SAFETY: a plain system call on numbers; without the privilege it changes nothing.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -20) };
}

/// Returns why it ended.
fn turn_by_turn(share_ppm: u32, mut send: impl FnMut(Signal) -> Result<(), Errno>) -> Errno {
    let runs = Duration::from_nanos(PERIOD.as_nanos() as u64 * u64::from(share_ppm.min(1_000_000)) / 1_000_000);
    let mut turn = Instant::now();
    loop {
        let sent = send(Signal::SIGSTOP).and_then(|()| {
            // Counted from the beginning of the turn: whoever is late does not make it longer.
            turn = (turn + PERIOD).max(Instant::now());
            thread::sleep((turn - runs).saturating_duration_since(Instant::now()));
            send(Signal::SIGCONT)
        });
        if let Err(errno) = sent {
            return errno;
        }
        thread::sleep(turn.saturating_duration_since(Instant::now()).min(runs));
    }
}

/// How much processor time a process has had, by its line in `/proc/<pid>/stat`.
pub(crate) fn processor_time(stat: &str) -> Option<Duration> {
    /// Of the system's ticks, on every architecture of today.
    const TICK: Duration = Duration::from_millis(10);
    // The name before them may contain blanks and parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(TICK * (ticks()? + ticks()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 150 25 7 9 20 0 1 0 8000 1 1 1";
        assert_eq!(processor_time(stat), Some(Duration::from_millis(1_750)));
        assert_eq!(processor_time("42 (cut of"), None);
    }

    #[test]
    fn it_stops_and_goes_on_by_turns_until_nobody_is_there() {
        let (mut sent, begin) = (Vec::new(), Instant::now());
        let ended = turn_by_turn(200_000, |signal| {
            sent.push(signal);
            if sent.len() > 6 { Err(Errno::ESRCH) } else { Ok(()) }
        });
        assert_eq!(ended, Errno::ESRCH);
        let by_turns = [Signal::SIGSTOP, Signal::SIGCONT].into_iter().cycle().take(7);
        assert!(sent.iter().copied().eq(by_turns), "{sent:?}");
        assert!(begin.elapsed() >= PERIOD * 2, "{:?}", begin.elapsed());
    }
}
