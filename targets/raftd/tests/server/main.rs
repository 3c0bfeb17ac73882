//! The server as its users meet it: real processes, real sockets, real disks.

mod breaking;
mod cluster;
mod http;
mod leading;
mod leases;
mod limits;
mod locks;
mod members;
mod metrics;
mod requests;
mod restarts;
mod snapshots;
mod starting;
mod stopping;
mod watching;
