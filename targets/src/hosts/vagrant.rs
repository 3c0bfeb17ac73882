//! Machines that Vagrant has brought up: what `vagrant ssh-config` says of them is kept for `ssh -F`, and they are machines like others.

mod config;

use super::HostSpec;
use super::connection::Connection;
use super::settings::Settings;
use config::{Interface, Machine};
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

/// Where Vagrant keeps what it knows of the machines of a folder.
const STATE: &str = ".vagrant";

/// What it said of them, for ssh; beside its own files, so that a recorded plan holds as long as the machines are there.
const CONFIG: &str = "squall-ssh-config";

/// All machines of the Vagrantfile of a folder, which must be up.
///
/// # Errors
/// Which machine is not up, or what else is wrong, and what to do.
pub fn machines(folder: &Path) -> Result<Vec<HostSpec>, String> {
    let absolute = fs::canonicalize(folder).map_err(|error| {
        format!("--vagrant {}: {error}; a folder may follow --vagrant, the target stands before it", folder.display())
    })?;
    let output = vagrant(&absolute, &["ssh-config"])?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        // Whatever was printed before is a part, and Vagrant does not say which machine it stopped at.
        let states = vagrant(&absolute, &["status", "--machine-readable"])?;
        let states = config::states(&String::from_utf8_lossy(&states.stdout));
        return Err(config::refusal(&folder.display().to_string(), &states, &String::from_utf8_lossy(&output.stderr)));
    }
    let machines = config::read(&text)?;
    let file = state_folder(&absolute).join(CONFIG);
    let written =
        file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, config::for_ssh(&text)));
    written.map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let spec = |machine: &Machine| HostSpec {
        host: machine.name.clone(),
        user: None,
        port: None,
        address: None,
        link: None,
        identity: None,
        config: Some(file.clone()),
    };
    let mut hosts: Vec<HostSpec> = machines.iter().map(spec).collect();
    if machines.iter().any(Machine::is_forwarded) {
        let addresses = addresses(&hosts)?;
        hosts.iter_mut().zip(addresses).for_each(|(host, address)| host.address = Some(address));
    }
    Ok(hosts)
}

/// Where the machines reach each other, where Vagrant reaches them by ports of this machine that lead to them.
fn addresses(hosts: &[HostSpec]) -> Result<Vec<Ipv4Addr>, String> {
    let ask = |host: &HostSpec| -> Result<Vec<Interface>, String> {
        let connection = Connection::open(&Settings::of(host)?)?;
        let command = "PATH=\"$PATH:/usr/sbin:/sbin\" ip -o -4 address show scope global";
        Ok(config::interfaces(&connection.run(command)?.well("ask for its addresses")?))
    };
    let asked: Result<Vec<_>, String> = thread::scope(|scope| {
        let asking: Vec<_> = hosts.iter().map(|host| (host, scope.spawn(|| ask(host)))).collect();
        let answer = asking.into_iter().map(|(host, asking)| {
            let answered = asking.join().unwrap_or_else(|_| Err("a thread panicked".into()));
            answered.map_err(|reason| format!("{}: {reason}", host.host))
        });
        answer.collect()
    });
    config::shared(&asked?).ok_or_else(|| {
        "the machines share no network on which they have addresses of their own; give each a `private_network` in the Vagrantfile"
            .into()
    })
}

/// The folder, or one above it, in which Vagrant keeps its state.
fn state_folder(folder: &Path) -> PathBuf {
    let known = folder.ancestors().map(|folder| folder.join(STATE)).find(|state| state.is_dir());
    known.unwrap_or_else(|| folder.join(STATE))
}

fn vagrant(folder: &Path, arguments: &[&str]) -> Result<Output, String> {
    let mut command = Command::new("vagrant");
    let ran = command.args(arguments).current_dir(folder).stdin(Stdio::null()).env("VAGRANT_CHECKPOINT_DISABLE", "1");
    ran.output().map_err(|error| {
        format!("cannot start vagrant: {error}; install it, for instance by apt-get install vagrant vagrant-libvirt")
    })
}

impl Machine {
    /// Whether it is reached by a port of this machine, where no other machine reaches it.
    fn is_forwarded(&self) -> bool {
        self.host_name == "localhost" || self.host_name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}
