//! Where a write stands among all writes of the target.

use serde::{Deserialize, Serialize};

/// Where a write stands among all writes of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct Version {
    /// Its place in the one order of all writes, on whatever key: etcd's mod revision, ZooKeeper's mzxid, the index in
    /// raftd's log. 0: nothing was ever written.
    pub order: u64,
    /// How many writes the key had, where the target counts them: etcd's version, ZooKeeper's version and 1.
    pub edits: Option<u64>,
}

/// A version in a file: its order, or order and edits.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Order(u64),
    Both(u64, u64),
}

impl From<Form> for Version {
    fn from(form: Form) -> Version {
        match form {
            Form::Order(order) => Version { order, edits: None },
            Form::Both(order, edits) => Version { order, edits: Some(edits) },
        }
    }
}

impl From<Version> for Form {
    fn from(Version { order, edits }: Version) -> Form {
        edits.map_or(Form::Order(order), |edits| Form::Both(order, edits))
    }
}

impl Version {
    /// A version of a target that does not count the writes of a key.
    pub fn at(order: u64) -> Version {
        Version { order, edits: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_number_or_two() {
        for (version, text) in
            [(Version::at(7), "7"), (Version { order: 7, edits: Some(2) }, "[7,2]"), (Version::at(0), "0")]
        {
            assert_eq!(serde_json::to_string(&version).unwrap(), text);
            assert_eq!(serde_json::from_str::<Version>(text).unwrap(), version);
        }
    }
}
