//! Watching: an answer that does not end, a line of JSON for each revision that changed something.

use super::error::ApiError;
use crate::machine::Event;
use crate::node::{Changed, Compacted, Told, Watching};
use crate::types::Index;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A watcher that has nothing to hear hears this often how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// How many may watch at a time.
pub const WATCHERS_MAX: usize = 1024;

/// What all watchers of a member share.
#[derive(Debug, Clone)]
pub struct Watchers {
    watching: Watching,
    places: Arc<Semaphore>,
}

/// What to watch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The first revision that is told; the next one if it is left out.
    from: Option<Index>,
    /// Only the key, set or lock of this name.
    name: Option<String>,
    /// Only those whose names begin so.
    prefix: Option<String>,
}

/// One that watches.
struct Watcher {
    watching: Watching,
    name: Option<String>,
    prefix: Option<String>,
    /// All up to this revision was told.
    told: Index,
    /// The next thing to say is how far it is.
    says_progress: bool,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Watchers {
    /// Those who watch what `watching` shows.
    pub fn new(watching: Watching) -> Watchers {
        Watchers { watching, places: Arc::new(Semaphore::new(WATCHERS_MAX)) }
    }
}

pub(super) async fn watch(
    State(Watchers { watching, places }): State<Watchers>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(Asked { from, name, prefix }) =
        asked.map_err(|rejection| ApiError::bad_request(rejection.body_text()))?;
    if from == Some(0) {
        return Err(ApiError::bad_request("revisions begin with 1; leave `from` out to watch from now on"));
    }
    let place = places.try_acquire_owned().map_err(|_| {
        let error = format!("{WATCHERS_MAX} watch already, and no more may; ask another member");
        ApiError::not_tried(StatusCode::TOO_MANY_REQUESTS, error)
    })?;
    let told = from.map_or_else(|| watching.applied(), |from| from - 1);
    if let Err(Compacted { oldest }) = watching.after(told) {
        let error =
            format!("the changes before revision {oldest} are not kept any more; read, and watch from there on");
        let gone = json!({ "error": error, "done": "no", "oldest": oldest });
        return Ok((StatusCode::GONE, axum::Json(gone)).into_response());
    }
    let watcher = Watcher { watching, name, prefix, told, says_progress: true, is_over: false, _place: place };
    let lines = stream::unfold(watcher, |mut watcher| async {
        let lines = watcher.next().await?;
        Some((Ok::<Bytes, Infallible>(lines.into()), watcher))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

impl Watcher {
    /// Waits for something to tell, and tells it in whole lines.
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        if std::mem::take(&mut self.says_progress) {
            return Some(line(&json!({ "progress": self.told })));
        }
        loop {
            match timeout(PROGRESS_EVERY, self.watching.wait_beyond(self.told)).await {
                Ok(true) => {}
                Ok(false) => return Some(self.ends("the server stops; go on at another member")),
                Err(_) => return Some(line(&json!({ "progress": self.told }))),
            }
            match self.watching.after(self.told) {
                Ok(Told { changes, up_to }) => {
                    self.told = up_to;
                    let lines: String = changes.iter().filter_map(|changed| self.tells(changed)).collect();
                    if !lines.is_empty() {
                        return Some(lines);
                    }
                }
                Err(Compacted { oldest }) => {
                    return Some(self.ends(&format!(
                        "this watcher was too slow, or the server caught up by a snapshot: the changes before revision {oldest} are \
                         not kept any more; read, and watch from there on"
                    )));
                }
            }
        }
    }

    fn ends(&mut self, error: &str) -> String {
        self.is_over = true;
        line(&json!({ "error": error, "progress": self.told }))
    }

    fn tells(&self, changed: &Changed) -> Option<String> {
        let is_wanted = |event: &&Event| {
            self.name.as_ref().is_none_or(|name| event.name() == name)
                && self.prefix.as_ref().is_none_or(|prefix| event.name().starts_with(prefix))
        };
        let events: Vec<&Event> = changed.events.iter().filter(is_wanted).collect();
        (!events.is_empty()).then(|| line(&json!({ "revision": changed.revision, "events": events })))
    }
}

fn line(value: &serde_json::Value) -> String {
    format!("{value}\n")
}
