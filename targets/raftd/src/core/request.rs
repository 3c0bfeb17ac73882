//! The requests that this member was asked for and has not answered.
//!
//! Every request belongs to the term in which it was asked: when the term ends, all of them get an answer. Within the
//! term only its leader can take a request, and takes it once.

use super::output::{Failed, Fate, Granted, Reason, RequestId};
use crate::types::{Bug, Index, NodeId, Ticket};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Hash)]
pub(super) struct Requests {
    origin: NodeId,
    incarnation: u64,
    limit: usize,
    /// The number of the last ticket.
    last_number: u64,
    /// By number of the ticket, which is also the order of the deadlines.
    open: BTreeMap<u64, Open>,
    failed: Vec<Failed>,
}

#[derive(Debug, Clone, Hash)]
struct Open {
    id: RequestId,
    kind: Kind,
    /// The tick at which the client is no longer kept waiting.
    deadline: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Proposal,
    Read,
    /// A read that the leader granted; it waits until so much is committed here.
    GrantedRead(Index),
}

impl Requests {
    pub(super) fn new(origin: NodeId, incarnation: u64, limit: usize) -> Requests {
        Requests { origin, incarnation, limit, last_number: 0, open: BTreeMap::new(), failed: Vec::new() }
    }

    /// Opens a request and names it; if there is no room, fails it.
    pub(super) fn open(&mut self, id: RequestId, kind: Kind, deadline: u64) -> Option<Ticket> {
        if self.open.len() >= self.limit {
            self.refuse(id, Reason::Busy);
            return None;
        }
        self.last_number += 1;
        self.open.insert(self.last_number, Open { id, kind, deadline });
        Some(Ticket { origin: self.origin, incarnation: self.incarnation, number: self.last_number })
    }

    /// Fails a request that was not taken at all.
    pub(super) fn refuse(&mut self, id: RequestId, reason: Reason) {
        self.failed.push(Failed { id, fate: Fate::NotDone, reason });
    }

    /// Fails an open request that the leader refused.
    pub(super) fn refused(&mut self, ticket: Ticket, reason: Reason) {
        if let Some(open) = self.number(ticket).and_then(|number| self.open.remove(&number)) {
            self.refuse(open.id, reason);
        }
    }

    /// The command of `ticket` is committed: closes the request, if it is one of this member's, and names it.
    pub(super) fn committed(&mut self, ticket: Ticket) -> Option<RequestId> {
        let number = self.number(ticket)?;
        self.open.remove(&number).map(|open| open.id)
    }

    /// The leader granted a read.
    pub(super) fn granted(&mut self, ticket: Ticket, index: Index) {
        let Some(open) = self.number(ticket).and_then(|number| self.open.get_mut(&number)) else { return };
        if open.kind == Kind::Read {
            open.kind = Kind::GrantedRead(index);
        }
    }

    /// Takes the granted reads that `committed` suffices for.
    pub(super) fn servable(&mut self, committed: Index) -> Vec<Granted> {
        let servable = |_: &u64, open: &mut Open| matches!(open.kind, Kind::GrantedRead(index) if index <= committed);
        let granted = self.open.extract_if(.., servable).filter_map(|(_, open)| match open.kind {
            Kind::GrantedRead(index) => Some(Granted { id: open.id, index }),
            Kind::Proposal | Kind::Read => None,
        });
        granted.collect()
    }

    /// Fails what the end of the term leaves without an answer. Granted reads keep their grant: what was committed then
    /// stays committed.
    pub(super) fn end_term(&mut self, bug: Option<Bug>) {
        let doomed = |_: &u64, open: &mut Open| !matches!(open.kind, Kind::GrantedRead(_));
        let doomed = self.open.extract_if(.., doomed).map(|(_, open)| open.fail(Reason::LeaderChanged));
        match bug {
            Some(Bug::DenyInDoubt) => self.failed.extend(doomed.map(|failed| Failed { fate: Fate::NotDone, ..failed })),
            _ => self.failed.extend(doomed),
        }
    }

    /// A snapshot was installed. What was proposed here may be in it or not; reads are granted by whoever leads.
    pub(super) fn overtaken(&mut self) {
        let proposals = self.open.extract_if(.., |_, open| open.kind == Kind::Proposal);
        self.failed.extend(proposals.map(|(_, open)| open.fail(Reason::Overtaken)));
    }

    /// Fails what was due at tick `now`.
    pub(super) fn expire(&mut self, now: u64) {
        while let Some(first) = self.open.first_entry().filter(|first| first.get().deadline <= now) {
            self.failed.push(first.remove().fail(Reason::TimedOut));
        }
    }

    /// Takes the failures.
    pub(super) fn take_failed(&mut self) -> Vec<Failed> {
        std::mem::take(&mut self.failed)
    }

    /// The number of a ticket of this start of this member.
    fn number(&self, ticket: Ticket) -> Option<u64> {
        (ticket.origin == self.origin && ticket.incarnation == self.incarnation).then_some(ticket.number)
    }
}

impl Open {
    fn fail(self, reason: Reason) -> Failed {
        let fate = match self.kind {
            Kind::Proposal => Fate::Unknown,
            Kind::Read | Kind::GrantedRead(_) => Fate::NotDone,
        };
        Failed { id: self.id, fate, reason }
    }
}
