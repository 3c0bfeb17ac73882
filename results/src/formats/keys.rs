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
    /// Whether the first call names its key, and its line.
    first: Option<(bool, u64)>,
}

impl KeysOf {
    /// Keys stand there: that was `guessed`, or somebody said so.
    pub(super) fn new(keys: Keys, guessed: bool) -> KeysOf {
        KeysOf { keys, guessed, first: None }
    }

    /// Whether the history names keys, as far as it was read.
    pub(super) fn any(&self) -> bool {
        self.first.is_some_and(|(named, _)| named)
    }

    /// Takes the key out of a row; `None`: it names none.
    pub(super) fn take(&mut self, row: &mut Row) -> Result<Option<Datum>, Problem> {
        let invokes = row.kind == RowKind::Invoke;
        let field = row.key.take().filter(|key| *key != Datum::Nil);
        if self.keys == Keys::Detected && invokes {
            self.keys = match &field {
                Some(_) => Keys::Field("key".into()),
                None if looks_like_pair(&row.f, &row.value) => Keys::InValue,
                None => Keys::Nowhere,
            };
        }
        let stands_elsewhere = match self.keys {
            Keys::InValue => field.is_some(),
            Keys::Nowhere => field.is_some() || looks_like_pair(&row.f, &row.value),
            Keys::Field(_) | Keys::Detected => false,
        };
        if self.guessed && invokes && stands_elsewhere {
            return Err(self.unlike_first(row));
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

    /// A call with a key, where the first one has none, or has it elsewhere; or the other way round.
    fn unlike_first(&self, row: &Row) -> Problem {
        let line = self.first.map_or(row.place.line, |(_, line)| line);
        let says = match (&self.keys, self.any()) {
            (Keys::Field(name), true) => {
                format!("this call has no key in its field {name}, as that of line {line} has")
            }
            (Keys::Field(name), false) => {
                format!("this call has a key in its field {name}, which that of line {line} has not")
            }
            (Keys::InValue, _) => format!("this call has a field key, and that of line {line} a pair [key value]"),
            (Keys::Nowhere | Keys::Detected, _) => {
                format!("this call seems to name its key, which that of line {line} does not")
            }
        };
        Problem::at(row.place, format!("{says}; say where keys stand with --key-of FIELD, value or none"))
    }
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
