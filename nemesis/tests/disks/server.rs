//! The server on the node: it writes some files in known ways, then a byte at a time, each synced, and ends when it cannot.

use crate::common::PORT;
use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

/// The first argument by which this executable becomes the server.
pub const ARGUMENT: &str = "disk-server";

/// What stands at the beginning of the file `kept`, synced.
pub const KEPT: &str = "kept";

/// How much is appended to it, not synced.
pub const APPENDED_BYTES: usize = 64 << 10;

/// Runs in the node's folder, its disk in `data`; ends when a write or a sync fails.
pub fn run() -> ExitCode {
    let worked = first_start().and_then(|()| {
        let listener = TcpListener::bind(("0.0.0.0", PORT))?;
        thread::spawn(move || listener.incoming().for_each(drop));
        work()
    });
    match worked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn first_start() -> io::Result<()> {
    if fs::exists("data/kept")? {
        return Ok(());
    }
    let mut kept = File::create("data/kept")?;
    kept.write_all(KEPT.as_bytes())?;
    kept.sync_all()?;
    File::open("data")?.sync_all()?;
    let mut nameless = File::create("data/nameless")?;
    nameless.write_all(b"hello")?;
    nameless.sync_all()?;
    kept.write_all(&vec![b'x'; APPENDED_BYTES])
}

/// Syncs a byte every few milliseconds, and keeps beside the disk how long the slowest took.
fn work() -> io::Result<()> {
    let mut journal = OpenOptions::new().append(true).create(true).open("data/journal")?;
    let mut slowest_ms = 0;
    loop {
        let begin = Instant::now();
        journal.write_all(b"j")?;
        journal.sync_data()?;
        let took_ms = begin.elapsed().as_millis();
        if took_ms > slowest_ms {
            slowest_ms = took_ms;
            fs::write("slowest", slowest_ms.to_string())?;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// What starts it.
pub fn argv() -> Vec<String> {
    vec![env::current_exe().unwrap().display().to_string(), ARGUMENT.into()]
}
