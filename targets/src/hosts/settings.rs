//! How a machine is reached, as ssh's own configuration says: `ssh -G HOST`.

use super::HostSpec;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Everything that squall honours of ssh's settings for one machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Settings {
    pub host: String,
    pub port: u16,
    pub user: String,
    /// Files of keys, in the order in which they are tried.
    pub identities: Vec<PathBuf>,
    /// Whether an agent's keys are tried.
    pub agent: bool,
    /// The agent's socket, where it is not that of the environment.
    pub agent_socket: Option<PathBuf>,
    /// Files of hosts whose keys are known.
    pub known_hosts: Vec<PathBuf>,
    /// The name under which the host's key is known, where it is not its own.
    pub key_alias: Option<String>,
    pub unknown_key: UnknownKey,
}

/// What is done about a host whose key is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum UnknownKey {
    /// It is refused: squall asks nobody.
    #[default]
    Refuse,
    /// It is known from now on.
    Accept,
    /// Keys are not looked at.
    Ignore,
}

impl Settings {
    /// Asks ssh.
    pub(super) fn of(spec: &HostSpec) -> Result<Settings, String> {
        let mut command = Command::new("ssh");
        let mut flag = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                command.args([name, &value]);
            }
        };
        flag("-F", spec.config.as_ref().map(|path| path.display().to_string()));
        flag("-l", spec.user.clone());
        flag("-p", spec.port.map(|port| port.to_string()));
        flag("-i", spec.identity.as_ref().map(|path| path.display().to_string()));
        let output = command.args(["-G", &spec.host]).stdin(Stdio::null()).output().map_err(|error| {
            format!("cannot start ssh, whose settings hold for squall too: {error}; install openssh-client")
        })?;
        if !output.status.success() {
            return Err(format!("its settings cannot be read: {}", String::from_utf8_lossy(&output.stderr).trim()));
        }
        let home = std::env::home_dir().unwrap_or_default();
        Settings::parse(&String::from_utf8_lossy(&output.stdout), |path| match path.strip_prefix("~/") {
            Some(rest) => home.join(rest),
            None => path.into(),
        })
    }

    /// Reads what `ssh -G` prints: a name and a value a line.
    fn parse(text: &str, path: impl Fn(&str) -> PathBuf) -> Result<Settings, String> {
        let mut settings = Settings { port: 22, agent: true, ..Settings::default() };
        for (name, value) in text.lines().filter_map(|line| line.trim().split_once(' ')) {
            match name {
                "hostname" => settings.host = value.into(),
                "port" => settings.port = value.parse().map_err(|_| format!("ssh says that its port is {value}"))?,
                "user" => settings.user = value.into(),
                "identityfile" => settings.identities.push(path(value)),
                "identitiesonly" => settings.agent &= value != "yes",
                "identityagent" if value == "none" => settings.agent = false,
                "identityagent" if value != "SSH_AUTH_SOCK" => settings.agent_socket = Some(path(value)),
                "userknownhostsfile" | "globalknownhostsfile" => {
                    settings.known_hosts.extend(value.split_whitespace().map(&path));
                }
                "hostkeyalias" => settings.key_alias = Some(value.into()),
                "stricthostkeychecking" => {
                    settings.unknown_key = match value {
                        "accept-new" => UnknownKey::Accept,
                        "no" | "off" | "false" => UnknownKey::Ignore,
                        _ => UnknownKey::Refuse,
                    }
                }
                "proxyjump" | "proxycommand" if value != "none" => {
                    return Err(format!(
                        "ssh reaches it by {name} {value}, and squall can only connect directly; give an address that it reaches"
                    ));
                }
                _ => {}
            }
        }
        Ok(settings)
    }

    /// How people write where this leads.
    pub(super) fn place(&self) -> String {
        format!("{}@{}:{}", self.user, self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, String> {
        Settings::parse(text, |path: &str| PathBuf::from(path))
    }

    #[test]
    fn what_ssh_says_is_read() {
        let text = "user vagrant\nhostname 127.0.0.1\nport 2222\nidentityfile a\nidentityfile b\nidentitiesonly yes\n\
                    userknownhostsfile /dev/null\nglobalknownhostsfile c d\nstricthostkeychecking false\n";
        let settings = parse(text).unwrap();
        assert_eq!(settings.place(), "vagrant@127.0.0.1:2222");
        assert_eq!(settings.identities, [PathBuf::from("a"), "b".into()]);
        assert_eq!(settings.known_hosts, [PathBuf::from("/dev/null"), "c".into(), "d".into()]);
        assert_eq!((settings.agent, settings.unknown_key), (false, UnknownKey::Ignore));
    }

    #[test]
    fn keys_are_checked_unless_somebody_says_otherwise() {
        for (value, expected) in
            [("ask", UnknownKey::Refuse), ("true", UnknownKey::Refuse), ("accept-new", UnknownKey::Accept)]
        {
            assert_eq!(parse(&format!("stricthostkeychecking {value}")).unwrap().unknown_key, expected, "{value}");
        }
    }

    #[test]
    fn a_way_through_another_host_is_refused() {
        assert!(parse("proxyjump bastion").unwrap_err().contains("proxyjump bastion"));
        assert!(parse("proxycommand none").is_ok());
    }
}
