//! Texts under keys, cheap to copy, to compare and to hash: a search does little else with its states.

use crate::call::Key;
use rustc_hash::FxHasher;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What is under each key. Copies share the texts in which they agree.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The empty text is never in it, so that equal stores are equal maps.
    under: Arc<BTreeMap<Key, Arc<Text>>>,
    /// The sum of what each key contributes, so that a change need not look at the other keys.
    hash: u64,
}

/// One text. What is appended to it changes its hash without a look at what was there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Text {
    hash: u64,
    text: String,
}

impl Text {
    /// The hash of Fowler, Noll and Vo, 1a.
    fn append(&mut self, text: &str) {
        self.text.push_str(text);
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// What the text contributes to the hash of a store.
    fn hash_under(&self, key: Key) -> u64 {
        let mut hasher = FxHasher::default();
        (key, self.hash, self.text.len()).hash(&mut hasher);
        hasher.finish()
    }
}

impl Texts {
    /// The text under `key`.
    pub fn get(&self, key: Key) -> &str {
        self.under.get(&key).map_or("", |text| &text.text)
    }

    /// Puts `text` under `key`.
    pub fn put(&mut self, key: Key, text: &str) {
        let under = Arc::make_mut(&mut self.under);
        if let Some(gone) = under.remove(&key) {
            self.hash = self.hash.wrapping_sub(gone.hash_under(key));
        }
        self.append(key, text);
    }

    /// Appends `text` to what is under `key`.
    pub fn append(&mut self, key: Key, text: &str) {
        if text.is_empty() {
            return;
        }
        let under = Arc::make_mut(&mut self.under).entry(key).or_default();
        let before = if under.text.is_empty() { 0 } else { under.hash_under(key) };
        let under = Arc::make_mut(under);
        under.append(text);
        self.hash = self.hash.wrapping_sub(before).wrapping_add(under.hash_under(key));
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Texts) -> bool {
        // Most stores that differ differ here, most that are equal share the map or the texts in it.
        self.hash == other.hash && self.under == other.under
    }
}

impl Eq for Texts {}

impl Hash for Texts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl fmt::Display for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.under {
            under if under.is_empty() => f.write_str("\"\""),
            under if under.len() == 1 => under.values().try_for_each(|text| write!(f, "{:?}", text.text)),
            under => {
                let shown: Vec<String> = under.iter().map(|(key, text)| format!("{key}: {:?}", text.text)).collect();
                f.write_str(&shown.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_stores_are_equal_whatever_led_to_them() {
        let store = |puts: &[(Key, &str)]| {
            let mut store = Texts::default();
            puts.iter().for_each(|(key, text)| store.put(*key, text));
            store
        };
        let (mut one, other) = (store(&[(1, "ab"), (2, "b")]), store(&[(2, "b"), (1, "x"), (1, "ab")]));
        assert_eq!((&one, one.hash), (&other, other.hash));
        let mut appended = store(&[(2, "b"), (1, "a")]);
        appended.append(1, "b");
        assert_eq!((&appended, appended.hash), (&other, other.hash));
        one.append(2, "");
        assert_eq!((&one, one.hash), (&other, other.hash));
        one.append(2, "c");
        assert_ne!(one, other);
        assert_eq!((one.get(2), other.get(2)), ("bc", "b"));
        let none = store(&[(1, "a"), (1, "")]);
        assert_eq!((&none, none.hash), (&Texts::default(), 0));
    }
}
