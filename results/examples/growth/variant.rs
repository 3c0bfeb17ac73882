//! The checker with something switched off, for the table of what each idea brings.

use squall_results::checker::linearizable::{Course, Idea, Linearizable, Reductions};
use squall_results::model::Register;
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
    /// The search for any model, which at once looks at all orders.
    BreadthFirst,
    /// The search for any model, without any of its reductions.
    BareSearch,
}

impl Variant {
    /// All of them, the one that is meant for use first.
    pub fn all() -> Vec<Variant> {
        let without = Idea::ALL.into_iter().map(Variant::Without);
        let others = [Variant::Search, Variant::BreadthFirst, Variant::BareSearch];
        [Variant::Automatic, Variant::NoZones].into_iter().chain(without).chain(others).collect()
    }

    /// The checker.
    pub fn checker(self) -> Linearizable<Register> {
        match self {
            Variant::Automatic => Linearizable::new(Register),
            Variant::NoZones => Linearizable::with_course(Register, Course::Register),
            Variant::Without(idea) => Linearizable::with_course(Register, Course::RegisterWithout(idea)),
            Variant::Search => Linearizable::with_course(Register, Course::Search),
            Variant::BreadthFirst => {
                Linearizable::with_reductions(Register, Reductions { depth_first: false, ..Reductions::ALL })
            }
            Variant::BareSearch => Linearizable::with_reductions(Register, Reductions::NONE),
        }
    }

    /// The variant of this name.
    pub fn of_word(word: &str) -> Option<Variant> {
        Variant::all().into_iter().find(|variant| variant.to_string() == word)
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
            Variant::Without(Idea::Frugal) => "crashed: no frugal passes",
            Variant::Without(Idea::Endless) => "crashed: no endless supply",
            Variant::Search => "the search for any model",
            Variant::BreadthFirst => "the same without following one order first",
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
            Variant::BreadthFirst => f.write_str("breadth-first"),
            Variant::BareSearch => f.write_str("bare-search"),
        }
    }
}
