//! Carries the cases of a campaign out: so many side by side, each again where squall itself failed, until all are done or
//! the budget is used up.
//!
//! One thread starts all of them and lives as long as they do: they die with it.

use super::case::Case;
use super::folder::{CampaignFolder, FolderError};
use super::outcome::{CaseOutcome, End, Verdict};
use super::process::{self, Try};
use crate::stop::Stop;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;

/// How a campaign is carried out.
#[derive(Debug)]
pub struct Orders {
    /// The executable.
    pub program: PathBuf,
    /// How many cases go on side by side.
    pub jobs: usize,
    /// How often a case is tried again when squall itself failed.
    pub retries: u8,
    /// How long all of it may take.
    pub budget: Option<Duration>,
}

/// Why cases were not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The budget was used up.
    Budget,
    /// Somebody asked for it.
    Stopped,
}

/// A case may take so much longer than its storm before it is said to hang.
const BESIDES_STORM: Duration = Duration::from_secs(300);

/// Who was asked to end may take so long.
const GRACE: Duration = Duration::from_secs(30);

/// What a case takes besides its storm, as long as none was seen: cluster, recovery, final reads, report.
const USUAL_EXTRA: Duration = Duration::from_secs(6);

/// Carries out `cases`; `done` hears of each with its outcome. What was cut short is as if it had never been begun.
///
/// # Errors
/// When an outcome cannot be written: then nothing that follows could be.
pub async fn carry_out(
    orders: &Orders,
    folder: &CampaignFolder,
    cases: Vec<&Case>,
    stop: &mut Stop,
    mut done: impl FnMut(&Case, &CaseOutcome),
) -> Result<Option<Cut>, FolderError> {
    let deadline = orders.budget.map(|budget| Instant::now() + budget);
    let mut work =
        Work { orders, folder, deadline, running: JoinSet::new(), going: BTreeMap::new(), extra: USUAL_EXTRA };
    let mut left: VecDeque<&Case> = cases.into();
    let mut cut = None;
    loop {
        while cut.is_none() && work.going.len() < orders.jobs {
            let Some(case) = left.front() else { break };
            if !work.fits(case) {
                cut = Some(Cut::Budget);
            } else if let Some(case) = left.pop_front() {
                work.begin(case);
            }
        }
        if work.going.is_empty() {
            return Ok(cut);
        }
        let next_check = work.next_check();
        let ended = tokio::select! {
            ended = work.running.join_next() => ended,
            () = stop.stopped(), if cut != Some(Cut::Stopped) => {
                cut = Some(Cut::Stopped);
                work.ask_to_end();
                continue;
            }
            () = until(work.deadline), if work.deadline.is_some() => {
                cut = cut.or(Some(Cut::Budget));
                work.deadline = None;
                work.ask_to_end();
                continue;
            }
            () = until(next_check) => {
                work.end_what_hangs();
                continue;
            }
        };
        // Tasks catch their panics, and nobody aborts them.
        let Some(Ok((number, end))) = ended else { continue };
        let Some(going) = work.going.remove(&number) else { continue };
        if let Some((case, outcome)) = work.settle(going, end) {
            folder.write_outcome(case, &outcome)?;
            done(case, &outcome);
        }
    }
}

/// A case that goes on.
struct Going<'a> {
    case: &'a Case,
    pid: Option<Pid>,
    tries: u8,
    began: Instant,
    began_unix_ms: u64,
    /// When the try is ended by force, and by what.
    ends: (Instant, Signal),
    /// Whether what comes of it does not count.
    is_cut: bool,
    /// Whether it took too long.
    hung: bool,
}

struct Work<'a> {
    orders: &'a Orders,
    folder: &'a CampaignFolder,
    deadline: Option<Instant>,
    running: JoinSet<(usize, Ended)>,
    going: BTreeMap<usize, Going<'a>>,
    /// What a case takes besides its storm: the longest that was seen.
    extra: Duration,
}

/// How a try ended.
type Ended = Result<Box<Verdict>, String>;

impl<'a> Work<'a> {
    /// Whether there is time for the case.
    fn fits(&self, case: &Case) -> bool {
        self.deadline.is_none_or(|deadline| Instant::now() + storm(case) + self.extra <= deadline)
    }

    fn begin(&mut self, case: &'a Case) {
        let now = Instant::now();
        // What is left of a try that was killed says nothing.
        let _ = fs::remove_dir_all(self.folder.case(case));
        let began_unix_ms = unix_ms();
        let ends = (now, Signal::SIGTERM);
        let going = Going { case, pid: None, tries: 0, began: now, began_unix_ms, ends, is_cut: false, hung: false };
        self.start(going);
    }

    fn start(&mut self, mut going: Going<'a>) {
        going.tries += 1;
        going.ends = (Instant::now() + storm(going.case) + BESIDES_STORM, Signal::SIGTERM);
        going.hung = false;
        let number = going.case.number;
        match Try::start(&self.orders.program, going.case, &self.folder.case(going.case), going.tries) {
            Ok(one) => {
                going.pid = Some(one.pid());
                let case = going.case.clone();
                self.running.spawn_blocking(move || {
                    let finish = std::panic::AssertUnwindSafe(|| one.finish(&case).map(Box::new));
                    let failed = |_| Err("reading what came of it failed inside squall".to_owned());
                    (number, std::panic::catch_unwind(finish).unwrap_or_else(failed))
                });
            }
            Err(reason) => {
                going.pid = None;
                self.running.spawn(async move { (number, Err(reason)) });
            }
        }
        self.going.insert(number, going);
    }

    /// What a try that ended comes to; nothing where it is tried again, or was cut short.
    fn settle(&mut self, going: Going<'a>, end: Ended) -> Option<(&'a Case, CaseOutcome)> {
        if going.is_cut {
            let _ = fs::remove_dir_all(self.folder.case(going.case));
            return None;
        }
        let took = going.began.elapsed();
        let end = if going.hung {
            Err(format!("it went on {} s after its storm, and was ended", BESIDES_STORM.as_secs()))
        } else {
            end
        };
        let end = match end {
            Ok(verdict) => End::Judged(verdict),
            Err(_) if going.tries <= self.orders.retries && self.fits(going.case) => {
                self.start(going);
                return None;
            }
            Err(reason) => End::Failed { reason },
        };
        if going.tries == 1 {
            self.extra = self.extra.max(took.saturating_sub(storm(going.case)));
        }
        let (began_unix_ms, took_ms, tries) = (going.began_unix_ms, took.as_millis() as u64, going.tries);
        Some((going.case, CaseOutcome { began_unix_ms, took_ms, tries, end }))
    }

    fn ask_to_end(&mut self) {
        for going in self.going.values_mut() {
            going.is_cut = true;
            going.pid.iter().for_each(|pid| process::end(*pid, Signal::SIGTERM));
            going.ends = (Instant::now() + GRACE, Signal::SIGKILL);
        }
    }

    fn next_check(&self) -> Option<Instant> {
        self.going.values().map(|going| going.ends.0).min()
    }

    fn end_what_hangs(&mut self) {
        let now = Instant::now();
        for going in self.going.values_mut().filter(|going| going.ends.0 <= now) {
            going.pid.iter().for_each(|pid| process::end(*pid, going.ends.1));
            going.ends = (now + GRACE, Signal::SIGKILL);
            going.hung = true;
        }
    }
}

fn storm(case: &Case) -> Duration {
    case.plan.time_limit.map_or(Duration::from_secs(20), |limit| limit.duration())
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant.into()).await,
        None => std::future::pending().await,
    }
}
