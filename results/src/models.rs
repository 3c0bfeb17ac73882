//! All models by name, and how a history is judged by each: `squall check FILE --model NAME`.
//!
//! ```
//! use squall_results::models::{self, ModelOptions};
//! use squall_results::{Budget, History, Validity};
//!
//! let model = models::find("cas-register").unwrap();
//! let checker = model.make(&ModelOptions { initial: Some("7".into()), ..ModelOptions::default() }).unwrap();
//! assert_eq!(checker.check(&History::default(), &Budget::default()).validity, Validity::Valid);
//! ```
//!
//! This module must not know where a history comes from.

mod knows;
mod make;
mod options;

pub use options::{ModelError, ModelOption, ModelOptions};

use crate::call::CallKind;
use crate::checker::Checker;
use CallKind as Kind;
use knows::Knows;

/// A model that people can choose.
#[derive(Debug, Clone, Copy)]
pub struct ModelInfo {
    /// Its name: `cas-register`.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    /// The calls that it knows; a history with others is not judged.
    pub calls: &'static [CallKind],
    /// The options that it takes.
    pub options: &'static [ModelOption],
    /// The checker, from options that fit.
    make: fn(&ModelOptions) -> Result<Box<dyn Checker>, ModelError>,
}

impl ModelInfo {
    /// The checker that judges histories by this model; or which option does not fit it, and why.
    pub fn make(&self, options: &ModelOptions) -> Result<Box<dyn Checker>, ModelError> {
        options.fit(self)?;
        Ok(Box::new(Knows { model: *self, checker: (self.make)(options)? }))
    }
}

/// The model with this name.
pub fn find(name: &str) -> Option<&'static ModelInfo> {
    ALL.iter().find(|model| model.name == name)
}

/// All models.
pub const ALL: &[ModelInfo] = &[
    ModelInfo {
        name: "register",
        about: "a register to read and write",
        calls: &[Kind::Read, Kind::Write],
        options: &[ModelOption::Initial, ModelOption::NilRead],
        make: make::register,
    },
    ModelInfo {
        name: "cas-register",
        about: "a register to read, write, and compare and set",
        calls: &[Kind::Read, Kind::Write, Kind::Cas],
        options: &[ModelOption::Initial, ModelOption::NilRead],
        make: make::register,
    },
    ModelInfo {
        name: "versioned-register",
        about: "a register whose versions grow with every write",
        calls: &[Kind::Read, Kind::Write, Kind::Cas],
        options: &[],
        make: make::versioned_register,
    },
    ModelInfo {
        name: "multi-register",
        about: "registers that transactions read and write together",
        calls: &[Kind::Transaction],
        options: &[ModelOption::Initial, ModelOption::NilRead],
        make: make::multi_register,
    },
    ModelInfo {
        name: "list-append",
        about: "lists that transactions read and append to, each element once; judged at an isolation level",
        calls: &[Kind::ListTransaction],
        options: &[ModelOption::Level],
        make: make::list_append,
    },
    ModelInfo {
        name: "rw-register",
        about: "registers that transactions read and write, each value once; judged at an isolation level",
        calls: &[Kind::Transaction],
        options: &[ModelOption::Level],
        make: make::rw_register,
    },
    ModelInfo {
        name: "kv",
        about: "texts under keys, to put, append and get; empty at first",
        calls: &[Kind::Put, Kind::Append, Kind::Get],
        options: &[ModelOption::Whole],
        make: make::kv,
    },
    ModelInfo {
        name: "mutex",
        about: "a lock that anybody may give back",
        calls: &[Kind::Acquire, Kind::Release],
        options: &[],
        make: make::mutex,
    },
    ModelInfo {
        name: "owner-mutex",
        about: "a lock that only the process gives back that took it",
        calls: &[Kind::Acquire, Kind::Release],
        options: &[],
        make: make::owner_mutex,
    },
    ModelInfo {
        name: "fenced-lock",
        about: "a lock with an owner, and with a token that grows from holder to holder",
        calls: &[Kind::Acquire, Kind::Release],
        options: &[],
        make: make::fenced_lock,
    },
    ModelInfo {
        name: "set",
        about: "a set that elements are added to; empty at first",
        calls: &[Kind::Add, Kind::Elements, Kind::AddToList, Kind::AddLocked, Kind::AddFenced, Kind::List],
        options: &[],
        make: make::set,
    },
    ModelInfo {
        name: "counter",
        about: "a number to increase and to read; 0 at first",
        calls: &[Kind::Increase, Kind::Count],
        options: &[ModelOption::Initial],
        make: make::counter,
    },
    ModelInfo {
        name: "fifo-queue",
        about: "a queue whose elements come out in the order in which they went in",
        calls: &[Kind::Enqueue, Kind::Dequeue],
        options: &[],
        make: make::fifo_queue,
    },
    ModelInfo {
        name: "unordered-queue",
        about: "a queue whose elements come out in any order",
        calls: &[Kind::Enqueue, Kind::Dequeue],
        options: &[],
        make: make::unordered_queue,
    },
    ModelInfo {
        name: "bank",
        about: "accounts that money is moved between: the total never changes",
        calls: &[Kind::Open, Kind::Transfer, Kind::Accounts],
        options: &[ModelOption::AllowNegative],
        make: make::bank,
    },
];
