//! The exit status of squall.

use squall_results::Validity;
use std::process::ExitCode;

/// What the exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The promise was kept.
    Valid = 0,
    /// The promise was broken.
    Invalid = 1,
    /// Nobody can tell.
    Unknown = 2,
    /// squall itself failed; this says nothing about the target.
    Failed = 3,
    /// A campaign's control did not show what it must.
    MissedControl = 4,
    /// The command line or a plan is wrong; nothing was started.
    Usage = 64,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

impl From<Validity> for Exit {
    fn from(validity: Validity) -> Exit {
        match validity {
            Validity::Valid => Exit::Valid,
            Validity::Invalid => Exit::Invalid,
            Validity::Unknown => Exit::Unknown,
        }
    }
}
