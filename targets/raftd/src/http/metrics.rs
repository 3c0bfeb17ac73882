//! Figures for Prometheus, as text.

use crate::node::{BUCKETS_US, Handle, Histogram, Shown, Status};
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The statuses that are answered.
const STATUSES: [u16; 15] = [200, 400, 404, 405, 408, 409, 410, 412, 413, 415, 429, 431, 500, 503, 504];

/// How many requests were answered with which status. Clones count together.
#[derive(Debug, Clone, Default)]
pub(super) struct Answered(Arc<[AtomicU64; STATUSES.len()]>);

impl Answered {
    fn count(&self, status: u16) {
        if let Some(place) = STATUSES.iter().position(|known| *known == status) {
            self.0[place].fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(super) async fn count(State(answered): State<Answered>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    answered.count(response.status().as_u16());
    response
}

pub(super) async fn metrics(State((member, answered)): State<(Handle, Answered)>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&member, &answered)).into_response()
}

fn text(member: &Handle, answered: &Answered) -> String {
    let status = member.status();
    let mut page = Page(String::new());
    gauges(&mut page, &status);
    peers(&mut page, &status);
    let counted = member.metrics();
    page.gauge("snapshot_bytes", "the size of the newest snapshot", counted.snapshot_bytes.load(Ordering::Relaxed));
    page.histogram("fsync_seconds", "writes to the log, with their sync", &counted.fsync);
    page.histogram("snapshot_write_seconds", "snapshots written, with their sync", &counted.snapshot_write);
    page.histogram("proposal_seconds", "changes that were answered", &counted.proposal);
    page.histogram("read_seconds", "reads that were answered", &counted.read);
    page.head(
        "requests_total",
        "requests answered, by status: from 400 on they were refused or are in doubt",
        "counter",
    );
    for (status, count) in STATUSES.iter().zip(answered.0.iter()) {
        page.labelled("requests_total", &format!("status=\"{status}\""), count.load(Ordering::Relaxed));
    }
    page.0
}

fn gauges(page: &mut Page, status: &Status) {
    page.head("role", "1 for the role that the member has", "gauge");
    for role in ["follower", "pre-candidate", "candidate", "leader"] {
        page.labelled("role", &format!("role=\"{role}\""), u64::from(status.role == role));
    }
    for (name, help, value) in [
        ("term", "the term", status.term),
        ("leader", "who leads the term, 0 if nobody is known to", status.leader.unwrap_or(0)),
        ("commit_index", "the last entry known to be committed", status.commit),
        ("applied_index", "the last entry applied", status.applied),
        ("snapshot_index", "the last entry that the snapshot stands for", status.snapshot),
        ("log_first_index", "the first entry of the log", status.first),
        ("log_last_index", "the last entry of the log", status.last),
        ("log_durable_index", "the last entry on disk", status.durable),
        ("open_requests", "requests taken and not answered", status.open_requests as u64),
        ("keys", "keys", status.keys as u64),
        ("sessions", "sessions of clients", status.sessions as u64),
        ("leases", "leases of clients", status.leases as u64),
        ("locks", "locks held", status.locks as u64),
        ("lease_left_milliseconds", "for how long the leader may read by its lease", status.lease_left_ms),
    ] {
        page.gauge(name, help, value);
    }
}

fn peers(page: &mut Page, status: &Status) {
    page.head("member", "1 for the role that the member's log says that each member has", "gauge");
    for member in &status.members {
        page.labelled("member", &format!("member=\"{}\",role=\"{}\"", member.id, member.role), 1);
    }
    page.head("peer_connected", "1 if there is a connection to the member", "gauge");
    for peer in status.members.iter().map(|member| member.id).filter(|member| *member != status.id) {
        page.labelled("peer_connected", &format!("peer=\"{peer}\""), u64::from(status.connected.contains(&peer)));
    }
    page.head("peer_match_index", "how much of the leader's log the member has on disk; only from the leader", "gauge");
    for peer in &status.peers {
        page.labelled("peer_match_index", &format!("peer=\"{}\"", peer.id), peer.matched);
    }
    page.head("peer_next_index", "what the leader sends the member next; only from the leader", "gauge");
    for peer in &status.peers {
        page.labelled("peer_next_index", &format!("peer=\"{}\"", peer.id), peer.next);
    }
    page.head("peer_needs_snapshot", "1 if the leader sends the member a snapshot; only from the leader", "gauge");
    for peer in &status.peers {
        page.labelled("peer_needs_snapshot", &format!("peer=\"{}\"", peer.id), u64::from(peer.needs_snapshot));
    }
}

/// A page of figures, each called `raftd_` and its name.
struct Page(String);

impl Page {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a string takes everything");
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP raftd_{name} {help}\n# TYPE raftd_{name} {kind}"));
    }

    fn labelled(&mut self, name: &str, labels: &str, value: u64) {
        self.line(format_args!("raftd_{name}{{{labels}}} {value}"));
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "gauge");
        self.line(format_args!("raftd_{name} {value}"));
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        let Shown { up_to, count, sum_us } = histogram.show();
        self.head(name, help, "histogram");
        for (end_us, up_to) in BUCKETS_US.iter().zip(up_to) {
            self.labelled(&format!("{name}_bucket"), &format!("le=\"{}\"", *end_us as f64 / 1e6), up_to);
        }
        self.labelled(&format!("{name}_bucket"), "le=\"+Inf\"", count);
        self.line(format_args!("raftd_{name}_sum {}", sum_us as f64 / 1e6));
        self.line(format_args!("raftd_{name}_count {count}"));
    }
}
