//! Why a kernel refuses namespaces, and which setting allows them.

use nix::errno::Errno;
use std::fmt;
use std::fs;

/// A system call that the kernel refused while namespaces were made, with what can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The call or file that was refused.
    pub call: &'static str,
    /// The kernel's answer.
    pub errno: Errno,
    /// What to do, as a sentence fragment with the command to type.
    pub remedy: String,
}

/// The settings that decide about user namespaces, as far as this machine has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Settings {
    /// Debian's switch: 0 forbids.
    pub userns_clone: Option<u64>,
    /// Ubuntu's switch: 1 strips the capabilities of whoever makes one.
    pub apparmor_restrict: Option<u64>,
    /// How many there may be: 0 forbids.
    pub namespaces_max: Option<u64>,
}

impl Refusal {
    /// The refusal of `call`, explained by this machine's settings.
    pub(crate) fn of(call: &'static str, errno: Errno) -> Refusal {
        Refusal { call, errno, remedy: remedy(errno, Settings::read()) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the kernel refused {} ({}); {}", self.call, self.errno.desc(), self.remedy)
    }
}

impl Settings {
    /// Reads this machine's settings.
    pub(crate) fn read() -> Settings {
        let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse().ok();
        Settings {
            userns_clone: number("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_restrict: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            namespaces_max: number("/proc/sys/user/max_user_namespaces"),
        }
    }
}

/// What to do about a refusal on a machine with these settings.
pub(crate) fn remedy(errno: Errno, settings: Settings) -> String {
    let setting = if settings.userns_clone == Some(0) {
        Some("kernel.unprivileged_userns_clone=1")
    } else if settings.apparmor_restrict.is_some_and(|restrict| restrict != 0) {
        Some("kernel.apparmor_restrict_unprivileged_userns=0")
    } else if settings.namespaces_max == Some(0) || errno == Errno::ENOSPC {
        Some("user.max_user_namespaces=16384")
    } else {
        None
    };
    match (setting, errno) {
        (Some(setting), _) => format!("allow user namespaces with `sysctl -w {setting}`, or run as root"),
        (None, Errno::EINVAL | Errno::ENOSYS) => {
            "this kernel lacks namespaces (CONFIG_USER_NS, CONFIG_NET_NS); run as root or use nodes reached by ssh"
                .into()
        }
        (None, _) => {
            "run as root; in a container, allow namespaces (docker run --cap-add SYS_ADMIN --cap-add NET_ADMIN \
                      --security-opt seccomp=unconfined)"
                .into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_names_the_setting_at_fault() {
        let debian = Settings { userns_clone: Some(0), ..Settings::default() };
        let ubuntu = Settings { apparmor_restrict: Some(1), namespaces_max: Some(9), ..Settings::default() };
        let none_allowed = Settings { namespaces_max: Some(0), ..Settings::default() };
        let open = Settings { userns_clone: Some(1), apparmor_restrict: Some(0), namespaces_max: Some(9) };
        for (errno, settings, expected) in [
            (Errno::EPERM, debian, "kernel.unprivileged_userns_clone=1"),
            (Errno::EACCES, ubuntu, "kernel.apparmor_restrict_unprivileged_userns=0"),
            (Errno::ENOSPC, none_allowed, "user.max_user_namespaces="),
            (Errno::ENOSPC, open, "user.max_user_namespaces="),
            (Errno::EINVAL, open, "CONFIG_USER_NS"),
            (Errno::EPERM, open, "run as root"),
        ] {
            let remedy = remedy(errno, settings);
            assert!(remedy.contains(expected), "{errno}: {remedy}");
        }
    }
}
