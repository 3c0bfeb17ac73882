//! The server `raftd`.

use std::process::ExitCode;

fn main() -> ExitCode {
    raftd::cli::main(std::env::args_os())
}
