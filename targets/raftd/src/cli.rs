//! The command line of the server.

use crate::server::{self, Config, TICK_MS};
use crate::types::{Bug, NodeId};
use clap::Parser;
use clap::error::ErrorKind;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{Level, error};

/// How long what still runs after the server has stopped may take.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_millis(200);

/// One member of a replicated key-value store (Raft). Clients speak JSON over HTTP to any member.
#[derive(Debug, Parser)]
#[command(name = "raftd", version, max_term_width = 120)]
struct Arguments {
    /// The number of this member, one of those in --peers
    #[arg(long)]
    id: NodeId,

    /// The name of the cluster; members of another cluster are refused
    #[arg(long)]
    cluster: String,

    /// The members that the cluster begins with, this one included, with the addresses at which they reach each other. It stays
    /// what it was at the first start: how the members change later is in the log. With --join: this member alone
    #[arg(long, value_delimiter = ',', required = true, value_name = "ID=HOST:PORT,...", value_parser = parse_peer)]
    peers: Vec<(NodeId, String)>,

    /// Belongs to no cluster at first, and waits until a member of one is asked to add it
    #[arg(long)]
    join: bool,

    /// Where clients are served
    #[arg(long, value_name = "HOST:PORT")]
    listen_client: String,

    /// Where the other members are heard [default: this member's address in --peers]
    #[arg(long, value_name = "HOST:PORT")]
    listen_peer: Option<String>,

    /// The folder for the log; made if it does not exist, and never shared with another member
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// The time between two heartbeats of a leader, in milliseconds
    #[arg(long, default_value_t = 50, value_name = "MS", value_parser = clap::value_parser!(u64).range(TICK_MS..=60_000))]
    heartbeat_ms: u64,

    /// The shortest election time-out, in milliseconds; each is drawn between this and twice this
    #[arg(long, default_value_t = 300, value_name = "MS", value_parser = clap::value_parser!(u64).range(TICK_MS..=600_000))]
    election_ms: u64,

    /// After this time a request is answered, whatever became of it, in milliseconds
    #[arg(long, default_value_t = 5000, value_name = "MS", value_parser = clap::value_parser!(u64).range(TICK_MS..=3_600_000))]
    request_timeout_ms: u64,

    /// The most entries of the log that one message carries
    #[arg(long, default_value_t = 256, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    batch_entries: u16,

    /// A snapshot of the state is taken every so many entries, and the log before it dropped
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    snapshot_entries: u64,

    /// Leaders may grant reads by leases: one member's clock goes faster than another's by so many percent at most. All members
    /// need the same value, and the same --election-ms [default: no leases]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    lease_drift_percent: Option<u32>,

    /// The largest body of a request, in bytes
    #[arg(long, default_value_t = 1 << 20, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1024..=8 << 20))]
    max_body_bytes: u32,

    /// How many bytes requests may have that have no answer yet; more are refused
    #[arg(long, default_value_t = 64 << 20, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1 << 20..=1 << 30))]
    max_open_bytes: u32,

    /// How many requests may have no answer yet; more are refused
    #[arg(long, default_value_t = 4096, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_open_requests: u32,

    /// How many bytes of changes are kept for those who watch; who falls further behind is cut off
    #[arg(long, default_value_t = 16 << 20, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=1 << 30))]
    watch_history_bytes: u32,

    /// Seeds the election time-outs [default: random]
    #[arg(long)]
    seed: Option<u64>,

    /// Plants a bug: the server is then wrong on purpose, for testing what tests it
    #[arg(long, value_name = "NAME", value_parser = parse_bug)]
    bug: Option<Bug>,

    /// The least important lines that are logged: error, warn, info, debug or trace
    #[arg(long, default_value_t = Level::INFO, value_name = "LEVEL")]
    log: Level,
}

fn parse_peer(text: &str) -> Result<(NodeId, String), String> {
    let (id, address) = text.split_once('=').ok_or("expected ID=HOST:PORT, as in 1=10.0.0.1:7101")?;
    let id: NodeId = id.trim().parse().map_err(|_| format!("`{id}` is not the number of a member"))?;
    check_member(id, address)?;
    Ok((id, address.into()))
}

/// Whether a member may have this number and be reached there, or why not.
pub(crate) fn check_member(id: NodeId, address: &str) -> Result<(), String> {
    let port = address.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
    match (id, port.map(str::parse::<u16>)) {
        (0, _) => Err("members are numbered from 1".into()),
        (_, Some(Ok(_))) => Ok(()),
        (_, Some(Err(_)) | None) => Err(format!("`{address}` is not HOST:PORT")),
    }
}

fn parse_bug(text: &str) -> Result<Bug, String> {
    let names = || Bug::ALL.map(Bug::name).join(", ");
    text.parse::<Bug>().map_err(|error| format!("{error}; there are: {}", names()))
}

impl Arguments {
    /// The arguments as the server wants them, or what is wrong with them.
    fn resolve(self) -> Result<(Config, Level), String> {
        let mut peers = BTreeMap::new();
        for (id, address) in self.peers {
            if peers.insert(id, address).is_some() {
                return Err(format!("--peers lists member {id} twice"));
            }
        }
        let Some(own_address) = peers.get(&self.id) else {
            return Err(format!("--peers does not list member {}, which --id says this is", self.id));
        };
        if self.join && peers.len() > 1 {
            return Err("--peers lists other members, and --join says that none is known yet: leave the others out, the leader tells \
                        of them"
                .into());
        }
        if self.election_ms < 2 * self.heartbeat_ms {
            return Err(format!(
                "--election-ms {} is less than twice --heartbeat-ms {}: one late heartbeat would end every leadership",
                self.election_ms, self.heartbeat_ms
            ));
        }
        let config = Config {
            listen_peer: self.listen_peer.unwrap_or_else(|| own_address.clone()),
            id: self.id,
            cluster: self.cluster,
            peers,
            joins: self.join,
            listen_client: self.listen_client,
            data: self.data,
            heartbeat_ms: self.heartbeat_ms,
            election_ms: self.election_ms,
            request_timeout_ms: self.request_timeout_ms,
            batch_entries: self.batch_entries.into(),
            snapshot_entries: self.snapshot_entries,
            lease_drift_percent: self.lease_drift_percent,
            max_body_bytes: self.max_body_bytes as usize,
            max_open_bytes: self.max_open_bytes as usize,
            max_open_requests: self.max_open_requests as usize,
            watch_history_bytes: self.watch_history_bytes as usize,
            seed: self.seed.map_or_else(random, Ok)?,
            incarnation: random()?,
            bug: self.bug,
        };
        Ok((config, self.log))
    }
}

/// 64 bits of the system's randomness.
fn random() -> Result<u64, String> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut bytes))
        .map_err(|error| format!("cannot read /dev/urandom: {error}"))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Runs a server as `arguments` say, the program's name first, until it is told to stop by SIGTERM or SIGINT.
///
/// The exit code is 0 after such a stop (and after --help), 1 if the server cannot start or go on, 2 if the arguments
/// make no sense.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let (config, level) = match arguments.resolve() {
        Ok(resolved) => resolved,
        Err(reason) => return usage(&clap::Error::raw(ErrorKind::ValueValidation, reason + "\n")),
    };
    // Standard error may be a closed pipe; that is no reason to stop serving. Nor may another subscriber be there.
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let _ = log.with_max_level(level).with_target(false).log_internal_errors(false).try_init();
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn usage(error: &clap::Error) -> ExitCode {
    // Where to complain if not even that can be printed?
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn serve(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        Ok(server::run(config, stop).await?)
    });
    // A disk that hangs must not keep the process alive.
    runtime.shutdown_timeout(SHUTDOWN_TIMEOUT);
    outcome
}
