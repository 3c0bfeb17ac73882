//! One connection to a machine: opened, checked, logged in; commands are run over it. Blocking, with a bound for every wait.

use super::known::{self, KINDS, Known};
use super::login;
use super::settings::Settings;
use ssh2::{Channel, MethodType, Session};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

/// How long a machine may take to take up a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long each answer of its sshd may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// For how long it is tried again where nobody listens, or the connection breaks while it is made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

/// How long it waits before it tries again.
const TRY_EVERY: Duration = Duration::from_millis(200);

/// How much is sent at once.
const PART_BYTES: usize = 64 << 10;

/// A connection of which commands are asked.
pub(super) struct Connection {
    pub session: Session,
    /// The machine's address.
    pub address: Ipv4Addr,
    /// The controller's address as the machine sees it.
    pub from: Ipv4Addr,
}

/// Why there is no connection.
enum Refusal {
    /// It may be better soon.
    Passing(String),
    /// Somebody has to do something.
    Final(String),
}

/// What became of a command.
#[derive(Debug)]
pub(super) struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Connection {
    /// Connects and logs in; tries again for some time where the machine may only be late.
    ///
    /// # Errors
    /// What is wrong, with a remedy.
    pub(super) fn open(settings: &Settings) -> Result<Connection, String> {
        let begin = Instant::now();
        loop {
            match Connection::open_once(settings) {
                Ok(connection) => return Ok(connection),
                Err(Refusal::Final(reason)) => return Err(reason),
                Err(Refusal::Passing(reason)) if begin.elapsed() > CONNECT_PATIENCE => {
                    let after = begin.elapsed().as_secs();
                    return Err(format!("{reason}; tried for {after} s at {}; is it up?", settings.place()));
                }
                Err(Refusal::Passing(_)) => thread::sleep(TRY_EVERY),
            }
        }
    }

    fn open_once(settings: &Settings) -> Result<Connection, Refusal> {
        let mut known = (Known::No, None);
        for kinds in KINDS {
            let connection = match Connection::shake_hands(settings, kinds) {
                Ok(connection) => connection,
                // It has no key of this kind.
                Err((Some(_), reason)) if known.1.is_none() && kinds == KINDS[2] => {
                    return Err(Refusal::Passing(reason));
                }
                Err((Some(NO_COMMON_METHOD), _)) => continue,
                Err((_, reason)) => return Err(Refusal::Passing(reason)),
            };
            let found = known::look_up(&connection.session, settings).map_err(Refusal::Final)?;
            // What another of its keys says outweighs that this one is not there.
            if found == Known::Yes || known.1.is_none() || (found, known.0) == (Known::Another, Known::No) {
                known = (found, Some(connection));
            }
            if found == Known::Yes {
                break;
            }
        }
        let (found, connection) = known;
        let connection =
            connection.ok_or_else(|| Refusal::Final("it has no host key of a kind that squall knows".into()))?;
        known::judge(found, &connection.session, settings).map_err(Refusal::Final)?;
        login::log_in(&connection.session, settings).map_err(Refusal::Final)?;
        Ok(connection)
    }

    /// A connection on which nobody has logged in yet. An error has libssh2's number, where it is from there.
    fn shake_hands(settings: &Settings, kinds: &str) -> Result<Connection, (Option<i32>, String)> {
        let io = |error: std::io::Error| (None, format!("cannot connect: {error}"));
        let name = (settings.host.as_str(), settings.port);
        let addresses = name.to_socket_addrs().map_err(|error| (None, format!("unknown host {}: {error}", name.0)))?;
        let v4 = |address| if let SocketAddr::V4(address) = address { Some(address) } else { None };
        let address: SocketAddrV4 =
            addresses.into_iter().find_map(v4).ok_or((None, "it has no IPv4 address".into()))?;
        let stream = TcpStream::connect_timeout(&address.into(), CONNECT_TIMEOUT).map_err(io)?;
        stream.set_nodelay(true).map_err(io)?;
        let from = match stream.local_addr().map_err(io)? {
            SocketAddr::V4(from) => *from.ip(),
            SocketAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
        };
        let ssh = |error: ssh2::Error| {
            let code = if let ssh2::ErrorCode::Session(code) = error.code() { Some(code) } else { None };
            (code, format!("no ssh connection: {}", error.message()))
        };
        let mut session = Session::new().map_err(ssh)?;
        session.set_timeout(ANSWER_TIMEOUT.as_millis() as u32);
        session.method_pref(MethodType::HostKey, kinds).map_err(ssh)?;
        session.set_tcp_stream(stream);
        session.handshake().map_err(ssh)?;
        Ok(Connection { session, address: *address.ip(), from })
    }

    /// Starts a command and returns the channel on which it listens and speaks.
    pub(super) fn begin(&self, command: &str) -> Result<Channel, String> {
        let begun = self.session.channel_session().and_then(|mut channel| {
            channel.exec(command)?;
            Ok(channel)
        });
        begun.map_err(|error| format!("cannot start `{command}`: {}", error.message()))
    }

    /// Runs a command that says little to its end.
    ///
    /// # Errors
    /// When the connection is lost, or silent for too long.
    pub(super) fn run(&self, command: &str) -> Result<Ran, String> {
        self.feed(command, &mut std::io::empty())
    }

    /// As [`Connection::run`], for a command that reads `input`.
    pub(super) fn feed(&self, command: &str, input: &mut dyn Read) -> Result<Ran, String> {
        let mut channel = self.begin(command)?;
        let mut part = vec![0; PART_BYTES];
        loop {
            let length = match input.read(&mut part) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(format!("cannot read what `{command}` is to get: {error}")),
            };
            // A command that reads no more has something to say about it.
            if channel.write_all(&part[..length]).is_err() {
                break;
            }
        }
        let lost = |error: ssh2::Error| format!("the connection broke in `{command}`: {}", error.message());
        let _ = channel.send_eof(); // it may have ended
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let read = channel.read_to_end(&mut stdout).and_then(|_| channel.stderr().read_to_end(&mut stderr));
        read.map_err(|error| format!("the connection broke in `{command}`: {error}"))?;
        channel.wait_close().map_err(lost)?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Ran { status: channel.exit_status().map_err(lost)?, stdout: text(stdout), stderr: text(stderr) })
    }
}

/// libssh2's number for a peer that has nothing of what was asked for.
const NO_COMMON_METHOD: i32 = -5;

impl Ran {
    /// What it printed, where it ended well.
    pub(super) fn well(self, what: &str) -> Result<String, String> {
        if self.status == 0 {
            return Ok(self.stdout);
        }
        Err(format!("{what}: status {}: {}", self.status, self.stderr.trim()))
    }
}
