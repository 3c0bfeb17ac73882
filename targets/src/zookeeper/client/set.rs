//! Sets: a node each, with a child for every element.

use super::{Answer, Answered, Code, ROOT, Request, SessionError, Turn, number, order, unexpected};
use crate::zookeeper::outcome::Stop;
use squall_results::Reply;
use squall_results::call::{Key, Value, Version};

fn set(key: Key) -> String {
    format!("{ROOT}/s{key}")
}

impl Turn<'_> {
    /// Adds an element. One that is there already stays there.
    pub(super) async fn add_to_set(&self, key: Key, element: Value) -> Result<Reply, Stop> {
        let parent = set(key);
        let order = self.create(&format!("{parent}/{element}"), "", &[ROOT, &parent]).await?;
        Ok(Reply::Added { version: order.map(Version::at) })
    }

    /// Reads all elements, in the order of the numbers: the server has none.
    pub(super) async fn read_set(&self, key: Key) -> Result<Reply, Stop> {
        self.freshen().await?;
        match self.ask(Request::GetChildren { path: set(key) }).await {
            Ok(Answered { answer: Answer::Children { names, stat }, .. }) => {
                let mut elements = names.iter().map(|name| number(name)).collect::<Result<Vec<Value>, _>>()?;
                elements.sort_unstable();
                // What the children's own order says, not that of the node, which never changes.
                Ok(Reply::Elements { elements, version: Some(Version::at(order(stat.pzxid))) })
            }
            Ok(other) => Err(Stop::Harmless(unexpected(&other.answer))),
            Err(SessionError::Code(Code::NO_NODE)) => {
                Ok(Reply::Elements { elements: Vec::new(), version: Some(Version::at(0)) })
            }
            Err(error) => Err(Stop::Harmless(error)),
        }
    }
}
