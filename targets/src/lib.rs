//! What is tested, and where?
//!
//! A [`target`] is a database under test; a [`client`] is one session with one of its nodes. A `Cluster` is a set of nodes
//! with a switch between them; a `Remote` is the place where a node's commands run. Which faults exist and what the
//! clients ask must not be known here.

pub mod agent;
pub mod client;
pub mod client_process;
pub mod clock;
pub mod cluster;
pub mod deployment;
pub mod disk;
pub mod doctor;
pub mod etcd;
pub mod hosts;
mod local;
pub mod lock;
pub mod members;
pub mod packets;
pub mod raft;
mod ration;
pub mod remote;
pub mod rot;
pub mod route;
pub mod sandbox;
pub mod supported;
pub mod target;
pub mod zookeeper;

pub use deployment::Deployment;
