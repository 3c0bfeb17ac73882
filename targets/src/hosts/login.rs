//! Logging in: an agent's keys, files of keys, a password; in this order, until one is taken.

use super::settings::Settings;
use ssh2::{KeyboardInteractivePrompt, Prompt, Session};

/// The variable with the password to log in with.
pub(super) const PASSWORD: &str = "SQUALL_SSH_PASSWORD";

/// The variable with what opens encrypted files of keys.
pub(super) const PASSPHRASE: &str = "SQUALL_SSH_PASSPHRASE";

/// Logs in.
///
/// # Errors
/// What was tried, and why none of it did.
pub(super) fn log_in(session: &Session, settings: &Settings) -> Result<(), String> {
    let user = settings.user.as_str();
    // Asking which ways there are may itself be enough to get in.
    let ways = session.auth_methods(user).map(str::to_owned).unwrap_or_default();
    if session.authenticated() {
        return Ok(());
    }
    let offers = |way: &str| ways.split(',').any(|offered| offered == way);
    let mut tried = Vec::new();
    if offers("publickey") {
        if by_agent(session, settings, &mut tried) {
            return Ok(());
        }
        for file in &settings.identities {
            if !file.is_file() {
                continue;
            }
            let passphrase = std::env::var(PASSPHRASE).ok();
            match session.userauth_pubkey_file(user, None, file, passphrase.as_deref()) {
                Ok(()) => return Ok(()),
                Err(error) => tried.push(format!("{}: {}{}", file.display(), error.message(), locked(file))),
            }
        }
    }
    let password = std::env::var(PASSWORD);
    match (&password, offers("password"), offers("keyboard-interactive")) {
        (Ok(password), true, _) => match session.userauth_password(user, password) {
            Ok(()) => return Ok(()),
            Err(error) => tried.push(format!("password: {}", error.message())),
        },
        (Ok(password), false, true) => match session.userauth_keyboard_interactive(user, &mut Same(password)) {
            Ok(()) => return Ok(()),
            Err(error) => tried.push(format!("keyboard-interactive: {}", error.message())),
        },
        (Err(_), true, _) | (Err(_), _, true) => tried.push(format!("password: {PASSWORD} is not set")),
        _ => {}
    }
    let tried = if tried.is_empty() { "there is no key to try".to_owned() } else { tried.join("; ") };
    Err(format!(
        "nobody could log in as {user} (it offers {ways}): {tried}. Let `ssh -p {} {user}@{}` succeed without a question, by \
         `ssh-copy-id` for instance",
        settings.port, settings.host
    ))
}

fn by_agent(session: &Session, settings: &Settings, tried: &mut Vec<String>) -> bool {
    if !settings.agent || (settings.agent_socket.is_none() && std::env::var_os("SSH_AUTH_SOCK").is_none()) {
        return false;
    }
    let connected = session.agent().and_then(|mut agent| {
        if let Some(socket) = &settings.agent_socket {
            agent.set_identity_path(socket)?;
        }
        agent.connect()?;
        agent.list_identities()?;
        let identities = agent.identities()?;
        Ok((agent, identities))
    });
    match connected {
        Ok((agent, identities)) => {
            let count = identities.len();
            let taken = identities.iter().any(|identity| agent.userauth(&settings.user, identity).is_ok());
            if !taken {
                tried.push(format!("ssh-agent: none of its {count} keys"));
            }
            taken
        }
        Err(error) => {
            tried.push(format!("ssh-agent: {}", error.message()));
            false
        }
    }
}

/// What else to say of a file that was of no use.
fn locked(file: &std::path::Path) -> String {
    // What is in a key's newer format says only inside whether it is encrypted; asking ssh-keygen would be asking the user.
    match std::env::var(PASSPHRASE) {
        Ok(_) => String::new(),
        Err(_) if file.exists() => format!(" (if it is encrypted, set {PASSPHRASE} or add it to an agent)"),
        Err(_) => String::new(),
    }
}

/// Answers every question with the password.
struct Same<'a>(&'a str);

impl KeyboardInteractivePrompt for Same<'_> {
    fn prompt<'a>(&mut self, _user: &str, _instructions: &str, prompts: &[Prompt<'a>]) -> Vec<String> {
        prompts.iter().map(|_| self.0.to_owned()).collect()
    }
}
