//! The linearizability checker: its answers, its evidence, its bounds.

mod budget;
mod feed;
#[path = "../../examples/linearizable_bench/generate.rs"]
mod generate;
mod golden;
mod hard;
mod legal;
mod memory;
mod minimal;
mod online;
mod random;
mod twin;
