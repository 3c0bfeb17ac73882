//! How files of a stopped server rot, as people write it in plans: `{flip: 1}`, `{truncate: 4096, file: "member/wal/*.wal"}`,
//! `{restore: begin}`.
//!
//! What a correct server owes: to notice a flipped bit in what it keeps under a checksum, and not to serve on it. What no protocol
//! of majorities survives in general: a member that has silently lost what it had acknowledged, because the end of its log is gone
//! or an old copy is in its place (Alagappan et al., *Protocol-Aware Recovery for Consensus-Based Storage*, FAST 2018).

use crate::selector::{Selector, minority_of};
use serde::{Deserialize, Serialize};
use squall_targets::rot::Decay;
use std::fmt;

pub use crate::family::rot::SERVES;

/// What rots, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Rot {
    /// How.
    pub decay: Decay,
    /// Which files of the server's data, as a pattern; none for the target's journal, or with an old copy for all.
    pub file: Option<String>,
}

/// A rot as a plan has it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flip: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    truncate: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restore: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// When an old copy was taken.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Moment {
    /// When the storm began.
    Begin,
}

impl TryFrom<Written> for Rot {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Rot, &'static str> {
        let Written { flip, truncate, restore, file } = written;
        let decay = match (flip, truncate, restore) {
            (Some(bits), None, None) => Decay::Flip { bits },
            (None, Some(bytes), None) => Decay::Truncate { bytes },
            (None, None, Some(Moment::Begin)) => Decay::Restore,
            (None, None, None) => return Err("how does it rot? say flip: 1, truncate: 4096, or restore: begin"),
            _ => return Err("files rot in one way: flip, truncate or restore; leave the others out"),
        };
        Ok(Rot { decay, file })
    }
}

impl From<Rot> for Written {
    fn from(Rot { decay, file }: Rot) -> Written {
        let plain = Written { file, ..Written::default() };
        match decay {
            Decay::Flip { bits } => Written { flip: Some(bits), ..plain },
            Decay::Truncate { bytes } => Written { truncate: Some(bytes), ..plain },
            Decay::Restore => Written { restore: Some(Moment::Begin), ..plain },
        }
    }
}

/// How many bits flip at most.
const BITS_MAX: u32 = 1_000;

impl Rot {
    /// All kinds, as one would write them, and what they do.
    pub const ALL: [(&str, &str); 3] = [
        ("{flip: 1}", "so many bits flip in the first half of the newest file"),
        ("{truncate: 4096}", "the newest file loses so many bytes of its end"),
        ("{restore: begin}", "all files are again what they were when the storm began"),
    ];

    /// So many flipped bits in the target's journal.
    pub fn flip(bits: u32) -> Rot {
        Rot { decay: Decay::Flip { bits }, file: None }
    }

    /// Why this makes no sense for the nodes that `selector` names of these; none if it does.
    pub fn refuses(&self, nodes: &[String], selector: &Selector) -> Option<String> {
        let (selected, most) = (selector.count(nodes.len()), minority_of(nodes.len()));
        if selected > most {
            return Some(format!(
                "{selected} of {} nodes are more than a minority, and the others must be a majority; select fewer",
                nodes.len()
            ));
        }
        if let Some(file) = &self.file
            && (file.is_empty() || file.starts_with('/') || file.split('/').any(|part| part == ".."))
        {
            return Some(format!(
                "`{file}` is no pattern of files below the server's data; write for instance wal/*.wal"
            ));
        }
        match self.decay {
            Decay::Flip { bits } if !(1..=BITS_MAX).contains(&bits) => {
                Some(format!("{bits} bits cannot flip; write from 1 to {BITS_MAX}"))
            }
            Decay::Truncate { bytes: 0 } => Some("a file that loses no byte is whole; write 1 or more".into()),
            _ => None,
        }
    }

    /// What it does to these nodes, for people.
    pub fn told(&self, nodes: &[String]) -> String {
        let names = nodes.join(", ");
        let file = self.file.as_deref().map(|file| format!(" in {file}")).unwrap_or_default();
        match self.decay {
            Decay::Flip { bits: 1 } => format!("flip a bit of files of {names}{file}"),
            Decay::Flip { bits } => format!("flip {bits} bits of files of {names}{file}"),
            Decay::Truncate { bytes } => format!("cut {bytes} bytes off a file of {names}{file}"),
            Decay::Restore => format!("bring an old copy of files of {names} back{file}"),
        }
    }
}

impl fmt::Display for Rot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.decay {
            Decay::Flip { bits } => write!(f, "flip {bits}"),
            Decay::Truncate { bytes } => write!(f, "truncate {bytes}"),
            Decay::Restore => f.pad("restore begin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: usize) -> Vec<String> {
        (1..=count).map(|number| format!("n{number}")).collect()
    }

    #[test]
    fn only_files_of_a_minority_rot() {
        for (count, selector, is_good) in [
            (3, Selector::One, true),
            (3, Selector::Minority, true),
            (3, Selector::Leader, true),
            (3, Selector::Follower, true),
            (3, Selector::Followers, false),
            (3, Selector::Majority, false),
            (3, Selector::All, false),
            (5, Selector::Named(vec!["n1".into(), "n2".into()]), true),
            (5, Selector::Named(vec!["n1".into(), "n2".into(), "n3".into()]), false),
        ] {
            let said = Rot::flip(1).refuses(&nodes(count), &selector);
            assert_eq!(said.is_none(), is_good, "{selector} of {count}: {said:?}");
        }
    }

    #[test]
    fn only_what_changes_files_of_the_server_is_rot() {
        let rot = |decay, file: &str| Rot { decay, file: Some(file.into()) };
        let flip = |bits| rot(Decay::Flip { bits }, "**/*.wal");
        for (rot, part) in [
            (flip(0), "0 bits cannot flip"),
            (flip(1_001), "from 1 to 1000"),
            (rot(Decay::Truncate { bytes: 0 }, "*"), "is whole"),
            (rot(Decay::Restore, "/etc/passwd"), "below the server's data"),
            (rot(Decay::Restore, "wal/../../other"), "below the server's data"),
            (rot(Decay::Restore, ""), "below the server's data"),
        ] {
            let said = rot.refuses(&nodes(3), &Selector::One);
            assert!(said.as_ref().is_some_and(|said| said.contains(part)), "{rot}: {said:?}");
        }
        assert_eq!(flip(3).refuses(&nodes(3), &Selector::One), None);
    }

    #[test]
    fn people_read_what_is_done() {
        let file = Some("*.wal".to_owned());
        for (rot, expected) in [
            (Rot::flip(1), "flip a bit of files of n1, n2"),
            (Rot { decay: Decay::Flip { bits: 3 }, file: file.clone() }, "flip 3 bits of files of n1, n2 in *.wal"),
            (Rot { decay: Decay::Truncate { bytes: 9 }, file }, "cut 9 bytes off a file of n1, n2 in *.wal"),
            (Rot { decay: Decay::Restore, file: None }, "bring an old copy of files of n1, n2 back"),
        ] {
            assert_eq!(rot.told(&nodes(2)), expected);
        }
    }
}
