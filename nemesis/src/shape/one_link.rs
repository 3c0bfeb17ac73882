//! One direction between two nodes as people write it in plans: `n1>n2`.

use serde::{Deserialize, Serialize};
use squall_targets::cluster::Link;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// A link as it is written in a plan: `n1>n2` carries what n1 sends to n2, and `n1>clients` what it
/// answers clients.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OneLink(Link);

/// A text that is no link.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// Not two names with `>` between.
    #[error("`{0}` is no link; write for instance n1>n2 for what n1 sends to n2")]
    Malformed(String),
    /// From a node to itself.
    #[error("`{0}` leads from a node to itself; a link needs two nodes")]
    Loop(String),
}

impl OneLink {
    /// The link.
    pub fn link(&self) -> &Link {
        &self.0
    }
}

impl FromStr for OneLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<OneLink, LinkError> {
        let malformed = || LinkError::Malformed(text.to_owned());
        let (from, to) = text.split_once('>').ok_or_else(malformed)?;
        let (from, to) = (from.trim(), to.trim());
        let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_name(from) || !is_name(to) {
            return Err(malformed());
        }
        if from == to {
            return Err(LinkError::Loop(text.to_owned()));
        }
        Ok(OneLink(Link { from: from.to_owned(), to: to.to_owned() }))
    }
}

impl TryFrom<String> for OneLink {
    type Error = LinkError;

    fn try_from(text: String) -> Result<OneLink, LinkError> {
        text.parse()
    }
}

impl fmt::Display for OneLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}>{}", self.0.from, self.0.to)
    }
}

impl From<OneLink> for String {
    fn from(link: OneLink) -> String {
        link.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_and_written_back() {
        for text in ["n1>n2", "n1 > n2"] {
            assert_eq!(text.parse::<OneLink>().unwrap().to_string(), "n1>n2");
        }
    }

    #[test]
    fn other_texts_are_refused_by_name() {
        for text in ["", "n1", "n1>", ">n2", "n1>n2>n3", "n1->n2 n3", "n1>n1"] {
            let error = text.parse::<OneLink>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }
}
