//! A Raft key-value server: the reference target of squall, and a source of known mistakes.

pub mod core;
pub mod machine;
pub mod storage;
pub mod types;
