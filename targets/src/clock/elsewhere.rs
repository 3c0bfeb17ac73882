//! Clocks on a processor for which there is no stub yet.

use super::ClockError;
use super::skew::{ClockReading, ClocksSet, Patched, Skew};

/// Clocks that cannot be set.
#[derive(Debug, Default)]
pub struct Clocks;

fn unfit() -> ClockError {
    ClockError::unfit("clocks can be skewed on x86-64 only")
}

impl Clocks {
    /// False.
    pub fn is_skewed(&self) -> bool {
        false
    }

    /// # Errors
    /// Always, but for clocks that are to be right.
    pub fn set(&mut self, skew: Skew, pids: &[u32]) -> Result<ClocksSet, (u32, ClockError)> {
        match skew {
            Skew::None => Ok(ClocksSet::default()),
            _ => Err((pids.first().copied().unwrap_or_default(), unfit())),
        }
    }

    /// Nothing.
    pub fn ask_to_be_traced() -> std::io::Result<()> {
        Ok(())
    }

    /// # Errors
    /// Always.
    pub fn patch_at_exec(&mut self, _pid: u32) -> Result<Patched, ClockError> {
        Err(unfit())
    }

    /// # Errors
    /// Always.
    pub fn read(&mut self, _pid: u32) -> Result<ClockReading, ClockError> {
        Err(unfit())
    }
}
