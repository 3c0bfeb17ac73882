//! The linearizability checker: its answers, its evidence, its bounds.

mod budget;
mod golden;
mod legal;
mod minimal;
mod random;
mod twin;
