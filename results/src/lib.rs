//! What happened, and was it right?
//!
//! The bottom crate of squall: calls, replies and outcomes; events and the [`History`] they make; models and checkers;
//! verdicts; with the features `plots` and `report` the pictures and the page that show them.
//!
//! It must not know networks, processes, machines or clocks: everything here is a function of recorded data, so that a
//! history can be judged again from disk alone, on another machine, by a newer version.

pub mod call;
pub mod checker;
pub mod event;
pub mod figures;
pub mod folder;
pub mod foreign;
pub mod formats;
pub mod history;
pub mod in_order;
pub mod isolation;
pub mod model;
pub mod models;
pub mod outcome;
#[cfg(feature = "plots")]
pub mod plots;
pub mod reader;
#[cfg(feature = "report")]
pub mod report;
pub mod verdict;
pub mod words;

pub use call::{Call, CallKind, Reply};
pub use checker::{Budget, Checker};
pub use event::Event;
pub use figures::Figures;
pub use history::{History, Operation};
pub use isolation::Level;
pub use model::Model;
pub use outcome::Outcome;
pub use verdict::{Anomaly, Judgement, Promise, Validity, Verdict};

/// The examples in the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
