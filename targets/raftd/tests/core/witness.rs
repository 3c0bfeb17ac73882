//! What Raft promises (figure 3 of the extended paper), what a member promises its clients, and whether it is so.

use crate::storm::Disk;
use raftd::core::{Body, Committed, Failed, Fate, Granted, Message, Output, Persist, RequestId, RoleName, Status};
use raftd::types::{Entry, HardState, Index, NodeId, Payload, Term};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A promise that was broken.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    #[error("election safety: {leaders:?} both lead term {term}")]
    TwoLeaders { term: Term, leaders: (NodeId, NodeId) },
    #[error("member {voter} gave its vote of term {term} to {candidates:?}")]
    TwoVotes { term: Term, voter: NodeId, candidates: (NodeId, NodeId) },
    #[error("persistence before speech: a disk with {on_disk:?} lets a message out: {message:?}")]
    SpokeTooSoon { on_disk: HardState, message: Box<Message> },
    #[error("leader append-only: leader {leader} of term {term} rewrote entry {index}")]
    LeaderRewrote { leader: NodeId, term: Term, index: Index },
    #[error("log matching: {one:?} and {other:?} have one place, one term, and two contents or predecessors")]
    LogsDiffer { one: Box<(Entry, Term)>, other: Box<(Entry, Term)> },
    #[error("leader completeness: leader {leader} of term {term} lacks committed entry {index}")]
    LeaderLacks { leader: NodeId, term: Term, index: Index },
    #[error("state machine safety: {applied:?} is applied, but {committed:?} was")]
    AppliedTwoThings { applied: Box<Entry>, committed: Box<Entry> },
    #[error("member {member} applies entry {index} after {count} entries")]
    AppliedOutOfOrder { member: NodeId, index: Index, count: usize },
    #[error("entry {index} was committed with {copies} copies on disk")]
    CommittedTooSoon { index: Index, copies: usize },
    #[error("member {member} went from commit index {from} back to {to}")]
    CommitFell { member: NodeId, from: Index, to: Index },
    #[error("a read at {member} sees {index} entries, though {floor} were committed when it was asked")]
    StaleRead { member: NodeId, index: Index, floor: Index },
    #[error("member {member} serves a read at {index} before it applied that much")]
    ReadTooSoon { member: NodeId, index: Index },
    #[error("request {request} is answered again or by the wrong member")]
    AnsweredTwice { request: RequestId },
    #[error("request {request} is answered with somebody else's command")]
    WrongCommand { request: RequestId },
    #[error("the command of request {request} is committed twice")]
    CommittedTwice { request: RequestId },
    #[error("request {request} was certainly not done, and is done")]
    DoneAfterAll { request: RequestId },
    #[error("in calm weather the cluster does not come to rest: {state:#?}")]
    NoProgress { state: Vec<Status> },
}

/// Sees everything at once, which no member can.
pub struct Witness {
    members: Vec<Seen>,
    /// Who led each term.
    pub leaders: BTreeMap<Term, NodeId>,
    votes: HashMap<(Term, NodeId), NodeId>,
    /// Every entry that was ever in a log, by index and term, with the term of the one before it.
    entries: HashMap<(Index, Term), (Entry, Term)>,
    /// Every entry that was ever applied; each was committed then.
    pub committed: Vec<Entry>,
    /// For each of them the term of the leader that committed it.
    committed_in: Vec<Term>,
    /// The requests whose commands are committed.
    done: HashSet<RequestId>,
    /// The requests that were promised not to be.
    not_done: HashSet<RequestId>,
    open: HashMap<RequestId, Request>,
    last_request: RequestId,
    pub reads_granted: usize,
}

/// What is known of one member since its start.
#[derive(Default, Clone)]
struct Seen {
    /// Its log, from the writes it asked for.
    terms: Vec<Term>,
    applied: usize,
    /// Whether its last finished proposal, and read, succeeded.
    last_answers: (bool, bool),
}

struct Request {
    member: usize,
    /// For a read: what was committed anywhere when it was asked.
    floor: Option<Index>,
}

impl Witness {
    pub fn new(members: usize) -> Witness {
        Witness {
            members: vec![Seen::default(); members],
            leaders: BTreeMap::new(),
            votes: HashMap::new(),
            entries: HashMap::new(),
            committed: Vec::new(),
            committed_in: Vec::new(),
            done: HashSet::new(),
            not_done: HashSet::new(),
            open: HashMap::new(),
            last_request: 0,
            reads_granted: 0,
        }
    }

    /// A member starts with its disk.
    pub fn started(&mut self, member: usize, disk: &Disk) {
        self.members[member] = Seen { terms: disk.log.iter().map(|entry| entry.term).collect(), ..Seen::default() };
    }

    /// A member stops; its clients get no answers.
    pub fn crashed(&mut self, member: usize) {
        self.open.retain(|_, request| request.member != member);
    }

    /// Names a proposal and its command, which is like no other.
    pub fn proposes(&mut self, member: usize, filling: usize) -> (RequestId, Vec<u8>) {
        let request = self.opens(member, None);
        let mut command = request.to_le_bytes().to_vec();
        command.extend(std::iter::repeat_n(0, filling));
        (request, command)
    }

    /// Names a read.
    pub fn reads(&mut self, member: usize) -> RequestId {
        self.opens(member, Some(self.committed.len() as Index))
    }

    fn opens(&mut self, member: usize, floor: Option<Index>) -> RequestId {
        self.last_request += 1;
        self.open.insert(self.last_request, Request { member, floor });
        self.last_request
    }

    /// How many requests have no answer yet.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// Whether the member's last finished proposal, and read, succeeded.
    pub fn last_answers(&self, member: usize) -> (bool, bool) {
        self.members[member].last_answers
    }

    /// From now on every member has to succeed once more.
    pub fn forget_answers(&mut self) {
        self.members.iter_mut().for_each(|seen| seen.last_answers = (false, false));
    }

    /// A member did something: its status before and after, what came out, and what all disks hold meanwhile.
    pub fn sees(
        &mut self,
        member: usize,
        status: (&Status, &Status),
        output: &Output,
        disks: &[&Disk],
    ) -> Result<(), Violation> {
        let (before, after) = status;
        if after.commit < before.commit {
            return Err(Violation::CommitFell { member: after.id, from: before.commit, to: after.commit });
        }
        if let Some(persist) = &output.persist {
            self.sees_write(member, status, persist)?;
        }
        if after.role == RoleName::Leader {
            self.sees_leader(member, after)?;
        }
        output.messages.iter().try_for_each(|message| self.sees_message(message, disks[member]))?;
        output.committed.iter().try_for_each(|committed| self.sees_applied(member, after.term, committed, disks))?;
        output.granted.iter().try_for_each(|granted| self.sees_granted(member, granted))?;
        output.failed.iter().try_for_each(|failed| self.sees_failed(member, failed))
    }

    fn sees_write(
        &mut self,
        member: usize,
        (before, after): (&Status, &Status),
        persist: &Persist,
    ) -> Result<(), Violation> {
        let Some(first) = persist.entries.first() else { return Ok(()) };
        let terms = &mut self.members[member].terms;
        let led = before.role == RoleName::Leader && after.role == RoleName::Leader && before.term == after.term;
        if led && first.index as usize != terms.len() + 1 {
            return Err(Violation::LeaderRewrote { leader: after.id, term: after.term, index: first.index });
        }
        terms.truncate(first.index as usize - 1);
        for entry in &persist.entries {
            let predecessor = terms.last().copied().unwrap_or(0);
            let known = self.entries.entry((entry.index, entry.term)).or_insert_with(|| (entry.clone(), predecessor));
            if (&known.0, known.1) != (entry, predecessor) {
                return Err(Violation::LogsDiffer {
                    one: Box::new(known.clone()),
                    other: Box::new((entry.clone(), predecessor)),
                });
            }
            terms.push(entry.term);
        }
        Ok(())
    }

    fn sees_leader(&mut self, member: usize, status: &Status) -> Result<(), Violation> {
        let term = status.term;
        if let Some(known) = self.leaders.get(&term) {
            return match *known == status.id {
                true => Ok(()),
                false => Err(Violation::TwoLeaders { term, leaders: (*known, status.id) }),
            };
        }
        self.leaders.insert(term, status.id);
        let terms = &self.members[member].terms;
        // What later leaders committed it may well lack: late votes elect a leader of a term that is long over.
        let committed = self.committed.iter().zip(&self.committed_in).filter(|(_, then)| **then < term);
        let lacks = |(entry, _): &(&Entry, &Term)| terms.get(entry.index as usize - 1) != Some(&entry.term);
        match committed.into_iter().find(lacks) {
            Some((entry, _)) => Err(Violation::LeaderLacks { leader: status.id, term, index: entry.index }),
            None => Ok(()),
        }
    }

    fn sees_message(&mut self, message: &Message, disk: &Disk) -> Result<(), Violation> {
        if disk.hard_state.term < message.term {
            return Err(Violation::SpokeTooSoon { on_disk: disk.hard_state, message: Box::new(message.clone()) });
        }
        if let Body::Vote { granted: true } = message.body {
            let HardState { term, voted_for } = disk.hard_state;
            if term == message.term && voted_for != Some(message.to) {
                return Err(Violation::SpokeTooSoon { on_disk: disk.hard_state, message: Box::new(message.clone()) });
            }
            let candidate = *self.votes.entry((message.term, message.from)).or_insert(message.to);
            if candidate != message.to {
                let candidates = (candidate, message.to);
                return Err(Violation::TwoVotes { term: message.term, voter: message.from, candidates });
            }
        }
        Ok(())
    }

    fn sees_applied(
        &mut self,
        member: usize,
        term: Term,
        committed: &Committed,
        disks: &[&Disk],
    ) -> Result<(), Violation> {
        let Committed { entry, proposal } = committed;
        let place = self.members[member].applied;
        self.members[member].applied += 1;
        if entry.index as usize != place + 1 {
            return Err(Violation::AppliedOutOfOrder {
                member: member as NodeId + 1,
                index: entry.index,
                count: place,
            });
        }
        match self.committed.get(place) {
            Some(known) if known == entry => {}
            Some(known) => {
                return Err(Violation::AppliedTwoThings {
                    applied: Box::new(entry.clone()),
                    committed: Box::new(known.clone()),
                });
            }
            None => self.sees_committed(entry, term, disks)?,
        }
        let Some(request) = *proposal else { return Ok(()) };
        if command(entry) != Some(request) {
            return Err(Violation::WrongCommand { request });
        }
        self.members[member].last_answers.0 = true;
        self.answers(member, request).map(drop)
    }

    /// For the first time: by the leader of `term`, who committed it.
    fn sees_committed(&mut self, entry: &Entry, term: Term, disks: &[&Disk]) -> Result<(), Violation> {
        let copies = disks.iter().filter(|disk| disk.log.get(entry.index as usize - 1) == Some(entry)).count();
        if copies <= disks.len() / 2 {
            return Err(Violation::CommittedTooSoon { index: entry.index, copies });
        }
        self.committed.push(entry.clone());
        self.committed_in.push(term);
        let Some(request) = command(entry) else { return Ok(()) };
        if !self.done.insert(request) {
            return Err(Violation::CommittedTwice { request });
        }
        match self.not_done.contains(&request) {
            true => Err(Violation::DoneAfterAll { request }),
            false => Ok(()),
        }
    }

    fn sees_granted(&mut self, member: usize, granted: &Granted) -> Result<(), Violation> {
        let Granted { id: request, index } = *granted;
        let floor = self.answers(member, request)?.floor.ok_or(Violation::AnsweredTwice { request })?;
        let seen = &mut self.members[member];
        seen.last_answers.1 = true;
        self.reads_granted += 1;
        let member = member as NodeId + 1;
        if index > seen.applied as Index {
            return Err(Violation::ReadTooSoon { member, index });
        }
        match index < floor {
            true => Err(Violation::StaleRead { member, index, floor }),
            false => Ok(()),
        }
    }

    fn sees_failed(&mut self, member: usize, failed: &Failed) -> Result<(), Violation> {
        let request = failed.id;
        let is_read = self.answers(member, request)?.floor.is_some();
        let last_answers = &mut self.members[member].last_answers;
        match is_read {
            true => last_answers.1 = false,
            false => last_answers.0 = false,
        }
        if failed.fate == Fate::NotDone && self.done.contains(&request) {
            return Err(Violation::DoneAfterAll { request });
        }
        if failed.fate == Fate::NotDone {
            self.not_done.insert(request);
        }
        Ok(())
    }

    /// Closes a request: it is open, and was asked of this member.
    fn answers(&mut self, member: usize, request: RequestId) -> Result<Request, Violation> {
        let open = self.open.remove(&request).filter(|open| open.member == member);
        open.ok_or(Violation::AnsweredTwice { request })
    }
}

/// The request that a command belongs to, from the command itself.
fn command(entry: &Entry) -> Option<RequestId> {
    match &entry.payload {
        Payload::Noop | Payload::Configuration { .. } => None,
        Payload::Command { bytes, .. } => bytes.first_chunk().map(|id| RequestId::from_le_bytes(*id)),
    }
}
