//! Which fields lines may have, and in which one keys stand.

use super::Format;

/// All fields that say something.
pub(super) const KNOWN: [&str; 14] = [
    "process", "type", "f", "value", "key", "version", "time", "index", "error", "node", "start", "end", "result",
    "outcome",
];

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
        let is_unknown = |name: &&str| self.only_known && !KNOWN.contains(name) && !self.is_key(name);
        let name = names.find(is_unknown)?;
        let known = KNOWN.join(", ");
        let reason = format!(
            "squall does not know what the field `{name}` says; leave it out, or give it one of these names: {known}"
        );
        Some((name, reason))
    }
}
