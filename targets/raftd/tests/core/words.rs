//! Messages, entries and answers in words.

use raftd::core::{Body, Committed, Failed, Fate, Granted, Message, Persist, ReadBy, SnapshotName, Status};
use raftd::types::{Entry, Index, MemberChange, NodeId, Payload, Snapshot};

pub fn message(message: &Message) -> String {
    format!("{}->{} term {}: {}", message.from, message.to, message.term, body(&message.body))
}

fn body(body: &Body) -> String {
    match body {
        Body::RequestVote { last_index, last_term, by_leave } => {
            let leave = if *by_leave { ", the leader gave me leave" } else { "" };
            format!("vote for me, my log ends at {last_index}/{last_term}{leave}")
        }
        Body::RequestPreVote { last_index, last_term } => {
            format!("would you vote for me, my log ends at {last_index}/{last_term}")
        }
        Body::PreVote { granted: true } => "would vote".into(),
        Body::PreVote { granted: false } => "would not vote".into(),
        Body::TimeoutNow => "ask for votes now".into(),
        Body::Vote { granted: true } => "vote granted".into(),
        Body::Vote { granted: false } => "vote denied".into(),
        Body::Append { previous_index, previous_term, entries: news, commit } => {
            format!("append after {previous_index}/{previous_term}: [{}], commit {commit}", entries(news))
        }
        Body::Appended { match_index } => format!("appended up to {match_index}"),
        Body::AppendRejected { previous_index, conflict_term: None, first_index } => {
            format!("nothing at {previous_index}, my log starts to lack at {first_index}")
        }
        Body::AppendRejected { previous_index, conflict_term: Some(term), first_index } => {
            format!("conflict at {previous_index}: term {term} here since {first_index}")
        }
        Body::Chunk { snapshot, offset, bytes, .. } => {
            format!("{} from byte {offset} of {}: {}", name(snapshot), snapshot.bytes, text(bytes))
        }
        Body::ChunkReceived { snapshot, offset } => format!("has {offset} bytes of {}", name(snapshot)),
        Body::Heartbeat { round, commit } => format!("heartbeat {round}, commit {commit}"),
        Body::HeartbeatEcho { round } => format!("echo {round}"),
        Body::Outdated => "your term is over".into(),
        Body::Propose { ticket, bytes } => format!("propose {} (ticket {})", text(bytes), ticket.number),
        Body::Read { ticket, by: ReadBy::Majority } => format!("read (ticket {})", ticket.number),
        Body::Read { ticket, by: ReadBy::Lease } => format!("read by lease (ticket {})", ticket.number),
        Body::Change { ticket, change } => format!("{} (ticket {})", asked(change), ticket.number),
        Body::Refused { ticket, .. } => format!("refused (ticket {})", ticket.number),
        Body::ReadGranted { ticket, index } => format!("read at {index} (ticket {})", ticket.number),
    }
}

fn asked(change: &MemberChange) -> String {
    match change {
        MemberChange::Add { id, .. } => format!("add {id}"),
        MemberChange::Promote { id } => format!("promote {id}"),
        MemberChange::Remove { id } => format!("remove {id}"),
    }
}

fn name(snapshot: &SnapshotName) -> String {
    format!("snapshot {}/{}", snapshot.last_index, snapshot.last_term)
}

pub fn taken(snapshot: &Snapshot) -> String {
    format!("takes snapshot {}/{}: {}", snapshot.last_index, snapshot.last_term, text(&snapshot.state).trim_end())
}

pub fn install(snapshot: &Snapshot) -> String {
    format!("installs snapshot {}/{}: {}", snapshot.last_index, snapshot.last_term, text(&snapshot.state).trim_end())
}

/// The entries of a log that begins behind `start`.
pub fn log(start: Index, log: &[Entry]) -> String {
    let start = (start > 0).then(|| format!("(behind {start})"));
    start.into_iter().chain((!log.is_empty()).then(|| entries(log))).collect::<Vec<_>>().join(" ")
}

/// `index/term command` of each entry.
pub fn entries(entries: &[Entry]) -> String {
    entries.iter().map(entry).collect::<Vec<_>>().join(", ")
}

fn entry(entry: &Entry) -> String {
    match &entry.payload {
        Payload::Noop => format!("{}/{} -", entry.index, entry.term),
        Payload::Command { bytes, .. } => format!("{}/{} {}", entry.index, entry.term, text(bytes)),
        Payload::Configuration { configuration, .. } => {
            format!("{}/{} members {configuration}", entry.index, entry.term)
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn persist(persist: &Persist) -> String {
    let hard_state = persist.hard_state.map(|hard| format!("term {} vote {}", hard.term, optional(hard.voted_for)));
    let entries = (!persist.entries.is_empty()).then(|| format!("[{}]", entries(&persist.entries)));
    let snapshot =
        persist.snapshot.as_ref().map(|snapshot| format!("snapshot {}/{}", snapshot.last_index, snapshot.last_term));
    let parts: Vec<String> = hard_state.into_iter().chain(snapshot).chain(entries).collect();
    format!("write #{}: {}", persist.sequence, parts.join(", "))
}

pub fn committed(committed: &Committed, names: &[String]) -> String {
    let asked_here = committed.proposal.map(|id| format!(", and answers {}", names[id as usize]));
    format!("applies {}{}", entry(&committed.entry), asked_here.unwrap_or_default())
}

pub fn granted(granted: &Granted, names: &[String]) -> String {
    format!("serves {} at {}", names[granted.id as usize], granted.index)
}

pub fn failed(failed: &Failed, names: &[String]) -> String {
    let fate = match failed.fate {
        Fate::NotDone => "not done",
        Fate::Unknown => "fate unknown",
    };
    format!("fails {}, {fate}: {}", names[failed.id as usize], failed.reason)
}

/// Role and leader; a change of these is worth a line.
pub fn role(status: &Status) -> String {
    format!("is {} in term {}, leader {}", status.role, status.term, optional(status.leader))
}

pub fn optional(id: Option<NodeId>) -> String {
    id.map_or("-".into(), |id| id.to_string())
}
