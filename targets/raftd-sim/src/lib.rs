//! Is raftd right? Whole clusters of it in virtual time, in every kind of bad weather, by the thousand.
//!
//! One seed is one run: members (raftd's Raft core, write-ahead log and state machine, over disks in memory), a network
//! that loses, delays, duplicates and reorders, clients that ask again, and a storm of crashes, partitions, handing over, and
//! members that come and go;
//! then a phase of calm weather, in which the cluster has to elect, catch up and serve. After every step the [properties](property) of the Raft paper are
//! checked, and at the end the history of the clients for linearizability. Everything is drawn from the seed, nothing
//! from the machine, so a seed tells the same story each time.
//!
//! ```
//! use raftd_sim::run::{Plan, run};
//! let report = run(&Plan::storm(7, None), false);
//! assert!(report.violation.is_none(), "{:?}", report.violation);
//! ```
//!
//! It must not know raftd's server: threads, sockets and real disks are the business of raftd's own tests.

pub mod client;
pub mod clocks;
pub mod comings;
pub mod exhaustive;
pub mod holder;
pub mod member;
pub mod network;
pub mod property;
pub mod run;
pub mod storm;
pub mod time;
pub mod trace;
pub mod watcher;
pub mod weather;
pub mod world;
