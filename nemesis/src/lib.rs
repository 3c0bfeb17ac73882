//! What goes wrong, when, and to whom?
//!
//! A [`Fault`] is data: a family, a [`Selector`], for partitions a [`Shape`], for clocks a [`Skew`], for disks a [`Trouble`],
//! for [`Packets`] what is wrong with them, for servers that come and go a [`Restart`], for members a [`Change`], for files how they
//! [`Rot`]. A [`schedule`] says when each begins and ends, or after what ([`Trigger`]); it is drawn from a seed or written by
//! hand. [`conduct`] carries it out: resolves the selectors while the run goes on, injects, shows that the
//! fault is in force, heals, shows that it is gone, and records each step. Each family lives in a module of its own.
//!
//! This crate must not know what the clients ask or how their history is judged.

pub mod change;
pub mod clients;
pub mod conduct;
mod family;
pub mod fault;
pub mod packets;
pub mod restart;
pub mod rot;
pub mod schedule;
pub mod selector;
pub mod shape;
pub mod skew;
pub mod span;
pub mod swarm;
pub mod trigger;
pub mod trouble;

pub use change::Change;
pub use clients::Clients;
pub use conduct::Conductor;
pub use fault::{Family, Fault};
pub use packets::Packets;
pub use restart::Restart;
pub use rot::Rot;
pub use schedule::{Planned, Schedule, Size};
pub use selector::Selector;
pub use shape::{OneLink, Shape};
pub use skew::Skew;
pub use span::Span;
pub use swarm::Swarm;
pub use trigger::Trigger;
pub use trouble::Trouble;
