//! Values of other languages: what EDN and JSON can say, in one type.

use std::fmt;

/// A value as EDN or JSON write it. Equal values are equal, however they were written: maps and sets are in order.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Datum {
    /// `nil`, `null`.
    Nil,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// Any other number, as text.
    Number(Box<str>),
    /// `"text"`.
    Text(Box<str>),
    /// `:keyword`, without its colon.
    Keyword(Box<str>),
    /// `symbol`, and `\c` with its backslash.
    Symbol(Box<str>),
    /// A vector, list or array.
    Seq(Vec<Datum>),
    /// A set, sorted.
    Set(Vec<Datum>),
    /// A map, sorted.
    Map(Vec<(Datum, Datum)>),
    /// `#tag "value"`.
    Tagged(Box<str>, Box<Datum>),
}

impl Datum {
    /// A set of these.
    pub(super) fn set(mut items: Vec<Datum>) -> Datum {
        items.sort_unstable();
        items.dedup();
        Datum::Set(items)
    }

    /// A map of these entries, or why there is none.
    pub(super) fn map(mut entries: Vec<(Datum, Datum)>) -> Result<Datum, String> {
        entries.sort_unstable();
        match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(twice) => Err(format!("a map with {} in it twice", shown(&twice[0].0))),
            None => Ok(Datum::Map(entries)),
        }
    }

    /// The word, where this is one: the text of a keyword, a string or a symbol.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Datum::Text(word) | Datum::Keyword(word) | Datum::Symbol(word) => Some(word),
            _ => None,
        }
    }

    /// Whether it says that all went well: `ok`, `OK`.
    pub(super) fn is_ok_word(&self) -> bool {
        self.word().is_some_and(|word| word.eq_ignore_ascii_case("ok"))
    }

    /// The whole number, where this is one.
    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Datum::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// The items of a vector, list, array or set.
    pub(super) fn items(&self) -> Option<&[Datum]> {
        match self {
            Datum::Seq(items) | Datum::Set(items) => Some(items),
            _ => None,
        }
    }

    /// The value under the word `name` of a map.
    pub(super) fn get(&self, name: &str) -> Option<&Datum> {
        let Datum::Map(entries) = self else { return None };
        entries.iter().find(|(key, _)| key.word() == Some(name)).map(|(_, value)| value)
    }

    /// What kind of value this is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Datum::Nil => "nil",
            Datum::Bool(_) => "a truth value",
            Datum::Int(_) | Datum::Number(_) => "a number",
            Datum::Text(_) => "a text",
            Datum::Keyword(_) => "a keyword",
            Datum::Symbol(_) => "a symbol",
            Datum::Seq(_) => "a list",
            Datum::Set(_) => "a set",
            Datum::Map(_) => "a map",
            Datum::Tagged(..) => "a tagged value",
        }
    }
}

/// The most characters of a value in a message.
const SHOWN_MAX: usize = 60;

/// A value as a message shows it: in EDN, and cut where it is long.
pub(super) fn shown(datum: &Datum) -> String {
    crate::words::cut(&datum.to_string(), SHOWN_MAX)
}

/// In EDN.
impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Nil => f.write_str("nil"),
            Datum::Bool(truth) => write!(f, "{truth}"),
            Datum::Int(int) => write!(f, "{int}"),
            Datum::Number(number) => f.write_str(number),
            Datum::Text(text) => write_text(f, text),
            Datum::Keyword(word) => write!(f, ":{word}"),
            Datum::Symbol(word) => f.write_str(word),
            Datum::Seq(items) => write_items(f, "[", items, "]"),
            Datum::Set(items) => write_items(f, "#{", items, "}"),
            Datum::Map(entries) => {
                f.write_str("{")?;
                for (place, (key, value)) in entries.iter().enumerate() {
                    write!(f, "{}{key} {value}", if place > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
            Datum::Tagged(tag, value) => write!(f, "#{tag} {value}"),
        }
    }
}

fn write_items(f: &mut fmt::Formatter<'_>, open: &str, items: &[Datum], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (place, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if place > 0 { " " } else { "" })?;
    }
    f.write_str(close)
}

/// Clojure knows fewer escapes than Rust.
fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            control if control.is_control() => write!(f, "\\u{:04x}", control as u32)?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}
