//! Lists: a node each, changed as a whole by its version.

use super::{ROOT, Turn, number, version_of};
use crate::zookeeper::outcome::Stop;
use squall_results::Reply;
use squall_results::call::{Key, Value, Version};

fn list(key: Key) -> String {
    format!("{ROOT}/l{key}")
}

impl Turn<'_> {
    /// Reads the list and sets a longer one by the version that was read. When another was faster, it fails.
    pub(super) async fn add_to_list(&self, key: Key, element: Value) -> Result<Reply, Stop> {
        let path = list(key);
        let version = match self.get(&path).await? {
            Some((text, stat)) => self.set(&path, format!("{text} {element}"), stat.version).await?,
            None => {
                let made = self.create(&path, &element.to_string(), &[ROOT]).await?;
                made.map(|order| Version { order, edits: Some(1) })
            }
        };
        match version {
            Some(version) => Ok(Reply::Added { version: Some(version) }),
            None => Err(Stop::Mismatch("another made the list meanwhile".into())),
        }
    }

    /// Reads all elements, in the order in which they were added.
    pub(super) async fn read_list(&self, key: Key) -> Result<Reply, Stop> {
        self.freshen().await?;
        let Some((text, stat)) = self.get(&list(key)).await? else {
            return Ok(Reply::Elements { elements: Vec::new(), version: Some(Version::at(0)) });
        };
        let elements = text.split(' ').map(number).collect::<Result<_, _>>()?;
        Ok(Reply::Elements { elements, version: Some(version_of(&stat)) })
    }
}
