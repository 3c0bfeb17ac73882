//! The linearizability checker: its answers, its evidence, its bounds.

mod budget;
mod feed;
mod golden;
mod legal;
mod memory;
mod minimal;
mod online;
mod random;
mod twin;
