//! Measures three local members: `cargo run --release -p raftd --example puts_and_gets -- [clients] [seconds]`.
//!
//! The members are this program again, each a process of its own; the clients are threads with one connection each,
//! spread over the members, that write as fast as they are answered, then read.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const SERVE: &str = "serve";

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some(SERVE) {
        return raftd::cli::main(env::args_os().skip(1));
    }
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A child that does not outlive us.
struct Member(Child);

impl Drop for Member {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn measure() -> Result<(), Failure> {
    let number = |at: usize, default: u64| env::args().nth(at).map_or(Ok(default), |text| text.parse());
    let (clients, seconds) = (number(1, 16)?, number(2, 5)?);
    let place = env::temp_dir().join(format!("raftd-throughput-{}", std::process::id()));
    let listeners: Vec<TcpListener> =
        (0..6).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<Result<_, _>>()?;
    let ports: Vec<u16> =
        listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect::<Result<_, Failure>>()?;
    drop(listeners);
    let peers: Vec<String> = (1..=3).map(|id| format!("{id}=127.0.0.1:{}", ports[id - 1])).collect();
    let mut members = Vec::new();
    for id in 1..=3 {
        let mut command = Command::new(env::current_exe()?);
        command.args([SERVE, "--id", &id.to_string(), "--cluster", "throughput", "--peers", &peers.join(",")]);
        command.args(["--listen-client", &format!("127.0.0.1:{}", ports[2 + id]), "--log", "warn", "--data"]);
        members.push(Member(command.arg(place.join(id.to_string())).stdin(Stdio::null()).spawn()?));
    }
    let clients_ports = &ports[3..];
    let deadline = Instant::now() + Duration::from_secs(20);
    while !matches!(request(clients_ports[0], None, "GET", "/v1/kv/x", ""), Ok((200, _))) {
        if Instant::now() > deadline {
            return Err("the members elected no leader within 20 s".into());
        }
        thread::sleep(Duration::from_millis(50));
    }
    let body = format!(r#"{{"value":"{}"}}"#, "v".repeat(100));
    for (what, method, body) in [("writes", "PUT", body.as_str()), ("reads", "GET", "")] {
        let run = |client: u64| drive(clients_ports[(client % 3) as usize], client, method, body, seconds);
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..clients).map(|client| scope.spawn(move || run(client))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a client does not panic")).collect()
        });
        report(what, clients, seconds, results.into_iter().collect::<Result<_, _>>()?);
    }
    drop(members);
    std::fs::remove_dir_all(&place)?;
    Ok(())
}

/// Asks for `seconds`; the latencies in microseconds, and how often which other status came.
fn drive(
    port: u16,
    client: u64,
    method: &str,
    body: &str,
    seconds: u64,
) -> Result<(Vec<u64>, BTreeMap<u16, u64>), Failure> {
    let mut connection = None;
    let (mut latencies, mut others) = (Vec::new(), BTreeMap::new());
    let end = Instant::now() + Duration::from_secs(seconds);
    for number in 0.. {
        let start = Instant::now();
        if start > end {
            break;
        }
        let (status, kept) =
            request(port, connection.take(), method, &format!("/v1/kv/k{client}-{}", number % 100), body)?;
        connection = Some(kept);
        match status {
            200 => latencies.push(start.elapsed().as_micros() as u64),
            status => *others.entry(status).or_insert(0) += 1,
        }
    }
    Ok((latencies, others))
}

fn report(what: &str, clients: u64, seconds: u64, results: Vec<(Vec<u64>, BTreeMap<u16, u64>)>) {
    let mut latencies: Vec<u64> = results.iter().flat_map(|(latencies, _)| latencies).copied().collect();
    latencies.sort_unstable();
    let quantile =
        |of: f64| latencies.get((latencies.len() as f64 * of) as usize).copied().unwrap_or(0) as f64 / 1000.0;
    let others: BTreeMap<u16, u64> = results.into_iter().flat_map(|(_, others)| others).collect();
    println!(
        "{clients} clients, {what}: {} a second; latency in ms: median {:.2}, p99 {:.2}, max {:.2}; others: {others:?}",
        latencies.len() as u64 / seconds,
        quantile(0.5),
        quantile(0.99),
        quantile(1.0 - f64::EPSILON),
    );
}

/// One request, on a connection that is kept.
fn request(
    port: u16,
    connection: Option<BufReader<TcpStream>>,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, BufReader<TcpStream>), Failure> {
    let mut connection = match connection {
        Some(connection) => connection,
        None => {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_nodelay(true)?;
            BufReader::new(stream)
        }
    };
    let length = body.len();
    let text = format!("{method} {path} HTTP/1.1\r\nhost: bench\r\ncontent-length: {length}\r\n\r\n{body}");
    connection.get_mut().write_all(text.as_bytes())?;
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        connection.read_line(&mut line)?;
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.get(..3).unwrap_or_default().parse()?;
        } else if let Some(rest) = line.strip_prefix("content-length: ") {
            length = rest.trim().parse()?;
        } else if line.trim().is_empty() {
            break;
        }
    }
    connection.read_exact(&mut vec![0; length])?;
    Ok((status, connection))
}
