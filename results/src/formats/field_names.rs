//! Which fields lines may have, and in which one keys stand.

use super::Format;

/// A field that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Process,
    Type,
    F,
    Value,
    Key,
    Version,
    Time,
    Index,
    Error,
    Node,
    Start,
    End,
    Result,
    Outcome,
}

/// How many there are.
pub(super) const FIELDS: usize = 14;

/// All of them, by name, in the order in which they are counted.
const KNOWN: [(Field, &str); FIELDS] = [
    (Field::Process, "process"),
    (Field::Type, "type"),
    (Field::F, "f"),
    (Field::Value, "value"),
    (Field::Key, "key"),
    (Field::Version, "version"),
    (Field::Time, "time"),
    (Field::Index, "index"),
    (Field::Error, "error"),
    (Field::Node, "node"),
    (Field::Start, "start"),
    (Field::End, "end"),
    (Field::Result, "result"),
    (Field::Outcome, "outcome"),
];

impl Field {
    /// The field of this name; `None`: none that says something.
    pub(super) fn of(name: &str) -> Option<Field> {
        KNOWN.iter().find(|(_, known)| *known == name).map(|(field, _)| *field)
    }

    pub(super) fn name(self) -> &'static str {
        KNOWN[self as usize].1
    }
}

/// The names of the fields of a history.
#[derive(Debug, Clone, Default)]
pub(super) struct FieldNames {
    /// Where keys stand.
    key: Option<Box<str>>,
    /// Somebody said that keys stand there: then they do.
    key_is_said: bool,
    /// There are no others than those that squall knows: one that it does not know may say what changes everything.
    only_known: bool,
}

impl FieldNames {
    /// Those of a format, with keys in the field `key`; `key_is_said`: the user says so.
    pub(super) fn new(format: Format, key: Option<&str>, key_is_said: bool) -> FieldNames {
        let only_known = matches!(format, Format::Csv | Format::Jsonl);
        FieldNames { key: key.map(Into::into), key_is_said, only_known }
    }

    /// Whether there are no fields but those that squall knows.
    pub(super) fn only_known(&self) -> bool {
        self.only_known
    }

    /// Whether keys stand in the field `name`.
    pub(super) fn is_key(&self, name: &str) -> bool {
        self.key.as_deref() == Some(name)
    }

    /// What is wrong with a line that has these fields; `None`: nothing.
    pub(super) fn missing_key<'a>(&self, names: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
        let key = self.key.as_deref().filter(|_| self.key_is_said)?;
        if names.clone().any(|name| name == key) {
            return None;
        }
        let names: Vec<&str> = names.collect();
        Some(format!("there is no field `{key}`, where keys should stand; there are: {}", names.join(", ")))
    }

    /// A field of these of which squall does not know what it says, and what people can do about it.
    pub(super) fn unknown<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> Option<(&'a str, String)> {
        let is_unknown = |name: &&str| self.only_known && Field::of(name).is_none() && !self.is_key(name);
        let name = names.find(is_unknown)?;
        let known = KNOWN.map(|(_, name)| name).join(", ");
        let reason = format!(
            "squall does not know what the field `{name}` says; leave it out, or give it one of these names: {known}"
        );
        Some((name, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_name() {
        for (place, (field, name)) in KNOWN.into_iter().enumerate() {
            assert_eq!((field as usize, field.name(), Field::of(name)), (place, name, Some(field)));
        }
        assert_eq!(Field::of("status"), None);
    }
}
