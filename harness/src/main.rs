//! The `squall` command: one binary for everything. Under hidden first arguments it is the agent of a local node, a
//! client, or a raftd.

use squall::exit::Exit;
use std::process::ExitCode;

// No #[tokio::main]: namespaces must be entered before any thread exists.
fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let first = args.by_ref().nth(1);
    match first.as_ref().and_then(|first| first.to_str()) {
        Some(squall_targets::agent::ARGUMENT) => squall_targets::agent::run(args),
        Some(squall_targets::client_process::ARGUMENT) => {
            squall_targets::client_process::run(squall_targets::target::ALL)
        }
        Some(squall_targets::raft::ARGUMENT) => raftd::cli::main(std::env::args_os().skip(1)),
        _ => {
            std::panic::catch_unwind(|| squall::cli::main(std::env::args_os().collect())).unwrap_or(Exit::Failed).into()
        }
    }
}
