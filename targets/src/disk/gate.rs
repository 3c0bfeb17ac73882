//! Which calls to a disk fail, and which take long.

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How a disk misbehaves. All off: it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Switches {
    /// Reads fail with EIO.
    pub failing_reads: bool,
    /// Writes and changes of folders fail with EIO.
    pub failing_writes: bool,
    /// Syncs fail with EIO, and what they were to write is written by no later one.
    pub failing_syncs: bool,
    /// What needs space fails with ENOSPC.
    pub full: bool,
    /// So long a read takes at least.
    pub read_delay_ms: u64,
    /// So long a sync takes at least.
    pub sync_delay_ms: u64,
}

/// What a server met; the probes of squall are not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Syncs that succeeded.
    pub syncs: u64,
    /// Bytes that were written.
    pub written_bytes: u64,
    /// Reads that failed.
    pub failed_reads: u64,
    /// Writes and changes of folders that failed.
    pub failed_writes: u64,
    /// Syncs that failed.
    pub failed_syncs: u64,
    /// Calls that found no space.
    pub without_space: u64,
    /// Reads that were delayed.
    pub delayed_reads: u64,
    /// Syncs that were delayed.
    pub delayed_syncs: u64,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    /// Changes something, without needing space.
    Change,
    /// Writes or makes something.
    Write,
    Sync,
}

/// Where every call to a disk comes by.
#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    switches: Switches,
    counters: Counters,
    /// How often switches or power were changed: who was delayed by the old ones waits no longer.
    turns: u64,
    power: Power,
}

/// Whether the disk is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Power {
    #[default]
    On,
    /// It answers nobody. Who asks must be killed now, before it is off: what it would have done with an error never happened.
    Frozen,
    /// Every call fails with ENODEV.
    Off,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the switches, and tells what was counted since they were set last.
    pub(super) fn switch(&self, switches: Switches) -> Counters {
        let mut state = self.state();
        state.switches = switches;
        state.turns += 1;
        self.changed.notify_all();
        std::mem::take(&mut state.counters)
    }

    /// Turns the power on or off.
    pub(super) fn power(&self, power: Power) {
        let mut state = self.state();
        state.power = power;
        state.turns += 1;
        self.changed.notify_all();
    }

    pub(super) fn counters(&self) -> Counters {
        self.state().counters
    }

    /// Notes what was done.
    pub(super) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.state().counters);
    }

    /// Whether such a call would have to wait.
    pub(super) fn delays(&self, access: Access) -> bool {
        self.state().switches.delay(access) > Duration::ZERO
    }

    /// Lets a call pass, after a while if need be.
    ///
    /// # Errors
    /// With which it is to fail.
    pub(super) fn pass(&self, access: Access, is_probe: bool) -> Result<(), Errno> {
        let mut state = self.state();
        let delay = state.switches.delay(access);
        if delay > Duration::ZERO {
            let (turns, until) = (state.turns, Instant::now() + delay);
            while state.power == Power::On && state.turns == turns && Instant::now() < until {
                let left = until.saturating_duration_since(Instant::now());
                state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
        while state.power == Power::Frozen {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.power == Power::Off {
            return Err(Errno::ENODEV);
        }
        let failed = state.switches.refuse(access);
        if !is_probe {
            state.counters.note(access, failed, delay > Duration::ZERO);
        }
        failed.map_or(Ok(()), Err)
    }
}

impl Switches {
    fn delay(&self, access: Access) -> Duration {
        Duration::from_millis(match access {
            Access::Read => self.read_delay_ms,
            Access::Sync => self.sync_delay_ms,
            Access::Change | Access::Write => 0,
        })
    }

    fn refuse(&self, access: Access) -> Option<Errno> {
        match access {
            Access::Read if self.failing_reads => Some(Errno::EIO),
            Access::Sync if self.failing_syncs => Some(Errno::EIO),
            Access::Change | Access::Write if self.failing_writes => Some(Errno::EIO),
            Access::Write if self.full => Some(Errno::ENOSPC),
            _ => None,
        }
    }
}

impl Counters {
    fn note(&mut self, access: Access, failed: Option<Errno>, is_delayed: bool) {
        let counter = match (access, failed) {
            (_, Some(Errno::ENOSPC)) => Some(&mut self.without_space),
            (Access::Read, Some(_)) => Some(&mut self.failed_reads),
            (Access::Sync, Some(_)) => Some(&mut self.failed_syncs),
            (Access::Change | Access::Write, Some(_)) => Some(&mut self.failed_writes),
            (Access::Read, None) if is_delayed => Some(&mut self.delayed_reads),
            (Access::Sync, None) if is_delayed => Some(&mut self.delayed_syncs),
            (_, None) => None,
        };
        if let Some(counter) = counter {
            *counter += 1;
        }
    }
}

impl fmt::Display for Switches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = [
            (self.failing_reads, "reads fail".to_owned()),
            (self.failing_writes, "writes fail".to_owned()),
            (self.failing_syncs, "syncs fail".to_owned()),
            (self.full, "no space".to_owned()),
            (self.read_delay_ms > 0, format!("reads take {} ms", self.read_delay_ms)),
            (self.sync_delay_ms > 0, format!("syncs take {} ms", self.sync_delay_ms)),
        ];
        let told: Vec<String> = on.into_iter().filter(|(is_on, _)| *is_on).map(|(_, told)| told).collect();
        f.pad(&if told.is_empty() { "in order".into() } else { told.join(", ") })
    }
}

impl fmt::Display for Counters {
    /// What went wrong; nothing where nothing did.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.failed_reads, ["read failed", "reads failed"]),
            (self.failed_writes, ["write failed", "writes failed"]),
            (self.failed_syncs, ["sync failed", "syncs failed"]),
            (self.without_space, ["call found no space", "calls found no space"]),
            (self.delayed_reads, ["read was delayed", "reads were delayed"]),
            (self.delayed_syncs, ["sync was delayed", "syncs were delayed"]),
        ];
        let seen = counts.iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> =
            seen.map(|(count, [one, many])| format!("{count} {}", if *count == 1 { one } else { many })).collect();
        f.pad(&told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_hits_its_calls_and_counts_them() {
        let off = Switches::default();
        for (switches, expected) in [
            (off, [None, None, None, None]),
            (Switches { failing_reads: true, ..off }, [Some(Errno::EIO), None, None, None]),
            (Switches { failing_writes: true, ..off }, [None, Some(Errno::EIO), Some(Errno::EIO), None]),
            (Switches { failing_syncs: true, ..off }, [None, None, None, Some(Errno::EIO)]),
            (Switches { full: true, ..off }, [None, None, Some(Errno::ENOSPC), None]),
        ] {
            let gate = Gate::default();
            gate.switch(switches);
            let calls = [Access::Read, Access::Change, Access::Write, Access::Sync];
            assert_eq!(calls.map(|access| gate.pass(access, false).err()), expected, "{switches}");
            assert_eq!(
                calls.map(|access| gate.pass(access, true).err()),
                expected,
                "{switches}: a probe meets the same"
            );
            let Counters { failed_reads, failed_writes, failed_syncs, without_space, .. } = gate.switch(off);
            let counted = failed_reads + failed_writes + failed_syncs + without_space;
            assert_eq!(counted as usize, expected.iter().flatten().count(), "{switches}: a probe is not counted");
            assert_eq!(gate.counters(), Counters::default(), "counted anew");
        }
    }

    #[test]
    fn who_is_delayed_goes_on_when_the_switches_change() {
        let gate = Gate::default();
        gate.switch(Switches { sync_delay_ms: 600_000, ..Switches::default() });
        assert!(gate.delays(Access::Sync) && !gate.delays(Access::Write));
        std::thread::scope(|scope| {
            let delayed = scope.spawn(|| gate.pass(Access::Sync, false));
            while !delayed.is_finished() {
                gate.switch(Switches::default());
                std::thread::yield_now();
            }
        });
    }

    #[test]
    fn who_calls_while_the_disk_is_frozen_is_answered_when_it_is_off() {
        let gate = Gate::default();
        gate.switch(Switches { sync_delay_ms: 600_000, ..Switches::default() });
        std::thread::scope(|scope| {
            let delayed = scope.spawn(|| gate.pass(Access::Sync, false));
            gate.power(Power::Frozen);
            let held = scope.spawn(|| gate.pass(Access::Read, false));
            gate.power(Power::Off);
            assert_eq!(held.join().unwrap(), Err(Errno::ENODEV));
            assert!(matches!(delayed.join().unwrap(), Err(Errno::ENODEV)));
        });
    }
}
