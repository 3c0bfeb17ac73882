//! The objects that transactions are about at the moment.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use squall_results::call::{Key, Value};

/// How many objects are in use at a time.
const OBJECTS: usize = 4;

/// After so many changes an object retires.
const CHANGES_MAX: Value = 48;

/// The objects in use, that which is chosen most often first.
#[derive(Debug, Clone)]
pub(super) struct Window {
    objects: Vec<Object>,
    unused: Key,
}

#[derive(Debug, Clone)]
struct Object {
    key: Key,
    changes: Value,
}

impl Window {
    pub(super) fn new() -> Window {
        let objects = (0..).take(OBJECTS).map(|key| Object { key, changes: 0 }).collect();
        Window { objects, unused: OBJECTS as Key }
    }

    /// Which object a step is about: each is chosen half as often as the one before it.
    pub(super) fn choose(&self, rng: &mut ChaCha8Rng) -> Key {
        let at = (0..OBJECTS - 1).find(|_| rng.random_bool(0.5)).unwrap_or(OBJECTS - 1);
        self.objects[at].key
    }

    /// A value that was never written to this object, which is one of those in use.
    pub(super) fn change(&mut self, key: Key) -> Value {
        let Some(at) = self.objects.iter().position(|object| object.key == key) else { return 0 };
        let object = &mut self.objects[at];
        object.changes += 1;
        let value = object.changes;
        if value >= CHANGES_MAX {
            *object = Object { key: self.unused, changes: 0 };
            self.unused += 1;
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn values_are_new_and_objects_retire() {
        let (mut window, mut rng) = (Window::new(), ChaCha8Rng::seed_from_u64(1));
        let mut values: BTreeMap<Key, BTreeSet<Value>> = BTreeMap::new();
        for _ in 0..1_000 {
            let key = window.choose(&mut rng);
            assert!(values.entry(key).or_default().insert(window.change(key)), "twice the same value for {key}");
        }
        assert!(values.values().all(|of_key| of_key.len() <= CHANGES_MAX as usize));
        assert!(values.len() >= 1_000 / CHANGES_MAX as usize, "objects were changed too often: {}", values.len());
    }
}
