//! The server as its users meet it: real processes, real sockets, real disks.

mod breaking;
mod cluster;
mod http;
mod requests;
mod restarts;
mod starting;
mod stopping;
