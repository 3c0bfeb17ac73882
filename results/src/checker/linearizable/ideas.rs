//! What keeps the frontier of a register small. Each can be switched off, so that tests can compare and measurements tell
//! what it brings.

/// Something without which the frontier of a register gives the same answers, slower. All are exact; the proof stands where
/// each is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idea {
    /// Observers whose places are certain are left out from the beginning.
    Implied,
    /// What can be of no use any more is forgotten.
    Tidying,
    /// Of configurations that can do all that another one can, the other one is left out.
    Dominance,
    /// Such a configuration may first catch up with what the other one has done unseen.
    CatchingUp,
    /// It may have a write left that the other one has done, if it will be able to hide it in time.
    InTime,
    /// It may have done writes that the other one has left, if it has as many of their values left instead.
    AsMany,
    /// Where operations never returned, the sources of each value are counted first.
    Supply,
    /// Where operations never returned, passes that use few of them come first.
    Frugal,
    /// Then one with an endless supply of them.
    Endless,
}

impl Idea {
    /// All of them.
    pub const ALL: [Idea; 9] = [
        Idea::Implied,
        Idea::Tidying,
        Idea::Dominance,
        Idea::CatchingUp,
        Idea::InTime,
        Idea::AsMany,
        Idea::Supply,
        Idea::Frugal,
        Idea::Endless,
    ];
}
