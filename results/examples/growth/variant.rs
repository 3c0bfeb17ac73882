//! The checker with something switched off, for the table of what each idea brings.

use squall_results::checker::linearizable::{Course, Linearizable, Reductions};
use squall_results::model::Register;
use std::fmt;

/// How the checker is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// As it is meant for use.
    Automatic,
    /// Without zones: as if values were written more than once.
    NoZones,
    /// Without zones and without cheap passes where operations never returned.
    Exact,
    /// The search for any model.
    Search,
    /// The search for any model, without one of its reductions.
    SearchWithout(Reduction),
    /// The search for any model, without any of its reductions.
    BareSearch,
}

/// A reduction of the search; see [`Reductions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    ObserversAtOnce,
    Twins,
    Dominance,
    Unobserved,
}

impl Variant {
    /// All of them, the one that is meant for use first.
    pub const ALL: [Variant; 9] = [
        Variant::Automatic,
        Variant::NoZones,
        Variant::Exact,
        Variant::Search,
        Variant::SearchWithout(Reduction::ObserversAtOnce),
        Variant::SearchWithout(Reduction::Twins),
        Variant::SearchWithout(Reduction::Dominance),
        Variant::SearchWithout(Reduction::Unobserved),
        Variant::BareSearch,
    ];

    /// The checker.
    pub fn checker(self) -> Linearizable<Register> {
        match self {
            Variant::Automatic => Linearizable::new(Register),
            Variant::NoZones => Linearizable::with_course(Register, Course::Register),
            Variant::Exact => Linearizable::with_course(Register, Course::RegisterExactly),
            Variant::Search => Linearizable::with_course(Register, Course::Search),
            Variant::SearchWithout(reduction) => Linearizable::with_reductions(Register, reduction.left_out()),
            Variant::BareSearch => Linearizable::with_reductions(Register, Reductions::NONE),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Variant::Automatic => "automatic",
            Variant::NoZones => "no-zones",
            Variant::Exact => "exact",
            Variant::Search => "search",
            Variant::SearchWithout(Reduction::ObserversAtOnce) => "search-without-observers-at-once",
            Variant::SearchWithout(Reduction::Twins) => "search-without-twins",
            Variant::SearchWithout(Reduction::Dominance) => "search-without-dominance",
            Variant::SearchWithout(Reduction::Unobserved) => "search-without-unobserved",
            Variant::BareSearch => "bare-search",
        }
    }

    /// What is left, as the table tells it.
    pub fn about(self) -> &'static str {
        match self {
            Variant::Automatic => "as it is",
            Variant::NoZones => "without zones",
            Variant::Exact => "without zones and the passes before the exact one",
            Variant::Search => "the search for any model",
            Variant::SearchWithout(Reduction::ObserversAtOnce) => "the search without observers at once",
            Variant::SearchWithout(Reduction::Twins) => "the search without twins",
            Variant::SearchWithout(Reduction::Dominance) => "the search without dominance",
            Variant::SearchWithout(Reduction::Unobserved) => "the search without leaving out the unobserved",
            Variant::BareSearch => "the bare search",
        }
    }

    /// The variant of this name.
    pub fn of_word(word: &str) -> Option<Variant> {
        Variant::ALL.into_iter().find(|variant| variant.word() == word)
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Reduction {
    /// All reductions but this one.
    fn left_out(self) -> Reductions {
        let all = Reductions::ALL;
        match self {
            Reduction::ObserversAtOnce => Reductions { observers_at_once: false, ..all },
            Reduction::Twins => Reductions { twins: false, ..all },
            Reduction::Dominance => Reductions { dominance: false, ..all },
            Reduction::Unobserved => Reductions { unobserved: false, ..all },
        }
    }
}
