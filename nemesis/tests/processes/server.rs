//! The server on a node: it takes a while to start, and notes when it started and when it serves.

use crate::common::PORT;
use std::env;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::TcpListener;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The first argument by which this executable becomes the server.
pub const ARGUMENT: &str = "slow-server";

/// How long it takes to start.
pub const START_UP: Duration = Duration::from_millis(200);

/// What a server does, and when it is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It ends.
    Plain,
    /// Nothing.
    DeafToTerm,
    /// It ends, but before it uses all of a processor.
    Busy,
}

/// What makes a server busy.
const BUSY: &str = "busy";

/// Runs in the node's folder.
pub fn run(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    if arguments.next().is_some_and(|argument| argument == BUSY) {
        thread::spawn(|| {
            loop {
                std::hint::spin_loop();
            }
        });
    }
    let worked = note("starts").and_then(|()| {
        thread::sleep(START_UP);
        let listener = TcpListener::bind(("0.0.0.0", PORT))?;
        note("serves")?;
        listener.incoming().for_each(drop);
        Ok(())
    });
    if let Err(error) = worked {
        eprintln!("{error}");
    }
    ExitCode::FAILURE
}

/// Appends this instant, in nanoseconds, to a file.
fn note(name: &str) -> io::Result<()> {
    let at_ns = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?.as_nanos();
    OpenOptions::new().append(true).create(true).open(name)?.write_all(format!("{at_ns}\n").as_bytes())
}

/// What starts it.
pub fn argv(manner: Manner) -> Vec<String> {
    let program = env::current_exe().unwrap().display().to_string();
    match manner {
        Manner::Plain => vec![program, ARGUMENT.into()],
        Manner::Busy => vec![program, ARGUMENT.into(), BUSY.into()],
        // Whoever is started by somebody who ignores a signal ignores it, too.
        Manner::DeafToTerm => {
            ["sh", "-c", "trap '' TERM; exec \"$0\" \"$1\"", &program, ARGUMENT].map(str::to_owned).into()
        }
    }
}
