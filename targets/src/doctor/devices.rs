//! Devices and settings that faults to come will need.

use super::{Finding, Purpose};
use nix::unistd::{AccessFlags, access, geteuid};
use std::fs::{self, File};
use std::io;

/// Network interfaces whose packets a process handles.
pub(super) fn tun() -> Finding {
    device("/dev/net/tun", Purpose::Later("a switch that delays, loses and reorders"), "modprobe tun")
}

/// File systems that a process serves.
pub(super) fn fuse() -> Finding {
    device("/dev/fuse", Purpose::Later("disks that fail and lose what was not synced"), "modprobe fuse")
}

fn device(path: &'static str, purpose: Purpose, module: &str) -> Finding {
    match File::options().read(true).write(true).open(path) {
        Ok(_) => Finding::works(path, purpose, "can be opened"),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Finding::refused(
            path,
            purpose,
            "not open to this user",
            format!("chmod 0666 {path} as root, or run as root"),
        ),
        Err(error) => Finding::missing(path, purpose, error.to_string(), &format!("{module} as root")),
    }
}

/// Reaching into another process.
pub(super) fn ptrace() -> Finding {
    let (what, purpose) = ("ptrace of daemons", Purpose::Later("clocks that run wrong for one process"));
    let scope = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_else(|_| "0".into());
    let remedy = "sysctl -w kernel.yama.ptrace_scope=0, or run as root";
    match scope.trim() {
        "0" => Finding::works(what, purpose, "ptrace_scope is 0, or the kernel does not restrict it"),
        "3" => Finding::refused(what, purpose, "ptrace_scope is 3: nobody may, until the next boot", remedy),
        scope if geteuid().is_root() => Finding::works(what, purpose, format!("as root, with ptrace_scope {scope}")),
        scope => Finding::refused(what, purpose, format!("ptrace_scope is {scope}"), remedy),
    }
}

/// Limits on a node's memory and processor time.
pub(super) fn cgroup() -> Finding {
    let (what, purpose) = ("cgroup v2", Purpose::Later("nodes short of memory or processor time"));
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let Some(root) = mounts.lines().find_map(cgroup_mount) else {
        let remedy = "boot with systemd.unified_cgroup_hierarchy=1, or mount it";
        return Finding::missing(what, purpose, "no such hierarchy is mounted", remedy);
    };
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/");
    let folder = format!("{}{}", root.trim_end_matches('/'), own);
    let folder = folder.trim_end_matches('/');
    let controllers = fs::read_to_string(format!("{folder}/cgroup.controllers")).unwrap_or_default();
    if !["memory", "cpu"].iter().all(|wanted| controllers.split_whitespace().any(|one| one == *wanted)) {
        let remedy = "boot without cgroup v1 controllers (systemd.unified_cgroup_hierarchy=1), or delegate them";
        let detail = format!("{folder} has no controllers for memory and cpu (it has: {})", controllers.trim());
        return Finding::missing(what, purpose, detail, remedy);
    }
    match access(folder, AccessFlags::W_OK) {
        Ok(()) => Finding::works(what, purpose, format!("{folder} can be written to")),
        Err(errno) => {
            let remedy = "start squall by `systemd-run --user --scope -p Delegate=yes`, or run as root";
            Finding::refused(what, purpose, format!("{folder}: {}", errno.desc()), remedy)
        }
    }
}

/// Where a line of `/proc/self/mounts` mounts cgroup v2, if it does.
fn cgroup_mount(line: &str) -> Option<&str> {
    let mut fields = line.split(' ');
    let (mount_point, kind) = (fields.nth(1)?, fields.next()?);
    (kind == "cgroup2").then_some(mount_point)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cgroup_v2_counts() {
        assert_eq!(cgroup_mount("cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0"), Some("/sys/fs/cgroup/unified"));
        assert_eq!(cgroup_mount("cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0"), None);
    }
}
