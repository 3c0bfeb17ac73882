//! Who conducts? Plans, the run loop, the pipeline from plan to report, and the `squall` command line.
//!
//! This crate may know all the others.

pub mod campaign;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod driver;
pub mod exit;
pub mod interpreter;
pub mod judge;
pub mod live;
pub mod logs;
pub mod names;
pub mod narrate;
pub mod plan;
pub mod recorder;
pub mod replay;
pub mod run;
pub mod sampler;
pub mod seed;
pub mod stop;
pub mod summary;
pub mod tally;
pub mod traffic;
