//! Which object a line is about: a field of its own says it, or its value is a pair of key and value, as Jepsen's
//! `independent` writes histories of many keys.

use super::datum::{Datum, shown};
use super::place::Problem;
use super::row::{Row, RowKind};

/// Where keys stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Keys {
    /// In the value, if the first call shows it: `[key value]`.
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
    /// The field in which keys stand, if it is one.
    pub(super) fn field(&self) -> Option<&str> {
        match self {
            Keys::Field(name) => Some(name),
            _ => None,
        }
    }

    /// Takes the key out of a row; `None`: it names none.
    pub(super) fn take(&mut self, row: &mut Row) -> Result<Option<Datum>, Problem> {
        if *self == Keys::Detected && row.kind == RowKind::Invoke {
            *self = if looks_like_pair(&row.f, &row.value) { Keys::InValue } else { Keys::Nowhere };
        }
        match self {
            Keys::Field(_) => Ok(row.key.take().filter(|key| *key != Datum::Nil)),
            Keys::Nowhere | Keys::Detected => Ok(None),
            Keys::InValue => match (pair(&mut row.value), row.kind) {
                (Some((key, value)), _) => {
                    row.value = value;
                    Ok(Some(key))
                }
                // What did not happen, or nobody knows, may stand without its value.
                (None, RowKind::Fail | RowKind::Info) => Ok(None),
                (None, _) => {
                    let value = shown(&row.value);
                    let reason = format!(
                        "the value {value} is no pair [key value]; name the key's field with --key-of, or none"
                    );
                    Err(Problem::at(row.place, reason))
                }
            },
        }
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
        "cas" => matches!(second, Datum::Seq(items) if items.len() == 2),
        "txn" => !matches!(first, Datum::Seq(_)),
        _ => true,
    }
}
