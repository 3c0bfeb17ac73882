//! The reductions of the search for any model, one by one.

use squall_results::checker::linearizable::Reductions;

/// A reduction of the search for any model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// `depth_first` of [`Reductions`].
    DepthFirst,
    /// `commuting`.
    Commuting,
    /// `observers_at_once`.
    Observers,
    /// `twins`.
    Twins,
    /// `dominance`.
    Dominance,
    /// `unobserved`.
    Unobserved,
}

impl Reduction {
    /// All of them.
    pub const ALL: [Reduction; 6] = [
        Reduction::DepthFirst,
        Reduction::Commuting,
        Reduction::Observers,
        Reduction::Twins,
        Reduction::Dominance,
        Reduction::Unobserved,
    ];

    /// All reductions but this one.
    pub fn others(self) -> Reductions {
        let all = Reductions::ALL;
        match self {
            Reduction::DepthFirst => Reductions { depth_first: false, ..all },
            Reduction::Commuting => Reductions { commuting: false, ..all },
            Reduction::Observers => Reductions { observers_at_once: false, ..all },
            Reduction::Twins => Reductions { twins: false, ..all },
            Reduction::Dominance => Reductions { dominance: false, ..all },
            Reduction::Unobserved => Reductions { unobserved: false, ..all },
        }
    }

    /// What is left without it, as the table tells it.
    pub fn about(self) -> &'static str {
        match self {
            Reduction::DepthFirst => "no following of one order first",
            Reduction::Commuting => "every order of operations that commute",
            Reduction::Observers => "observers wait for their return",
            Reduction::Twins => "operations that are alike in every order",
            Reduction::Dominance => "no dominance between doubtful operations used",
            Reduction::Unobserved => "doubtful operations kept that nothing can depend on",
        }
    }
}
