//! A database in one process, and all that squall needs to know of it: server, client, target.

use super::store::Store;
use async_trait::async_trait;
use squall_results::{Call, Outcome, Promise, Reply};
use squall_targets::client::{Client, Completion, Reads, Session};
use squall_targets::cluster::Node;
use squall_targets::remote::DaemonSpec;
use squall_targets::target::{BugInfo, ReadMode, Status, Storm, Target, TargetInfo, TargetOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The first argument by which this executable becomes the server.
pub const ARGUMENT: &str = "memory-server";

const PORT: u16 = 7200;

/// The row that would stand in the list of targets.
pub static MEMORY: TargetInfo = TargetInfo {
    name: "memory",
    about: "a database in the memory of one process",
    reads: &[ReadMode { name: "only", about: "as it is", promise: Promise::Linearizable, beside: None }],
    settings: &[],
    failover_ms: |_| 1_000,
    retries: false,
    bin: None,
    find_server: |_| Ok("built in".into()),
    supports: |kind| squall_targets::supported::DATA.contains(&kind),
    least_members: Err("there is one server"),
    bugs: || {
        [("lose-add", "forgets an addition"), ("tear", "reads a bank in two parts"), ("go-back", "reads the past")]
            .map(|(name, about)| BugInfo {
                name,
                about,
                breaks: "linearizability",
                mirrors: "nothing that anybody did".into(),
                shows_under: "no faults at all",
                unseen: None,
                storm: Storm::Shows(&[]),
            })
            .into()
    },
    make: |options| Ok(Box::new(Memory(options))),
};

/// Answers a call a line with a reply a line, on every connection.
pub fn serve(bug: &str) -> ExitCode {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).expect("the port is free");
    let store = Arc::new(Mutex::new(Store::new(bug)));
    for stream in listener.incoming().flatten() {
        let store = store.clone();
        thread::spawn(move || {
            let mut out = stream.try_clone().expect("a connection has two ends");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let call: Call = serde_json::from_str(&line).expect("clients send calls");
                let reply = store.lock().expect("no thread panics").answer(&call);
                let line = serde_json::to_string(&reply).expect("a reply is JSON") + "\n";
                if out.write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        });
    }
    ExitCode::SUCCESS
}

struct Memory(TargetOptions);

#[async_trait]
impl Target for Memory {
    fn name(&self) -> &'static str {
        MEMORY.name
    }

    fn daemon(&self, node: &Node, _nodes: &[Node]) -> DaemonSpec {
        let program = self.0.own_program.display().to_string();
        let argv = vec![program, ARGUMENT.into(), self.0.bug.clone().unwrap_or_default()];
        let log = node.dir.join("memory.log");
        DaemonSpec { argv, cwd: node.dir.clone(), stdout: log.clone(), stderr: log, ..DaemonSpec::default() }
    }

    fn client(&self, node: &Node, _reads: Reads) -> Box<dyn Client> {
        let address = SocketAddr::new(node.address.into(), PORT);
        Box::new(MemoryClient { address, timeout: self.0.call_timeout, stream: None })
    }

    async fn status(&self, node: &Node, _nodes: &[Node]) -> Result<Status, String> {
        TcpStream::connect((node.address, PORT)).await.map_err(|error| error.to_string())?;
        Ok(Status { leader: Some(node.name.clone()), term: 1 })
    }

    async fn version(&self, _node: &Node) -> Result<String, String> {
        Ok("in memory".into())
    }
}

struct MemoryClient {
    address: SocketAddr,
    timeout: Duration,
    stream: Option<tokio::io::BufReader<TcpStream>>,
}

impl MemoryClient {
    async fn exchange(&mut self, call: &Call) -> std::io::Result<Reply> {
        let stream = self.stream.as_mut().ok_or(std::io::ErrorKind::NotConnected)?;
        stream.write_all((serde_json::to_string(call)? + "\n").as_bytes()).await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        Ok(serde_json::from_str(&line)?)
    }
}

#[async_trait]
impl Client for MemoryClient {
    async fn call(&mut self, call: &Call) -> Completion {
        if self.stream.is_none() {
            match TcpStream::connect(self.address).await {
                Ok(stream) => self.stream = Some(tokio::io::BufReader::new(stream)),
                Err(error) => {
                    return Completion { outcome: Outcome::Fail(error.to_string()), session: Session::Refused };
                }
            }
        }
        let why = match tokio::time::timeout(self.timeout, self.exchange(call)).await {
            Ok(Ok(reply)) => return Completion { outcome: Outcome::Ok(reply), session: Session::Kept },
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".into(),
        };
        Completion { outcome: Outcome::Unknown(why), session: Session::Lost }
    }
}
