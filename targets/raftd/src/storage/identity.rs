//! Whose folder it is.

use super::StorageError;
use super::disk::{Disk, DiskFile};
use crate::types::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The file that names the owner.
pub(super) const FILE: &str = "identity.json";
const PARTIAL: &str = "identity.json.partial";

/// A member of a cluster. A member that took another one's votes and log for its own would break every promise; so would
/// one that began with other majorities than before. How the members have changed since is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The name of the cluster.
    pub cluster: String,
    /// The member's number.
    pub member: NodeId,
    /// The numbers of the members that the cluster began with; none if this one joined later.
    pub members: BTreeSet<NodeId>,
}

impl Identity {
    /// The identity as a checksum, for the headers of segments.
    pub(super) fn digest(&self) -> u32 {
        crc32fast::hash(&self.encode())
    }

    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a string and a number always encode")
    }
}

/// Reads who owns the folder, if the folder says so.
pub(super) fn read(disk: &impl Disk, names: &[String]) -> Result<Option<Identity>, StorageError> {
    if !names.iter().any(|name| name == FILE) {
        return Ok(None);
    }
    let bytes = disk.read(FILE).map_err(StorageError::io("read", FILE))?;
    match serde_json::from_slice(&bytes) {
        Ok(identity) => Ok(Some(identity)),
        Err(error) => Err(StorageError::Identity { reason: error.to_string() }),
    }
}

/// Makes `identity` the owner, once and for all: written beside, made durable, then renamed.
pub(super) fn write(disk: &impl Disk, names: &[String], identity: &Identity) -> Result<(), StorageError> {
    if names.iter().any(|name| name == PARTIAL) {
        disk.remove(PARTIAL).map_err(StorageError::io("remove", PARTIAL))?;
    }
    let mut file = disk.create(PARTIAL).map_err(StorageError::io("create", PARTIAL))?;
    file.write_at(0, &identity.encode()).map_err(StorageError::io("write", PARTIAL))?;
    file.sync().map_err(StorageError::io("sync", PARTIAL))?;
    disk.rename(PARTIAL, FILE).map_err(StorageError::io("rename", PARTIAL))?;
    disk.sync_dir().map_err(StorageError::io("sync the folder of", FILE))
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.members.iter().map(NodeId::to_string).collect::<Vec<_>>().join(", ");
        write!(f, "member {} of cluster `{}` ", self.member, self.cluster)?;
        match members.is_empty() {
            true => write!(f, "(that joined)"),
            false => write!(f, "(of {members})"),
        }
    }
}
