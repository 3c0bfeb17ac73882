//! Clocks of real processes, skewed while they run: what they see, and what they must not notice.
//!
//! Has a `main` of its own, because the same executable is the process whose clocks are wrong.

mod child;

use libtest_mimic::{Arguments, Failed, Trial};
use squall_targets::clock::{ClockError, Clocks, Skew};
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const MS: i64 = 1_000_000;
const HOUR: i64 = 3_600_000 * MS;

/// How late a coarse clock may be, and a machine that is busy with other things.
const SLACK_NS: i64 = 20 * MS;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    if arguments.next().is_some_and(|first| first == child::ARGUMENT) {
        return child::play(&arguments.next().unwrap_or_default());
    }
    let mut arguments = Arguments::from_args();
    // Who traces is a thread, and waiting for children is a process.
    arguments.test_threads = Some(1);
    let tests: [(&str, fn()); 9] = [
        ("every_function_shows_a_jump_and_its_end", jump),
        ("a_strobe_goes_there_and_back", strobe),
        ("a_drift_gains_and_returns_without_going_back", drift),
        ("hot_threads_and_signals_do_not_notice", hot),
        ("a_sleep_and_a_read_go_on", sleeper),
        ("a_stopped_process_stays_stopped", stopped),
        ("a_program_starts_with_wrong_clocks", at_exec),
        ("a_forked_child_shares_them_and_another_program_does_not", forked),
        ("who_has_ended_is_told", ended),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    });
    libtest_mimic::run(&arguments, trials.into()).exit_code()
}

/// A child to talk to; killed when dropped.
struct Talker {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Talker {
    fn start(part: &str) -> Talker {
        Talker::of(Command::new(env::current_exe().unwrap()).args([child::ARGUMENT, part]))
    }

    fn of(command: &mut Command) -> Talker {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Talker { child, to, from }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn say(&mut self) {
        self.to.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// How far each of its clocks is ahead of the machine's: from, and to.
    fn ahead(&mut self) -> Vec<(i64, i64)> {
        let own = || child::wall_clocks().into_iter().chain([child::clock(libc::CLOCK_MONOTONIC)]);
        let before: Vec<i64> = own().collect();
        self.say();
        let line = self.line();
        let shown = line.split(' ').map(|number| number.parse::<i64>().unwrap());
        shown.zip(before).zip(own()).map(|((shown, before), after)| (shown - after, shown - before)).collect()
    }

    #[track_caller]
    fn expect(&mut self, wall_ns: i64, what: &str) {
        let all = self.ahead();
        for (place, (from, to)) in all.into_iter().enumerate() {
            let expected = if place < 5 { wall_ns } else { 0 };
            let slack = if place == 4 { 1_000 * MS } else { SLACK_NS };
            assert!(from - slack <= expected && expected <= to + slack, "{what}, clock {place}: {from} to {to}");
        }
    }

    fn state(&self) -> char {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        stat.rsplit_once(')').unwrap().1.trim_start().chars().next().unwrap()
    }

    fn send(&self, signal: i32) {
        // SAFETY: a plain system call to a child that is not reaped yet.
        assert_eq!(unsafe { libc::kill(self.pid() as i32, signal) }, 0);
    }

    fn finish(mut self) -> String {
        drop(self.to.take());
        let line = self.line();
        assert!(self.child.wait().unwrap().success());
        line
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until the condition holds.
fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::yield_now();
    }
}

fn jump() {
    let (mut talker, mut clocks) = (Talker::start("speaker"), Clocks::default());
    talker.expect(0, "at first");
    for by_ns in [HOUR, -HOUR, 3 * MS, -1, 100 * 24 * HOUR, 57_000 * MS] {
        let set = clocks.set(Skew::Jump { by_ns }, &[talker.pid()]).unwrap();
        assert_eq!(set.settles_after_ns, 0);
        assert_eq!(set.patched.len(), usize::from(by_ns == HOUR), "patched once, changed ever after");
        talker.expect(by_ns, "after a jump");
        let reading = clocks.read(talker.pid()).unwrap();
        assert!(reading.wall.is_as_wanted() && reading.monotonic.is_as_wanted(), "{reading:?}");
        assert!((reading.wall.ahead_ns.middle() - by_ns).abs() < SLACK_NS, "{reading:?}");
        assert_eq!(reading.monotonic.wanted_ns.middle(), 0);
    }
    assert!(clocks.is_skewed());
    clocks.set(Skew::None, &[talker.pid()]).unwrap();
    assert!(!clocks.is_skewed());
    talker.expect(0, "healed");
    let reading = clocks.read(talker.pid()).unwrap();
    assert!(reading.wall.is_as_wanted() && reading.wall.wanted_ns.middle() == 0, "{reading:?}");
}

fn strobe() {
    let (talker, mut clocks) = (Talker::start("speaker"), Clocks::default());
    clocks.set(Skew::Strobe { by_ns: -200 * MS, every_ns: MS }, &[talker.pid()]).unwrap();
    let mut seen = [false; 2];
    until("both sides of the strobe", || {
        let wall = clocks.read(talker.pid()).unwrap().wall;
        assert!(wall.is_as_wanted(), "{wall:?}");
        // A reading that took long says nothing.
        if wall.ahead_ns.most - wall.ahead_ns.least < 50 * MS {
            seen[usize::from(wall.ahead_ns.middle() < -100 * MS)] = true;
        }
        seen == [true; 2]
    });
    clocks.set(Skew::None, &[]).unwrap();
    let wall = clocks.read(talker.pid()).unwrap().wall;
    assert!(wall.is_as_wanted() && wall.wanted_ns.middle() == 0, "{wall:?}");
}

fn drift() {
    let (mut hot, mut clocks) = (Talker::start("hot"), Clocks::default());
    hot.line();
    let pid = hot.pid();
    for ppm in [300_000, -300_000, 20_000, -500_000, 1_000_000] {
        clocks.set(Skew::Drift { ppm }, &[pid]).unwrap();
        until("the drift shows", || {
            let reading = clocks.read(pid).unwrap();
            assert!(reading.monotonic.is_as_wanted() && reading.wall.is_as_wanted(), "{reading:?}");
            reading.monotonic.ahead_ns.excludes_zero() && reading.wall.ahead_ns.excludes_zero()
        });
    }
    let set = clocks.set(Skew::None, &[pid]).unwrap();
    assert!(set.settles_after_ns > 0);
    let deadline = Instant::now() + Duration::from_nanos(set.settles_after_ns);
    assert!(clocks.is_skewed(), "it takes a while");
    until("the way back is over", || Instant::now() > deadline + Duration::from_millis(30));
    assert!(!clocks.is_skewed());
    let reading = clocks.read(pid).unwrap();
    assert_eq!((reading.monotonic.wanted_ns.least, reading.monotonic.wanted_ns.most), (0, 0));
    assert!(reading.monotonic.is_as_wanted() && reading.wall.is_as_wanted(), "{reading:?}");
    saw_nothing_go_back(hot);
}

#[track_caller]
fn saw_nothing_go_back(hot: Talker) {
    let line = hot.finish();
    let (readings, back) = line.split_once(' ').unwrap();
    assert_eq!(back, "0", "nanoseconds back, of {readings} readings");
    assert!(readings.parse::<u64>().unwrap() > 100, "{readings}");
}

fn hot() {
    for _ in 0..25 {
        let (mut hot, mut clocks) = (Talker::start("hot"), Clocks::default());
        hot.line();
        let set = clocks.set(Skew::Jump { by_ns: HOUR }, &[hot.pid()]).unwrap();
        assert!(set.patched[0].threads >= 4, "{set:?}");
        for place in 0..40 {
            clocks.set(Skew::Jump { by_ns: (place - 20) * HOUR / 7 }, &[hot.pid()]).unwrap();
            let reading = clocks.read(hot.pid()).unwrap();
            assert!(reading.wall.is_as_wanted() && reading.monotonic.is_as_wanted(), "{reading:?}");
        }
        clocks.set(Skew::None, &[]).unwrap();
        saw_nothing_go_back(hot);
    }
}

fn sleeper() {
    let (mut sleeper, mut clocks) = (Talker::start("sleeper"), Clocks::default());
    sleeper.line();
    for _ in 0..20 {
        clocks.set(Skew::Jump { by_ns: HOUR }, &[sleeper.pid()]).unwrap();
        clocks.read(sleeper.pid()).unwrap();
    }
    let slept_ms: u64 = sleeper.line().parse().unwrap();
    assert!((400..20_000).contains(&slept_ms), "{slept_ms}");
    until("it waits for input", || sleeper.state() == 'S');
    for _ in 0..20 {
        clocks.read(sleeper.pid()).unwrap();
    }
    sleeper.say();
    assert_eq!(sleeper.finish(), "1");
}

fn stopped() {
    let (mut talker, mut clocks) = (Talker::start("speaker"), Clocks::default());
    talker.expect(0, "at first");
    talker.send(libc::SIGSTOP);
    until("it stops", || talker.state() == 'T');
    for by_ns in [HOUR, -HOUR] {
        clocks.set(Skew::Jump { by_ns }, &[talker.pid()]).unwrap();
        let reading = clocks.read(talker.pid()).unwrap();
        assert!(reading.wall.is_as_wanted() && reading.wall.ahead_ns.excludes_zero(), "{reading:?}");
        until("it is as it was", || talker.state() == 'T');
    }
    talker.send(libc::SIGCONT);
    talker.expect(-HOUR, "when it goes on");
}

fn at_exec() {
    let mut clocks = Clocks::default();
    clocks.set(Skew::Jump { by_ns: -5 * HOUR }, &[]).unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([child::ARGUMENT, "once"]);
    // SAFETY: a plain system call in the forked child.
    unsafe { command.pre_exec(Clocks::ask_to_be_traced) };
    let before = child::clock(libc::CLOCK_REALTIME);
    let mut talker = Talker::of(&mut command);
    let patched = clocks.patch_at_exec(talker.pid()).unwrap();
    assert_eq!((patched.pid, patched.threads), (talker.pid(), 1));
    let shown: i64 = talker.line().parse().unwrap();
    let (from, to) = (shown - child::clock(libc::CLOCK_REALTIME), shown - before);
    assert!(from <= -5 * HOUR && -5 * HOUR <= to, "{from} to {to}");
    assert!(talker.child.wait().unwrap().success());
}

fn forked() {
    let (mut talker, mut clocks) = (Talker::start("forker"), Clocks::default());
    clocks.set(Skew::Jump { by_ns: HOUR }, &[talker.pid()]).unwrap();
    talker.say();
    let child: u32 = talker.line().parse().unwrap();
    talker.expect(HOUR, "in the child");
    let set = clocks.set(Skew::Jump { by_ns: -HOUR }, &[talker.pid(), child]).unwrap();
    assert_eq!(set.patched, [], "they share it");
    talker.expect(-HOUR, "in the child, set later");
    assert!(clocks.read(child).unwrap().wall.is_as_wanted());

    // A shell that becomes another program loses it, which is told, and is patched again when it is set.
    let exe = env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "read line; exec \"$0\" clock-child speaker", exe.to_str().unwrap()]);
    let mut shell = Talker::of(&mut command);
    assert_eq!(clocks.set(Skew::Jump { by_ns: HOUR }, &[shell.pid()]).unwrap().patched.len(), 1);
    shell.say();
    shell.expect(0, "another program");
    assert!(clocks.read(shell.pid()).unwrap_err().to_string().contains("another program"));
    assert_eq!(clocks.set(Skew::Jump { by_ns: HOUR }, &[shell.pid()]).unwrap().patched.len(), 1);
    assert!(clocks.read(shell.pid()).unwrap().wall.is_as_wanted());
    shell.expect(HOUR, "patched again");
}

fn ended() {
    let (mut talker, mut clocks) = (Talker::start("speaker"), Clocks::default());
    talker.send(libc::SIGKILL);
    until("it is a zombie", || talker.state() == 'Z');
    let set = clocks.set(Skew::Jump { by_ns: HOUR }, &[talker.pid()]).unwrap();
    assert_eq!(set.patched, []);
    assert!(matches!(clocks.read(talker.pid()), Err(ClockError::Ended)));
    assert!(!talker.child.wait().unwrap().success());
    assert!(matches!(clocks.read(talker.pid()), Err(ClockError::Ended)));
}
