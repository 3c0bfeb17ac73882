//! A machine as people write it: `[USER@]HOST[:PORT] [NAME=VALUE]...`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A machine that is to be a node. What is left out is as `ssh -G HOST` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostSpec {
    /// What ssh is to call: a name, an address, or a name of ssh's own configuration.
    pub host: String,
    /// Who logs in.
    pub user: Option<String>,
    /// The port of the machine's sshd.
    pub port: Option<u16>,
    /// Where the other nodes and the clients reach it, if not where ssh does.
    pub address: Option<Ipv4Addr>,
    /// The network device through which it reaches the others.
    pub link: Option<String>,
    /// The file of the key to log in with.
    pub identity: Option<PathBuf>,
    /// The configuration of ssh to read in place of the usual ones.
    pub config: Option<PathBuf>,
}

/// The names of what may follow a host.
const NAMES: &str = "address, link, identity, config";

impl HostSpec {
    /// What is typed: hosts with commas between, or the name of a file with a host a line.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn all(text: &str) -> Result<Vec<HostSpec>, String> {
        let path = Path::new(text);
        if path.is_file() {
            let lines = fs::read_to_string(path).map_err(|error| format!("cannot read {text}: {error}"))?;
            return HostSpec::lines(&lines, text);
        }
        text.split(',').map(str::parse).collect()
    }

    /// The hosts in a nodes file: one a line; empty lines, and what follows a `#`, say nothing.
    pub fn lines(text: &str, file: &str) -> Result<Vec<HostSpec>, String> {
        let mut hosts = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                let host: HostSpec = line.parse().map_err(|error| format!("{file}:{}: {error}", number + 1))?;
                hosts.push(host);
            }
        }
        if hosts.is_empty() { Err(format!("{file} names no host; write one a line")) } else { Ok(hosts) }
    }

    /// Whether nothing but the host itself is written, so that it can stand on a command line.
    pub fn is_plain(&self) -> bool {
        self.address.is_none() && self.link.is_none() && self.identity.is_none() && self.config.is_none()
    }
}

impl FromStr for HostSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<HostSpec, String> {
        let words = words(text)?;
        let (first, words) = words
            .split_first()
            .map(|(first, words)| (first.as_str(), words))
            .ok_or("an empty host; write user@host, or host")?;
        let (user, host) = match first.split_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, first),
        };
        let (host, port) = match host.split_once(':') {
            Some((host, port)) => {
                let port = port.parse().map_err(|_| format!("`{port}` in `{first}` is no port; write host:22"))?;
                (host, Some(port))
            }
            None => (host, None),
        };
        let plain = |name: &str| !name.is_empty() && !name.starts_with('-') && !name.contains(['/', '\'', '"', '=']);
        if !plain(host) || user.as_deref().is_some_and(|user| !plain(user)) {
            let of_file = if first.contains(['/', '.']) { ", and there is no such file" } else { "" };
            return Err(format!("`{first}` is no host{of_file}; write user@host, or host"));
        }
        let (host, link, config) = (host.to_owned(), None, None);
        let mut spec = HostSpec { host, user, port, address: None, link, identity: None, config };
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word.as_str(), ""));
            if value.is_empty() {
                return Err(format!("`{word}` behind {first} says nothing; write NAME=VALUE, with one of {NAMES}"));
            }
            match name {
                "address" => {
                    let address = value.parse();
                    spec.address = Some(address.map_err(|_| format!("`{value}` is no address like 192.168.56.11"))?);
                }
                "link" => spec.link = Some(value.to_owned()),
                "identity" => spec.identity = Some(value.into()),
                "config" => spec.config = Some(value.into()),
                _ => return Err(format!("nothing of a host is called `{name}`; there are {NAMES}")),
            }
        }
        Ok(spec)
    }
}

impl TryFrom<String> for HostSpec {
    type Error = String;

    fn try_from(text: String) -> Result<HostSpec, String> {
        text.parse()
    }
}

impl From<HostSpec> for String {
    fn from(spec: HostSpec) -> String {
        spec.to_string()
    }
}

impl fmt::Display for HostSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let rest = [
            ("address", self.address.map(|address| address.to_string())),
            ("link", self.link.clone()),
            ("identity", path(&self.identity)),
            ("config", path(&self.config)),
        ];
        rest.into_iter().try_for_each(|(name, value)| match value {
            Some(value) if value.contains(char::is_whitespace) => write!(f, " {name}=\"{value}\""),
            Some(value) => write!(f, " {name}={value}"),
            None => Ok(()),
        })
    }
}

/// The words of a line; spaces within double quotes separate none, and the quotes go.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let (mut word, mut quoted) = (String::new(), false);
    for char in text.chars().chain([' ']) {
        match char {
            '"' => quoted = !quoted,
            space if space.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            other => word.push(other),
        }
    }
    if quoted { Err(format!("a quote is opened and not closed: {}", text.trim())) } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_read_as_it_is_written() {
        for text in [
            "db1",
            "root@10.0.0.1",
            "admin@db2.example.org:2222 address=192.168.56.12 link=eth1",
            "default identity=key config=ssh-config",
            "db3 identity=\"/my keys/db3\" config=ssh-config",
        ] {
            assert_eq!(text.parse::<HostSpec>().unwrap().to_string(), text);
        }
        assert_eq!(HostSpec::all("a,root@b:23").unwrap().len(), 2);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, part) in [
            ("root@", "is no host"),
            ("-oProxyCommand=x", "is no host"),
            ("no/such/file", "no such file"),
            ("a:ssh", "`ssh` in `a:ssh` is no port"),
            ("a address=b", "`b` is no address"),
            ("a adress=10.0.0.1", "there are address, link"),
            ("a link", "NAME=VALUE"),
            ("a identity=\"b c", "not closed"),
        ] {
            let error = HostSpec::all(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        let error = HostSpec::lines("# mine\na\n\nb:x # what\n", "nodes").unwrap_err();
        assert!(error.starts_with("nodes:4: "), "{error}");
        assert!(HostSpec::lines("#\n", "nodes").unwrap_err().contains("names no host"));
    }
}
