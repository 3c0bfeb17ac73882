//! Programs that nodes run: whether they exist and do their work in a namespace.

use super::Finding;
use super::fresh::Fresh;
use crate::local::search_path;
use crate::target::{TargetError, TargetInfo};
use std::io;
use std::process::{Output, Stdio};

/// Cuts by iptables.
pub(super) fn iptables() -> Finding {
    let (what, purpose) = ("iptables", "cuts that count the packets they drop: --faults partition");
    let without = "links are cut by neighbour entries instead, which do not count";
    match attempt("iptables", &["-w", "-A", "INPUT", "-s", "192.0.2.1", "-j", "DROP"]) {
        Ok(output) if output.status.success() => Finding::works(what, purpose, "a rule can be made in a namespace"),
        Ok(output) => {
            let remedy = "load its kernel modules as root: modprobe -a nf_tables nft_compat ip_tables iptable_filter";
            Finding::refused(what, purpose, format!("{}; {without}", last_line(&output)), remedy)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::missing(what, purpose, format!("not installed; {without}"), "apt install iptables")
        }
        Err(error) => Finding::refused(what, purpose, format!("{error}; {without}"), "enable namespaces first"),
    }
}

/// The server of a target.
pub(super) fn server(target: &'static TargetInfo) -> Finding {
    let (what, purpose) = (target.name, "a database to test");
    match (target.find_server)(None) {
        Ok(place) => Finding::works(what, purpose, place),
        Err(TargetError::MissingProgram { program, remedy, .. }) => {
            Finding::missing(what, purpose, format!("{program} is not there"), &remedy)
        }
        Err(error) => Finding::refused(what, purpose, error.to_string(), "see the message"),
    }
}

/// Delay, loss and reordering by the kernel.
pub(super) fn netem() -> Finding {
    let (what, purpose) = ("tc netem", "links that delay, lose and reorder, by the kernel: --faults packet");
    let without = "squall's own switch over /dev/net/tun does it instead";
    match attempt("tc", &["qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]) {
        Ok(output) if output.status.success() => Finding::works(what, purpose, "a delay can be set in a namespace"),
        Ok(output) => {
            let remedy = "load its kernel module as root: modprobe sch_netem (CONFIG_NET_SCH_NETEM)";
            Finding::missing(
                what,
                purpose,
                format!("the kernel does not offer it: {}; {without}", last_line(&output)),
                remedy,
            )
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::missing(what, purpose, format!("tc is not installed; {without}"), "apt install iproute2")
        }
        Err(error) => Finding::refused(what, purpose, error.to_string(), "enable namespaces first"),
    }
}

fn attempt(program: &str, args: &[&str]) -> io::Result<Output> {
    let found = std::env::split_paths(&search_path()).map(|folder| folder.join(program)).find(|path| path.is_file());
    let path = found.ok_or(io::ErrorKind::NotFound)?;
    Fresh::for_this_user().command(&path.to_string_lossy(), args).stdin(Stdio::null()).output()
}

fn last_line(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    complaint.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given").trim().to_owned()
}
