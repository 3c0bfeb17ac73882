//! Registers: a node each. One that was never written is no node.

use super::{ANY_VERSION, ROOT, Turn, number, version_of};
use crate::zookeeper::outcome::Stop;
use squall_results::Reply;
use squall_results::call::{Key, Shown, Value, Version};

fn register(key: Key) -> String {
    format!("{ROOT}/r{key}")
}

impl Turn<'_> {
    /// Reads a register.
    pub(super) async fn read_register(&self, key: Key) -> Result<Reply, Stop> {
        self.freshen().await?;
        Ok(match self.get(&register(key)).await? {
            Some((text, stat)) => Reply::Read { value: Some(number(&text)?), version: Some(version_of(&stat)) },
            None => Reply::Read { value: None, version: Some(Version::at(0)) },
        })
    }

    /// Writes a register: changes the node, or makes it where there is none. When another made it meanwhile, it is there to be
    /// changed. Each request follows one that certainly did nothing, so at most one of them can have made the change.
    pub(super) async fn write_register(&self, key: Key, value: Value) -> Result<Reply, Stop> {
        let (path, data) = (register(key), value.to_string());
        let written = |version| Ok(Reply::Written { version: Some(version) });
        if let Some(version) = self.set(&path, data.clone(), ANY_VERSION).await? {
            return written(version);
        }
        if let Some(order) = self.create(&path, &data, &[ROOT]).await? {
            return written(Version { order, edits: Some(1) });
        }
        match self.set(&path, data, ANY_VERSION).await? {
            Some(version) => written(version),
            None => Err(Stop::Mismatch(format!("{path} was there a moment ago, and is not"))),
        }
    }

    /// Compares, and sets by the version that was compared. The comparison is squall's and may have looked at an old value, so
    /// that a mismatch says nothing about the register: it fails.
    pub(super) async fn swap_register(&self, key: Key, expect: Option<Value>, value: Value) -> Result<Reply, Stop> {
        let (path, data) = (register(key), value.to_string());
        let Some(expect) = expect else {
            return match self.create(&path, &data, &[ROOT]).await? {
                Some(order) => Ok(Reply::Written { version: Some(Version { order, edits: Some(1) }) }),
                None => Err(Stop::Mismatch("it holds a value".into())),
            };
        };
        let Some((text, stat)) = self.get(&path).await? else {
            return Err(Stop::Mismatch(format!("it seemed to hold {}", Shown(None))));
        };
        if number::<Value>(&text)? != expect {
            return Err(Stop::Mismatch(format!("it seemed to hold {text}")));
        }
        match self.set(&path, data, stat.version).await? {
            Some(version) => Ok(Reply::Written { version: Some(version) }),
            None => Err(Stop::Mismatch(format!("{path} was there a moment ago, and is not"))),
        }
    }
}
