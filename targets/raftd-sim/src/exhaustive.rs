//! Everything that can happen to a small cluster of raftd's core, within stated bounds: not what chance comes upon, but all
//! of it (as model checkers do; Holzmann, "The Model Checker SPIN", 1997).
//!
//! Breadth first over the states of the cluster: from each, whatever may happen next happens. Any message under way may be
//! the next that arrives; one that never does is lost. So the first violation that is found is one of the shortest. Members
//! whose states hash alike are alike, clocks and chance aside, and no state is looked at twice; the hashes have 64 bits, so
//! among ten million states two that differ are taken for one with a chance of three in a million.
//!
//! ```
//! use raftd_sim::exhaustive::{Bounds, Ended, explore};
//! let found = explore(&Bounds { terms: 1, ..Bounds::default() }, None);
//! assert_eq!(found.ended, Ended::All);
//! ```
//!
//! What is not looked at: pre-votes (they only keep elections from happening), reads, snapshots, a write that is half on disk.

mod state;

use crate::property::Property;
use crate::run::{quietly, words};
use raftd::types::Bug;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use state::{Action, State};
use std::collections::HashSet;

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How many members there are.
    pub members: u64,
    /// No election begins a later term than this.
    pub terms: u64,
    /// Whether only members that know of the newest term begin elections.
    pub newest_only: bool,
    /// How many messages are under way at most; of more, some are lost, whichever.
    pub in_flight: usize,
    /// How many times members lose their power, all together.
    pub crashes: u32,
    /// How many times leaders send heartbeats, all together.
    pub heartbeats: u32,
    /// How many commands are asked for, all together.
    pub commands: u32,
    /// Whether a write takes time, so that a member may crash before it is on disk.
    pub slow_disk: bool,
    /// With more states than this the search gives up.
    pub states_max: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            members: 3,
            terms: 2,
            newest_only: false,
            in_flight: 2,
            crashes: 0,
            heartbeats: 0,
            commands: 0,
            slow_disk: false,
            states_max: 20_000_000,
        }
    }
}

/// How a search ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// All that can happen within the bounds was looked at, and is right.
    All,
    /// A property was broken.
    Broken {
        /// Which.
        property: Property,
        /// What shows it.
        evidence: String,
        /// What happened, from the beginning on.
        story: Vec<String>,
    },
    /// There were too many states.
    GaveUp,
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many different states.
    pub states: usize,
    /// How many times something happened.
    pub steps: usize,
    /// How many things happened one after the other at most.
    pub depth: usize,
    /// How it ended.
    pub ended: Ended,
}

/// How many states are looked at side by side before what comes of them is taken in.
const BATCH: usize = 4_096;

/// How a state came about: from which one, by what.
type Origin = (u32, Action);

/// Looks at all that can happen within the bounds, to members with this bug.
pub fn explore(bounds: &Bounds, bug: Option<Bug>) -> Found {
    let first = State::new(bounds, bug);
    let mut seen = HashSet::from([first.fingerprint()]);
    let mut origins: Vec<Origin> = vec![(0, Action::Begin)];
    let mut frontier: Vec<(u32, State)> = vec![(0, first)];
    let (mut steps, mut depth) = (0, 0);
    while !frontier.is_empty() {
        let mut next = Vec::new();
        for batch in frontier.chunks(BATCH) {
            let after: Vec<Vec<Next>> =
                batch.par_iter().map(|(number, state)| follow(*number, state, bounds, &seen)).collect();
            for Next { parent, action, came } in after.into_iter().flatten() {
                steps += 1;
                let (fingerprint, state) = match came {
                    Came::Seen => continue,
                    Came::Broken(property, evidence) => {
                        let story = story(bounds, bug, &origins, (parent, action));
                        let ended = Ended::Broken { property, evidence, story };
                        return Found { states: seen.len(), steps, depth: depth + 1, ended };
                    }
                    Came::New(fingerprint, state) => (fingerprint, state),
                };
                if seen.insert(fingerprint) {
                    origins.push((parent, action));
                    next.push((origins.len() as u32 - 1, *state));
                }
            }
            if seen.len() > bounds.states_max {
                return Found { states: seen.len(), steps, depth, ended: Ended::GaveUp };
            }
        }
        depth += usize::from(!next.is_empty());
        frontier = next;
    }
    Found { states: seen.len(), steps, depth, ended: Ended::All }
}

/// Something that may happen next.
struct Next {
    parent: u32,
    action: Action,
    came: Came,
}

/// What comes of it.
enum Came {
    /// A state that is known already.
    Seen,
    /// Another one, by its fingerprint.
    New(u64, Box<State>),
    Broken(Property, String),
}

fn follow(parent: u32, state: &State, bounds: &Bounds, seen: &HashSet<u64>) -> Vec<Next> {
    let come = |action: Action| {
        let came = match quietly(|| state.after(action, bounds)) {
            Ok(Ok(state)) => match state.fingerprint() {
                known if seen.contains(&known) => Came::Seen,
                fingerprint => Came::New(fingerprint, Box::new(state)),
            },
            Ok(Err((property, evidence))) => Came::Broken(property, evidence),
            // A member stopped itself: what it saw proves that safety is lost.
            Err(panic) => Came::Broken(Property::Assertion, words(panic.as_ref())),
        };
        Next { parent, action, came }
    };
    state.actions(bounds).into_iter().map(come).collect()
}

/// What happened up to the last action.
fn story(bounds: &Bounds, bug: Option<Bug>, origins: &[Origin], last: Origin) -> Vec<String> {
    let mut actions = vec![last.1];
    let mut number = last.0;
    while number != 0 {
        let (parent, action) = origins[number as usize];
        actions.push(action);
        number = parent;
    }
    let (mut state, mut story) = (State::new(bounds, bug), Vec::new());
    for action in actions.into_iter().rev() {
        story.push(state.tell(action));
        // The last one breaks something.
        match quietly(|| state.after(action, bounds)) {
            Ok(Ok(after)) => state = after,
            _ => break,
        }
    }
    story
}
