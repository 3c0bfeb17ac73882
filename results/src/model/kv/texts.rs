//! Texts under keys, cheap to copy, to compare and to hash: a search does little else with its states.

use crate::call::Key;
use rustc_hash::FxHasher;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What is under each key. Two stores share the texts in which they agree.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    /// The empty text is never in it, so that equal stores are equal maps.
    under: Arc<BTreeMap<Key, Arc<str>>>,
    /// The sum of what each key contributes, so that a change need not look at the other keys.
    hash: u64,
}

impl Texts {
    /// The text under `key`.
    pub fn get(&self, key: Key) -> &str {
        self.under.get(&key).map_or("", |text| text)
    }

    /// The same store with `text` under `key`.
    pub fn with(&self, key: Key, text: Arc<str>) -> Texts {
        let hash = self.hash.wrapping_sub(hash_of(key, self.get(key))).wrapping_add(hash_of(key, &text));
        let mut under = BTreeMap::clone(&self.under);
        if text.is_empty() {
            under.remove(&key);
        } else {
            under.insert(key, text);
        }
        Texts { under: Arc::new(under), hash }
    }
}

/// What a key contributes to the hash of a store; nothing while its text is empty.
fn hash_of(key: Key, text: &str) -> u64 {
    if text.is_empty() {
        return 0;
    }
    let mut hasher = FxHasher::default();
    (key, text).hash(&mut hasher);
    hasher.finish()
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
            under if under.len() == 1 => under.values().try_for_each(|text| write!(f, "{text:?}")),
            under => {
                let shown: Vec<String> = under.iter().map(|(key, text)| format!("{key}: {text:?}")).collect();
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
        let one = Texts::default().with(1, "a".into()).with(2, "b".into());
        let other = Texts::default().with(2, "b".into()).with(1, "x".into()).with(1, "a".into());
        assert_eq!((&one, one.hash), (&other, other.hash));
        let none = one.with(1, "".into()).with(2, "".into());
        assert_eq!((&none, none.hash), (&Texts::default(), 0));
        assert_ne!(one, one.with(2, "c".into()));
    }
}
