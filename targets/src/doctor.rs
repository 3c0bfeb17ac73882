//! What this machine can do for squall, and how to enable the rest.
//!
//! Everything is tried for real, but in short-lived children and in namespaces of theirs: the process that asks, and the
//! machine, stay as they are. It must not know how the findings are shown.

mod devices;
mod fresh;
mod programs;

use crate::sandbox::Refusal;
use crate::target;
use fresh::Fresh;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use std::fmt;

/// One ability of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The ability: `user namespaces`, `iptables`.
    pub what: &'static str,
    /// What squall does with it; where some families of faults need it alone, `--faults` and their names.
    pub purpose: &'static str,
    /// Whether it is there.
    pub state: State,
    /// What was seen, as a sentence fragment.
    pub detail: String,
    /// How to enable it, where something can be done.
    pub remedy: Option<String>,
}

/// Whether an ability is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It was tried and works.
    Works,
    /// The program, device or part of the kernel does not exist here.
    Missing,
    /// It exists, but not for this user.
    Refused,
}

/// Tries everything. Takes some tens of milliseconds.
pub fn examine() -> Vec<Finding> {
    let machine = [
        user_namespaces(),
        namespaces(),
        programs::iptables(),
        programs::netem(),
        devices::tun(),
        devices::fuse(),
        devices::ptrace(),
    ];
    machine.into_iter().chain(target::ALL.iter().map(|target| programs::server(target))).collect()
}

impl Finding {
    fn works(what: &'static str, purpose: &'static str, detail: impl Into<String>) -> Finding {
        Finding { what, purpose, state: State::Works, detail: detail.into(), remedy: None }
    }

    fn missing(what: &'static str, purpose: &'static str, detail: impl Into<String>, remedy: &str) -> Finding {
        Finding { what, purpose, state: State::Missing, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    fn refused(
        what: &'static str,
        purpose: &'static str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding { what, purpose, state: State::Refused, detail: detail.into(), remedy: Some(remedy.into()) }
    }
}

fn user_namespaces() -> Finding {
    let (what, purpose) = ("user namespaces", "local nodes without root, for all faults");
    match fresh::in_child(|| unshare(CloneFlags::CLONE_NEWUSER)) {
        Ok(()) => Finding::works(what, purpose, "this user can make them"),
        Err(errno @ (Errno::EINVAL | Errno::ENOSYS)) => {
            let refusal = Refusal::of("unshare(CLONE_NEWUSER)", errno);
            Finding::missing(what, purpose, "this kernel has none", &refusal.remedy)
        }
        Err(errno) => {
            let refusal = Refusal::of("unshare(CLONE_NEWUSER)", errno);
            Finding::refused(what, purpose, format!("{} ({})", refusal.call, errno.desc()), refusal.remedy)
        }
    }
}

fn namespaces() -> Finding {
    let (what, purpose) = ("network, mount, process and host name namespaces", "local nodes, for all faults");
    let fresh = Fresh::for_this_user();
    let own = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWUTS;
    match fresh::in_child(|| fresh.enter(own)) {
        Ok(()) => Finding::works(what, purpose, format!("this process can make them {fresh}")),
        Err(errno) => {
            let refusal = Refusal::of("unshare(CLONE_NEWNET | CLONE_NEWNS | ...)", errno);
            Finding::refused(what, purpose, format!("{} {fresh} ({})", refusal.call, errno.desc()), refusal.remedy)
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            State::Works => "works",
            State::Missing => "missing",
            State::Refused => "refused",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_found_is_explained_and_nothing_changes() {
        let network = std::fs::read_link("/proc/self/ns/net").unwrap();
        let findings = examine();
        assert_eq!(findings.len(), 7 + target::ALL.len());
        for finding in &findings {
            assert!(!finding.detail.is_empty(), "{finding:?}");
            assert_eq!(finding.remedy.is_none(), finding.state == State::Works, "{finding:?}");
        }
        assert_eq!(std::fs::read_link("/proc/self/ns/net").unwrap(), network);
    }
}
