//! Models by name, and the special cases that are faster than the search: each against a brute-force twin.

#[path = "../workloads/random.rs"]
mod courses;
mod history;
mod random;
mod registry;
mod special;
mod twin;
