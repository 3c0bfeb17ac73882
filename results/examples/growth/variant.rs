//! The checker with something switched off, for the tables of what each idea brings.

use crate::reduction::Reduction;
use squall_results::checker::linearizable::{Course, Idea, Linearizable, Reductions};
use squall_results::model::{Model, Register};
use std::fmt;

/// How the checker is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// As it is meant for use.
    Automatic,
    /// Without zones: as if values were written more than once.
    NoZones,
    /// The same without one more idea.
    Without(Idea),
    /// The search for any model.
    Search,
    /// The same without one of its reductions.
    SearchWithout(Reduction),
    /// The same without any of them.
    BareSearch,
}

impl Variant {
    /// Those of the table for registers, the one that is meant for use first.
    pub fn of_registers() -> Vec<Variant> {
        let without = Idea::ALL.into_iter().map(Variant::Without);
        let others = [Variant::Search, Variant::BareSearch];
        [Variant::Automatic, Variant::NoZones].into_iter().chain(without).chain(others).collect()
    }

    /// Those of the table for any model.
    pub fn of_search() -> Vec<Variant> {
        let without = Reduction::ALL.into_iter().map(Variant::SearchWithout);
        [Variant::Search].into_iter().chain(without).chain([Variant::BareSearch]).collect()
    }

    /// The checker.
    pub fn checker(self) -> Linearizable<Register> {
        match self {
            Variant::Automatic => Linearizable::new(Register),
            Variant::NoZones => Linearizable::with_course(Register, Course::Register),
            Variant::Without(idea) => Linearizable::with_course(Register, Course::RegisterWithout(idea)),
            Variant::Search | Variant::SearchWithout(_) | Variant::BareSearch => self.search(Register),
        }
    }

    /// The search for any model, with the reductions that are left.
    pub fn search<M: Model>(self, model: M) -> Linearizable<M> {
        match self {
            Variant::SearchWithout(reduction) => Linearizable::with_reductions(model, reduction.others()),
            Variant::BareSearch => Linearizable::with_reductions(model, Reductions::NONE),
            _ => Linearizable::with_course(model, Course::Search),
        }
    }

    /// The variant of this name.
    pub fn of_word(word: &str) -> Option<Variant> {
        let mut all = Variant::of_registers().into_iter().chain(Variant::of_search());
        all.find(|variant| variant.to_string() == word)
    }

    /// What is left, as the table tells it.
    pub fn about(self) -> &'static str {
        match self {
            Variant::Automatic => "all",
            Variant::NoZones => "no zones for unique values; so below",
            Variant::Without(Idea::Implied) => "no leaving out of observers whose places are certain",
            Variant::Without(Idea::Tidying) => "no forgetting of what can be of no use",
            Variant::Without(Idea::Dominance) => "no dominance, only equality",
            Variant::Without(Idea::CatchingUp) => "dominance: no catching up",
            Variant::Without(Idea::InTime) => "dominance: no writes that can be hidden in time",
            Variant::Without(Idea::AsMany) => "dominance: each write for itself, not by their number",
            Variant::Without(Idea::Supply) => "crashed: no counting of sources",
            Variant::Without(Idea::Frugal) => "crashed: no frugal passes",
            Variant::Without(Idea::Endless) => "crashed: no endless supply",
            Variant::Search => "the search for any model",
            Variant::SearchWithout(reduction) => reduction.about(),
            Variant::BareSearch => "the same without its reductions",
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Variant::Automatic => f.write_str("automatic"),
            Variant::NoZones => f.write_str("no-zones"),
            Variant::Without(idea) => write!(f, "without-{}", format!("{idea:?}").to_lowercase()),
            Variant::Search => f.write_str("search"),
            Variant::SearchWithout(reduction) => {
                write!(f, "search-without-{}", format!("{reduction:?}").to_lowercase())
            }
            Variant::BareSearch => f.write_str("bare-search"),
        }
    }
}
