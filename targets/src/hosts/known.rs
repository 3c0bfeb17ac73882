//! Whether a host is the one that it was: its key, and the files of known hosts.

use super::settings::{Settings, UnknownKey};
use ssh2::{CheckResult, HostKeyType, KnownHostFileKind, KnownHostKeyFormat, Session};

/// The kinds of keys that are asked for, one after the other: a file may know one of a host's keys only.
pub(super) const KINDS: [&str; 3] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521", "rsa-sha2-512,rsa-sha2-256,ssh-rsa"];

/// What the files say about the key that a session was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Yes,
    /// Nothing.
    No,
    /// They name another.
    Another,
}

/// Looks the key of `session` up.
pub(super) fn look_up(session: &Session, settings: &Settings) -> Result<Known, String> {
    let wrong = |error: ssh2::Error| format!("the known hosts cannot be read: {error}");
    let (key, _) = session.host_key().ok_or("it has shown no key")?;
    let name = settings.key_alias.as_deref().unwrap_or(&settings.host);
    let mut result = Known::No;
    for file in settings.known_hosts.iter().filter(|file| file.is_file()) {
        let mut hosts = session.known_hosts().map_err(wrong)?;
        // A file with a line that libssh2 does not know is read up to there.
        let _ = hosts.read_file(file, KnownHostFileKind::OpenSSH);
        match hosts.check_port(name, settings.port, key) {
            CheckResult::Match => return Ok(Known::Yes),
            CheckResult::Mismatch => result = Known::Another,
            CheckResult::NotFound | CheckResult::Failure => {}
        }
    }
    Ok(result)
}

/// Accepts or refuses a host of which the files say so.
pub(super) fn judge(known: Known, session: &Session, settings: &Settings) -> Result<(), String> {
    let name = settings.key_alias.as_deref().unwrap_or(&settings.host);
    let name = if settings.port == 22 { name.to_owned() } else { format!("[{name}]:{}", settings.port) };
    match (known, settings.unknown_key) {
        (Known::Yes, _) | (_, UnknownKey::Ignore) => Ok(()),
        (Known::No, UnknownKey::Accept) => remember(session, settings, &name),
        (Known::No, UnknownKey::Refuse) => Err(format!(
            "its host key is not known; look at it by `ssh -p {} {}@{}`, and accept it there if it is right",
            settings.port, settings.user, settings.host
        )),
        (Known::Another, _) => Err(format!(
            "its host key is not the one that is known: somebody may be in between, or the machine was set up anew; if you \
             know that it was, forget the old key by `ssh-keygen -R '{name}'`, and accept the new one by `ssh -p {} {}@{}`",
            settings.port, settings.user, settings.host
        )),
    }
}

fn remember(session: &Session, settings: &Settings, name: &str) -> Result<(), String> {
    let file = settings.known_hosts.first().ok_or("there is no file to note its key in")?;
    let wrong = |error: &dyn std::fmt::Display| format!("cannot note its key in {}: {error}", file.display());
    let (key, kind) = session.host_key().ok_or("it has shown no key")?;
    let format = match kind {
        HostKeyType::Rsa => KnownHostKeyFormat::SshRsa,
        HostKeyType::Ecdsa256 => KnownHostKeyFormat::Ecdsa256,
        HostKeyType::Ecdsa384 => KnownHostKeyFormat::Ecdsa384,
        HostKeyType::Ecdsa521 => KnownHostKeyFormat::Ecdsa521,
        HostKeyType::Ed25519 => KnownHostKeyFormat::Ed25519,
        other => return Err(wrong(&format!("it is of the kind {other:?}"))),
    };
    let mut hosts = session.known_hosts().map_err(|error| wrong(&error))?;
    hosts.add(name, key, "", format).map_err(|error| wrong(&error))?;
    let lines = hosts.hosts().map_err(|error| wrong(&error))?;
    let line = lines.first().ok_or_else(|| wrong(&"there is no line"))?;
    let line = hosts.write_string(line, KnownHostFileKind::OpenSSH).map_err(|error| wrong(&error))?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| wrong(&error))?;
    }
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
    let written = opened.and_then(|mut opened| std::io::Write::write_all(&mut opened, line.as_bytes()));
    written.map_err(|error| wrong(&error))
}
