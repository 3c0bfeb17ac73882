//! What a person sees while a run goes on: lines that stay, and one live line at the bottom. All on standard error.

use crate::clock::RunClock;
use crate::tally::{Counts, Tally};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use squall_results::event::{FaultChange, FaultEvent};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often the live line is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Tells a person what happens.
pub struct Narrator {
    bar: ProgressBar,
    scene: Mutex<Scene>,
}

#[derive(Default)]
struct Scene {
    phase: String,
    leader: Option<String>,
    /// The faults that are there, by number: what they do.
    faults: BTreeMap<u32, String>,
}

impl Narrator {
    /// A narrator on standard error; the live line is only drawn where it is a terminal.
    pub fn new() -> Arc<Narrator> {
        let live = std::io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(
            ProgressStyle::with_template("{spinner} {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Arc::new(Narrator { bar, scene: Mutex::default() })
    }

    /// A line that stays.
    pub fn say(&self, text: &str) {
        // The log of the run holds all that a person was told.
        tracing::info!("{}", anstream::adapter::strip_str(text));
        self.bar.suspend(|| {
            let mut out = anstream::stderr().lock();
            // Nobody may be listening any more; that is no reason to stop a run.
            let _ = writeln!(out, "{text}");
        });
    }

    /// A line that stays, with the time of the run before it.
    pub fn say_at(&self, at_ns: u64, text: &str) {
        self.say(&format!("{:>6.1} s  {text}", at_ns as f64 / 1e9));
    }

    /// What the run is doing.
    pub fn phase(&self, text: &str) {
        self.scene().phase = text.to_owned();
    }

    /// Who leads.
    pub fn leader(&self, leader: Option<String>) {
        self.scene().leader = leader;
    }

    /// A fault has changed.
    pub fn fault(&self, event: &FaultEvent) {
        let mut scene = self.scene();
        let told = match &event.change {
            FaultChange::Inject { what, selector, .. } => {
                scene.faults.insert(event.fault, what.clone());
                let role = if what.ends_with(selector.as_str()) { String::new() } else { format!(" ({selector})") };
                format!("{YELLOW}{what}{RESET}{role}")
            }
            FaultChange::InForce { evidence } => format!("  in force: {evidence}"),
            FaultChange::NotInForce { reason } => format!("  {RED}not in force{RESET}: {reason}"),
            FaultChange::Heal => {
                format!("{GREEN}heal{RESET}: {}", scene.faults.get(&event.fault).cloned().unwrap_or_default())
            }
            FaultChange::Healed { evidence } => {
                scene.faults.remove(&event.fault);
                format!("  healed: {evidence}")
            }
            FaultChange::NotHealed { reason } => {
                scene.faults.remove(&event.fault);
                format!("  {RED}not healed{RESET}: {reason}")
            }
        };
        drop(scene);
        self.say_at(event.at_ns, &told);
    }

    /// Draws the live line until the future is dropped.
    pub async fn live(&self, clock: RunClock, tally: Arc<Tally>) {
        let mut before = (clock.now_ns(), tally.read());
        loop {
            tokio::time::sleep(DRAW_EVERY).await;
            let now = (clock.now_ns(), tally.read());
            let rate_hz = (now.1.ok - before.1.ok) as f64 * 1e9 / (now.0 - before.0).max(1) as f64;
            // Smoothed over a second or so, to be readable.
            if now.0 - before.0 > 1_000_000_000 {
                before = now;
            }
            self.bar.set_message(self.line(now.0, now.1, rate_hz));
            self.bar.tick();
        }
    }

    fn line(&self, now_ns: u64, counts: Counts, rate_hz: f64) -> String {
        let scene = self.scene();
        let Counts { ok, fail, unknown, .. } = counts;
        let faults: Vec<&str> = scene.faults.values().map(String::as_str).collect();
        let faults = if faults.is_empty() { "calm".to_owned() } else { faults.join("; ") };
        let leader = scene.leader.as_deref().unwrap_or("none");
        let at_s = now_ns as f64 / 1e9;
        let phase = &scene.phase;
        format!(
            "{at_s:.1} s {phase} · {rate_hz:.0} ok/s · ok {ok} fail {fail} unknown {unknown} · leader {leader} · {faults}"
        )
    }

    /// Takes the live line away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn scene(&self) -> std::sync::MutexGuard<'_, Scene> {
        self.scene.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// anstream takes these away where they would not be understood.
pub(crate) const RED: &str = "\x1b[31m";
pub(crate) const GREEN: &str = "\x1b[32m";
pub(crate) const YELLOW: &str = "\x1b[33m";
pub(crate) const BOLD: &str = "\x1b[1m";
pub(crate) const DIM: &str = "\x1b[2m";
pub(crate) const RESET: &str = "\x1b[0m";
