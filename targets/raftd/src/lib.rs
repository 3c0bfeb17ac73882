//! A Raft key-value server: the reference target of squall, and a source of known mistakes.

pub mod cli;
pub mod core;
pub mod http;
pub mod machine;
pub mod node;
pub mod peer;
pub mod server;
pub mod storage;
pub mod types;
