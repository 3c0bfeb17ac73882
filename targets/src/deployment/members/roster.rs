//! Where each node stands towards the cluster, and how its server is started.

use crate::remote::DaemonSpec;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// It is a member.
    #[default]
    Member,
    /// The member of this number was to be removed, and may be.
    Leaving(u64),
    /// It is none.
    Out,
    /// It is about to be one, under this number where the target lets one choose.
    Joining(u64),
}

#[derive(Debug, Default)]
struct Place {
    standing: Standing,
    /// The number of its member that was the last to be removed.
    left: Option<u64>,
    /// The server of one that has joined; none for those that were there from the beginning.
    server: Option<DaemonSpec>,
}

/// All nodes.
pub struct Roster {
    places: Vec<Mutex<Place>>,
    /// The highest number that was given to anybody.
    newest: AtomicU64,
}

impl Roster {
    /// So many members, and behind them so many nodes that are none.
    pub fn of(members: usize, spares: usize) -> Roster {
        let out = || Place { standing: Standing::Out, ..Place::default() };
        let founders = (0..members).map(|_| Place::default());
        let places = founders.chain((0..spares).map(|_| out())).map(Mutex::new).collect();
        Roster { places, newest: AtomicU64::new(members as u64) }
    }

    fn at(&self, place: usize) -> MutexGuard<'_, Place> {
        self.places[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a node stands.
    pub fn standing(&self, place: usize) -> Standing {
        self.at(place).standing
    }

    /// Whether there is a node, and it is a member.
    pub fn is_member_at(&self, place: Option<usize>) -> bool {
        place.is_some_and(|place| self.standing(place) == Standing::Member)
    }

    /// Notes where a node stands from now on.
    pub fn set(&self, place: usize, standing: Standing) {
        let mut at = self.at(place);
        at.standing = standing;
        if let Standing::Leaving(number) = standing {
            at.left = Some(number);
        }
    }

    /// Whether this is the number of a member that was there before.
    pub fn has_left(&self, place: usize, number: u64) -> bool {
        self.at(place).left == Some(number)
    }

    /// Notes how the server of a node is started from now on.
    pub fn set_server(&self, place: usize, server: DaemonSpec) {
        self.at(place).server = Some(server);
    }

    /// How the server of a node is started, if it has joined.
    pub fn server(&self, place: usize) -> Option<DaemonSpec> {
        self.at(place).server.clone()
    }

    /// A number that nobody had before.
    pub fn new_number(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::Relaxed) + 1
    }
}
