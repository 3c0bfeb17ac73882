//! Which keys of etcd stand for which objects of a workload.

use squall_results::call::{Account, Key, Value};

/// The key of a register.
pub fn register(key: Key) -> Vec<u8> {
    format!("r{key}").into_bytes()
}

/// The key of a list, which holds all elements.
pub fn list(key: Key) -> Vec<u8> {
    format!("l{key}").into_bytes()
}

/// The key of a lock.
pub fn lock(key: Key) -> Vec<u8> {
    format!("k{key}").into_bytes()
}

/// The key of an element of a set.
pub fn element(key: Key, element: Value) -> Vec<u8> {
    format!("s{key}/{element}").into_bytes()
}

/// The keys of all elements of a set.
pub fn elements(key: Key) -> Prefix {
    Prefix(format!("s{key}/"))
}

/// The key of an account of a bank.
pub fn account(key: Key, account: Account) -> Vec<u8> {
    format!("b{key}/{account}").into_bytes()
}

/// The keys of all accounts of a bank.
pub fn accounts(key: Key) -> Prefix {
    Prefix(format!("b{key}/"))
}

/// All keys that begin alike, with a slash at the end of the beginning.
pub struct Prefix(String);

impl Prefix {
    /// The least of them.
    pub fn begin(&self) -> Vec<u8> {
        self.0.clone().into_bytes()
    }

    /// Behind the greatest of them.
    pub fn end(&self) -> Vec<u8> {
        let mut end = self.begin();
        *end.last_mut().expect("a prefix ends with a slash") += 1;
        end
    }

    /// What follows the beginning, if the key is one of them.
    pub fn rest<'a>(&self, key: &'a [u8]) -> Option<&'a [u8]> {
        key.strip_prefix(self.0.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_its_keys_and_no_others() {
        let set = elements(7);
        for inside in [element(7, 0), element(7, -3), element(7, i64::MAX), element(7, i64::MIN)] {
            assert!(set.begin() <= inside && inside < set.end(), "{inside:?}");
            assert!(set.rest(&inside).is_some());
        }
        for outside in [element(70, 1), element(6, 1), element(8, 1), account(7, 1), register(7), list(7)] {
            assert!(outside < set.begin() || set.end() <= outside, "{outside:?}");
            assert_eq!(set.rest(&outside), None);
        }
    }
}
