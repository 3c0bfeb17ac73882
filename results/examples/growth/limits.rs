//! Runs a program within limits of processor time and memory, watched from outside: no judge has to be believed.

use squall_results::Budget;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a program may use.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Processor seconds of all its threads, and a twentieth of the seconds that may pass in all.
    pub seconds: u64,
    /// Memory that is resident at once.
    pub memory_mb: u64,
}

impl Limits {
    /// The same, as squall's checker takes it: it is to say by itself that it does not know.
    pub fn budget(self) -> Budget {
        let (time, memory_bytes) = (Duration::from_secs(self.seconds), (self.memory_mb as usize) << 20);
        Budget { time, memory_bytes, ..Budget::default() }
    }
}

/// What a program has used.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Used {
    /// Processor seconds.
    pub seconds: f64,
    /// The most resident memory that was seen.
    pub peak_mb: u64,
}

/// How it ended.
#[derive(Debug, PartialEq)]
pub enum Ended {
    /// By itself, well; what it printed.
    Well(String),
    /// It was ended for the time that it had used.
    Time(Used),
    /// It was ended for the memory that it held.
    Memory(Used),
    /// By itself, in failure; what it told.
    Failed(String),
}

/// How often the limits are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs `command` to its end, or to its limits.
pub fn run(command: &mut Command, limits: Limits) -> std::io::Result<Ended> {
    let begun = Instant::now();
    let mut used = Used::default();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            let (mut said, mut told) = (String::new(), String::new());
            child.stdout.take().map(|mut out| out.read_to_string(&mut said)).transpose()?;
            child.stderr.take().map(|mut err| err.read_to_string(&mut told)).transpose()?;
            return Ok(if status.success() { Ended::Well(said) } else { Ended::Failed(format!("{status}: {told}")) });
        }
        used = Used { seconds: used_s(child.id()), peak_mb: used.peak_mb.max(held_mb(child.id())) };
        if used.seconds > limits.seconds as f64 || begun.elapsed().as_secs() > 20 * limits.seconds {
            return stop(&mut child, Ended::Time(used));
        }
        if used.peak_mb > limits.memory_mb {
            return stop(&mut child, Ended::Memory(used));
        }
        sleep(LOOK_EVERY);
    }
}

fn stop(child: &mut Child, ended: Ended) -> std::io::Result<Ended> {
    child.kill()?;
    child.wait()?;
    Ok(ended)
}

/// The processor seconds of a process; Linux counts them in hundredths.
fn used_s(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name may hold anything but ends with the last parenthesis; user and system time are fields 14 and 15.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|hundredths| hundredths.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// The resident memory of a process.
fn held_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    held.and_then(|held| held.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
