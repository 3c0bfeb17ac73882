//! The checkers of sets, banks and versions: golden histories, and twins by brute force.

mod bank;
mod beginnings;
mod golden;
mod random;
mod script;
mod set;
mod twin;
mod versioned;
