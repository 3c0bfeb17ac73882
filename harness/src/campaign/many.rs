//! The parts of a campaign file that may be written in more than one way.
//!
//! They are read by visitors, not as untagged enums: those would forget where in the file an error is.

use crate::names::{FaultName, TargetName};
use crate::plan::Wishes;
use serde::de::value::{
    MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer, StringDeserializer, U64Deserializer,
};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_yaml::{Location, Spanned};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// One, or a list of them that is not empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Many<T>(pub Vec<Placed<T>>);

/// Something with its place in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    /// What it is.
    pub value: T,
    /// Where it stands.
    pub at: Location,
}

/// What is tested: the name of a target, or a target with settings, and what people call it.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What people call it; by default what it is.
    pub name: Option<String>,
    /// What it says of the plan; the target at least.
    pub wishes: Wishes,
}

/// Families of faults in one storm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mix {
    /// These; none: a storm without faults.
    Families(Vec<FaultName>),
    /// The storm itself is drawn from the seed.
    Swarm,
}

/// Which seeds, or how many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seeds {
    /// So many, drawn from the campaign's.
    Count(usize),
    /// These.
    Stated(Vec<u64>),
}

/// `3 of 5`: so many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AtLeast {
    /// How many at least.
    pub least: usize,
    /// Of how many.
    pub of: usize,
}

/// The most seeds that one combination may have.
const SEEDS_MAX: usize = 1_000;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Many<T>, D::Error> {
        let whole: Spanned<OneOrList<T>> = Spanned::deserialize(deserializer)?;
        Ok(Many(match whole.value {
            OneOrList::One(value) => vec![Placed { value, at: whole.referenced }],
            OneOrList::List(all) => all.into_iter().map(Placed::from).collect(),
        }))
    }
}

impl<T> From<Spanned<T>> for Placed<T> {
    fn from(spanned: Spanned<T>) -> Placed<T> {
        Placed { value: spanned.value, at: spanned.referenced }
    }
}

enum OneOrList<T> {
    One(T),
    List(Vec<Spanned<T>>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<OneOrList<T>, D::Error> {
        struct OneOrListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrListVisitor<T> {
            type Value = OneOrList<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("one, or a list of them")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<OneOrList<T>, A::Error> {
                let all: Vec<Spanned<T>> = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                if all.is_empty() {
                    Err(A::Error::custom("the list is empty; leave it out"))
                } else {
                    Ok(OneOrList::List(all))
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<OneOrList<T>, E> {
                T::deserialize(StrDeserializer::new(text)).map(OneOrList::One)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<OneOrList<T>, E> {
                T::deserialize(U64Deserializer::new(number)).map(OneOrList::One)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrList<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(OneOrList::One)
            }
        }
        deserializer.deserialize_any(OneOrListVisitor(PhantomData))
    }
}

/// A field of a [`Subject`] besides those of a plan.
const NAME: &str = "name";

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Subject, D::Error> {
        struct SubjectVisitor;

        impl<'de> Visitor<'de> for SubjectVisitor {
            type Value = Subject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a target, or {target: NAME, ...} with whatever a plan says")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Subject, E> {
                let target: TargetName = text.parse().map_err(E::custom)?;
                Ok(Subject { name: None, wishes: Wishes { target: Some(target), ..Wishes::default() } })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Subject, A::Error> {
                let mut name = None;
                let named = WithoutName { map, name: &mut name };
                let wishes = Wishes::deserialize(MapAccessDeserializer::new(named))?;
                if wishes.target.is_none() {
                    return Err(A::Error::custom("it names no target; write {target: NAME, ...}"));
                }
                Ok(Subject { name, wishes })
            }
        }
        deserializer.deserialize_any(SubjectVisitor)
    }
}

/// A map without its field `name`, which goes elsewhere.
struct WithoutName<'a, A> {
    map: A,
    name: &'a mut Option<String>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutName<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(key) = self.map.next_key::<String>()? else { return Ok(None) };
        if key == NAME {
            *self.name = Some(self.map.next_value()?);
            return self.next_key_seed(seed);
        }
        seed.deserialize(StringDeserializer::new(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mix::Swarm => f.write_str("swarm"),
            Mix::Families(families) => f.write_str(&mix_name(families)),
        }
    }
}

/// `kill+pause`; `none`.
pub(super) fn mix_name(families: &[FaultName]) -> String {
    match families {
        [] => "none".into(),
        some => some.iter().map(FaultName::as_str).collect::<Vec<_>>().join("+"),
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Mix, String> {
        match text {
            "none" => Ok(Mix::Families(Vec::new())),
            "swarm" => Ok(Mix::Swarm),
            some => some.split('+').map(|name| name.trim().parse()).collect::<Result<_, _>>().map(Mix::Families),
        }
    }
}

impl<'de> Deserialize<'de> for Mix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mix, D::Error> {
        struct MixVisitor;

        impl<'de> Visitor<'de> for MixVisitor {
            type Value = Mix;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("faults in one storm, as kill, kill+pause, [kill, pause], none or swarm")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Mix, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Mix, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Mix::Families)
            }
        }
        deserializer.deserialize_any(MixVisitor)
    }
}

impl<'de> Deserialize<'de> for Seeds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Seeds, D::Error> {
        struct SeedsVisitor;

        impl<'de> Visitor<'de> for SeedsVisitor {
            type Value = Seeds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "how many seeds, from 1 to {SEEDS_MAX}, or a list of seeds")
            }

            fn visit_u64<E: Error>(self, count: u64) -> Result<Seeds, E> {
                let count = usize::try_from(count).ok().filter(|count| (1..=SEEDS_MAX).contains(count));
                let count = count.ok_or_else(|| E::custom(format!("there must be from 1 to {SEEDS_MAX} seeds")))?;
                Ok(Seeds::Count(count))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Seeds, A::Error> {
                let all: Vec<u64> = Vec::deserialize(SeqAccessDeserializer::new(list))?;
                if (1..=SEEDS_MAX).contains(&all.len()) {
                    Ok(Seeds::Stated(all))
                } else {
                    Err(A::Error::custom(format!("there must be from 1 to {SEEDS_MAX} seeds")))
                }
            }
        }
        deserializer.deserialize_any(SeedsVisitor)
    }
}

impl Seeds {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Seeds::Count(count) => *count,
            Seeds::Stated(all) => all.len(),
        }
    }
}

impl TryFrom<String> for AtLeast {
    type Error = String;

    fn try_from(text: String) -> Result<AtLeast, String> {
        let numbers = text.split_once(" of ").and_then(|(least, of)| {
            Some((least.trim().parse().ok()?, of.trim().parse().ok().filter(|of| (1..=SEEDS_MAX).contains(of))?))
        });
        match numbers {
            Some((least, of)) if (1..=of).contains(&least) => Ok(AtLeast { least, of }),
            _ => Err(format!("`{text}` is no share of the seeds; write for instance 3 of 5")),
        }
    }
}

impl From<AtLeast> for String {
    fn from(AtLeast { least, of }: AtLeast) -> String {
        format!("{least} of {of}")
    }
}
