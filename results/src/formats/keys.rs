//! Which object a line is about: a field of its own says it, or its value is a pair of key and value, as Jepsen's
//! `independent` writes histories of many keys.

use super::datum::{Datum, shown};
use super::place::Problem;
use super::row::{Row, RowKind};

/// Where keys stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Keys {
    /// In the field `key` or in the value, `[key value]`, if the first call shows it.
    #[default]
    Detected,
    /// In the value: `[key value]`.
    InValue,
    /// In the field of this name.
    Field(String),
    /// Nowhere: all calls are about one object.
    Nowhere,
}

impl std::str::FromStr for Keys {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Keys, Self::Err> {
        Ok(match text {
            "value" => Keys::InValue,
            "none" => Keys::Nowhere,
            field => Keys::Field(field.to_owned()),
        })
    }
}

impl Keys {
    /// The field in which keys may stand.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Keys::Field(name) => Some(name),
            Keys::Detected => Some("key"),
            Keys::InValue | Keys::Nowhere => None,
        }
    }
}

/// Takes keys out of rows, and sees to it that all calls have theirs, or none has: a call without one would be about another
/// object than it is.
pub(super) struct KeysOf {
    keys: Keys,
    /// Nobody said where keys stand.
    guessed: bool,
    /// They stand where the first call shows them.
    detects: bool,
    /// Whether the first call names its key, and its line.
    first: Option<(bool, u64)>,
    /// Transactions with a field that could be a key.
    passed_over: u64,
}

impl KeysOf {
    /// Keys stand there: that was `guessed`, or somebody said so.
    pub(super) fn new(keys: Keys, guessed: bool) -> KeysOf {
        KeysOf { detects: keys == Keys::Detected, keys, guessed, first: None, passed_over: 0 }
    }

    /// Whether the history names keys, as far as it was read.
    pub(super) fn any(&self) -> bool {
        self.first.is_some_and(|(named, _)| named)
    }

    /// Takes the key out of a row; `None`: it names none.
    pub(super) fn take(&mut self, row: &mut Row) -> Result<Option<Datum>, Problem> {
        let invokes = row.kind == RowKind::Invoke;
        let field = self.field(row);
        if self.keys == Keys::Detected && invokes {
            self.keys = match &field {
                Some(_) => Keys::Field("key".into()),
                None if looks_like_pair(&row.f, &row.value) => Keys::InValue,
                None => Keys::Nowhere,
            };
        }
        if self.guessed {
            self.see_to_doubts(row, field.is_some())?;
        }
        let key = match (&self.keys, row.kind) {
            (Keys::Field(_), _) => field,
            (Keys::Nowhere | Keys::Detected, _) => None,
            (Keys::InValue, kind) => match pair(&mut row.value) {
                Some((key, value)) => {
                    row.value = value;
                    Some(key)
                }
                // What did not happen, or nobody knows, may stand without its value.
                None if matches!(kind, RowKind::Fail | RowKind::Info) => None,
                // And so may what was done and found nothing: `true`.
                None if kind == RowKind::Ok && is_bare_answer(&row.f, &row.value) => None,
                None => {
                    let value = shown(&row.value);
                    let reason = format!(
                        "the value {value} is no pair [key value]; name the key's field with --key-of, or none"
                    );
                    return Err(Problem::at(row.place, reason));
                }
            },
        };
        if invokes {
            let (named, _) = *self.first.get_or_insert((key.is_some(), row.place.line));
            if named != key.is_some() {
                return Err(self.unlike_first(row));
            }
        }
        Ok(key)
    }

    /// What stands in the field of keys. The steps of a transaction name its registers themselves: what a map of Jepsen says
    /// besides, nobody knows, and what is another register because of it would be made up.
    fn field(&mut self, row: &mut Row) -> Option<Datum> {
        let field = row.key.take().filter(|key| *key != Datum::Nil)?;
        if self.guessed && self.detects && &*row.f == "txn" {
            self.passed_over += u64::from(row.kind == RowKind::Invoke);
            return None;
        }
        Some(field)
    }

    /// Refuses what may be a key, but stands elsewhere than keys were guessed to.
    fn see_to_doubts(&self, row: &Row, has_field: bool) -> Result<(), Problem> {
        if row.kind != RowKind::Invoke {
            // Only an end has it: then the call is about that key too, or it is no key.
            let is_late = has_field && matches!(self.keys, Keys::Nowhere | Keys::InValue);
            let says = "this end has a field key, which its call has not";
            return if is_late { Err(doubt(row, says, "key")) } else { Ok(()) };
        }
        let is_pair = looks_like_pair(&row.f, &row.value);
        match &self.keys {
            Keys::InValue if has_field => Err(self.unlike_first(row)),
            Keys::Nowhere if has_field || is_pair => Err(self.unlike_first(row)),
            Keys::Field(name) if is_pair && !has_field => {
                let says = format!("the value {} of this call may be a pair [key value]", shown(&row.value));
                Err(doubt(row, &says, name))
            }
            // A field that is there by design names the key. But who reads brings no value.
            Keys::Field(name) if is_pair && (self.detects || finds(&row.f)) => {
                let value = shown(&row.value);
                let says = format!("this call has a field {name}, and its value {value} may be a pair [key value]");
                Err(doubt(row, &says, name))
            }
            _ => Ok(()),
        }
    }

    /// A call with a key, where the first one has none, or has it elsewhere; or the other way round.
    fn unlike_first(&self, row: &Row) -> Problem {
        let line = self.first.map_or(row.place.line, |(_, line)| line);
        let (says, name) = match (&self.keys, self.any()) {
            (Keys::Field(name), true) => {
                (format!("this call has no key in its field {name}, as that of line {line} has"), name.as_str())
            }
            (Keys::Field(name), false) => {
                (format!("this call has a key in its field {name}, which that of line {line} has not"), name.as_str())
            }
            (Keys::InValue, _) => {
                (format!("this call has a field key, and that of line {line} a pair [key value]"), "key")
            }
            (Keys::Nowhere | Keys::Detected, _) => {
                (format!("this call seems to name its key, which that of line {line} does not"), "key")
            }
        };
        doubt(row, &says, name)
    }

    /// What people should know about keys.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let by_field = self.detects && self.any() && matches!(self.keys, Keys::Field(_));
        let by_field = by_field.then(|| {
            "the field key of each call is taken for its key; --key-of none says that it is something else".to_owned()
        });
        let passed_over = (self.passed_over > 0).then(|| {
            let count = self.passed_over;
            format!(
                "{count} transactions have a field key, which was passed over: their steps name registers; --key-of key says that each key has registers of its own"
            )
        });
        by_field.into_iter().chain(passed_over)
    }
}

/// Something of which nobody knows whether it is a key.
fn doubt(row: &Row, says: &str, field: &str) -> Problem {
    Problem::at(row.place, format!("{says}; say where keys stand with --key-of {field}, value or none"))
}

/// Whether an answer to this call says what was found.
fn finds(f: &str) -> bool {
    matches!(f, "read" | "r" | "get" | "dequeue" | "txn")
}

/// Whether an answer says no more than that something was done, or not.
fn is_bare_answer(f: &str, value: &Datum) -> bool {
    !finds(f) && (matches!(value, Datum::Nil | Datum::Bool(_)) || value.is_ok_word())
}

fn pair(value: &mut Datum) -> Option<(Datum, Datum)> {
    match value {
        Datum::Seq(items) if items.len() == 2 => {
            let value = items.pop()?;
            Some((items.pop()?, value))
        }
        _ => None,
    }
}

/// Whether the value of a beginning call is a pair of key and value: it has two parts, where the call alone would have none,
/// or one, or two of another kind.
fn looks_like_pair(f: &str, value: &Datum) -> bool {
    let Datum::Seq(items) = value else { return false };
    let [first, second] = items.as_slice() else { return false };
    match f {
        // [expected new] may hold anything, but no key is nil or a list.
        "cas" => {
            !matches!(first, Datum::Nil | Datum::Seq(_)) && matches!(second, Datum::Seq(items) if items.len() == 2)
        }
        "txn" => !matches!(first, Datum::Seq(_)),
        // The balances of two accounts.
        "open" => matches!(second, Datum::Seq(_)),
        _ => true,
    }
}
