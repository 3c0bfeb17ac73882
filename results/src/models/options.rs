//! What a model may be told.

use super::ModelInfo;
use crate::call::{Key, Value};
use crate::isolation::Level;
use crate::model::NilRead;
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// What a model may be told. Each model takes some of it; see [`ModelInfo::options`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelOptions {
    /// What the object holds at first: `7`, `nil`, or of several registers `x=0,y=0`.
    pub initial: Option<String>,
    /// What a read means that found nil.
    pub nil_read: NilRead,
    /// Whether accounts may hold less than nothing.
    pub allow_negative: bool,
    /// Whether all keys are judged as one object.
    pub whole: bool,
    /// The isolation level that transactions shall keep to; `None`: the strongest.
    pub level: Option<Level>,
    /// The numbers of the keys that have names, as whoever read the history gave them.
    pub keys: BTreeMap<String, Key>,
}

/// One of the [`ModelOptions`] that some models take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelOption {
    /// [`ModelOptions::initial`].
    Initial,
    /// [`ModelOptions::nil_read`].
    NilRead,
    /// [`ModelOptions::allow_negative`].
    AllowNegative,
    /// [`ModelOptions::whole`].
    Whole,
    /// [`ModelOptions::level`].
    Level,
}

impl fmt::Display for ModelOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ModelOption::Initial => "a first value",
            ModelOption::NilRead => "a meaning of reads of nil",
            ModelOption::AllowNegative => "negative balances",
            ModelOption::Whole => "keys that are one object",
            ModelOption::Level => "an isolation level",
        })
    }
}

/// Options that do not fit a model.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelError {
    /// The model has no use for an option.
    #[error("model {model} does not know {option}; it takes {takes}, so leave that out")]
    DoesNotTake {
        /// The model.
        model: &'static str,
        /// The option.
        option: ModelOption,
        /// What it takes instead, for people.
        takes: String,
    },
    /// A first value that the model cannot hold.
    #[error("model {model} cannot hold {given:?} at first; it wants {wanted}")]
    BadInitial {
        /// The model.
        model: &'static str,
        /// What was given.
        given: String,
        /// What is wanted, with an example.
        wanted: &'static str,
    },
    /// A first value for a key that nobody named.
    #[error("there is no key {key} in the history to hold {value} at first; its keys are {known}")]
    NoSuchKey {
        /// The name that was given.
        key: String,
        /// The value that was given.
        value: Value,
        /// The names that there are, for people.
        known: String,
    },
}

impl ModelOptions {
    /// Whether `model` takes all that is given here.
    pub(super) fn fit(&self, model: &ModelInfo) -> Result<(), ModelError> {
        let given = [
            (ModelOption::Initial, self.initial.is_some()),
            (ModelOption::NilRead, self.nil_read != NilRead::default()),
            (ModelOption::AllowNegative, self.allow_negative),
            (ModelOption::Whole, self.whole),
            (ModelOption::Level, self.level.is_some()),
        ];
        match given.into_iter().find(|(option, given)| *given && !model.options.contains(option)) {
            None => Ok(()),
            Some((option, _)) => {
                let takes: Vec<String> = model.options.iter().map(ModelOption::to_string).collect();
                let takes = if takes.is_empty() { "no options".into() } else { takes.join(", ") };
                Err(ModelError::DoesNotTake { model: model.name, option, takes })
            }
        }
    }

    /// The first value of one register; `None`: nothing.
    pub(super) fn first_value(&self, model: &'static str) -> Result<Option<Value>, ModelError> {
        match self.initial.as_deref() {
            None | Some("nil") => Ok(None),
            Some(given) => given.parse().map(Some).map_err(|_| ModelError::BadInitial {
                model,
                given: given.into(),
                wanted: "a whole number or nil, as in 7",
            }),
        }
    }

    /// The first values of several registers.
    pub(super) fn first_values(&self, model: &'static str) -> Result<BTreeMap<Key, Value>, ModelError> {
        let parts = self.initial.iter().flat_map(|given| given.split(',')).filter(|part| !part.trim().is_empty());
        parts.map(|part| self.first_value_of(part, model)).collect()
    }

    fn first_value_of(&self, part: &str, model: &'static str) -> Result<(Key, Value), ModelError> {
        let bad =
            || ModelError::BadInitial { model, given: part.into(), wanted: "keys with whole numbers, as in x=0,y=0" };
        let (name, value) = part.split_once('=').ok_or_else(bad)?;
        let (name, value) = (name.trim(), value.trim().parse().map_err(|_| bad())?);
        let key = self.keys.get(name).copied();
        // Keys that nobody named are numbers.
        let number = || if self.keys.is_empty() { name.parse().ok() } else { None };
        key.or_else(number).map(|key| (key, value)).ok_or_else(|| ModelError::NoSuchKey {
            key: name.into(),
            value,
            known: match self.keys.is_empty() {
                true => "numbers".into(),
                false => self.keys.keys().cloned().collect::<Vec<_>>().join(", "),
            },
        })
    }
}
