//! Models by name, and the special cases that are faster than the search: each against a brute-force twin.

mod history;
mod registry;
