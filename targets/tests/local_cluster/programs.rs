//! The programs that run on the nodes: one sends back what it gets, the other talks to it over a single connection.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

pub const ECHO: &str = "play-echo";
pub const TALK: &str = "play-talk";
pub const PORT: u16 = 4000;

/// Sends every byte back, on every connection.
pub fn echo() -> ExitCode {
    let listener = TcpListener::bind(("0.0.0.0", PORT)).expect("the port is free");
    println!("ready");
    for mut stream in listener.incoming().flatten() {
        thread::spawn(move || {
            let mut byte = [0];
            while stream.read_exact(&mut byte).and_then(|()| stream.write_all(&byte)).is_ok() {}
        });
    }
    ExitCode::SUCCESS
}

/// Sends a byte, waits for it to come back, prints a dot; for ever, over one connection, until that breaks.
pub fn talk(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let host = arguments.next().expect("whom to talk to").into_string().expect("a name");
    let mut stream = TcpStream::connect((host, PORT)).expect("the other listens");
    stream.set_nodelay(true).expect("a connection has options");
    let mut byte = [7];
    while stream.write_all(&byte).and_then(|()| stream.read_exact(&mut byte)).is_ok() {
        println!(".");
        thread::sleep(Duration::from_millis(1)); // the pace of the talk, not a wait for anything
    }
    println!("broken");
    ExitCode::FAILURE
}
