//! The clients' API: JSON over HTTP. API.md in the crate's folder describes it with examples.
//!
//! Every error says whether the request may have had an effect: `"done": "no"` is a promise that it had none and never
//! will, `"unknown"` that nobody can tell. It must not know how a member comes to its answers.

mod body;
mod error;
mod metrics;
mod routes;
mod watch;

pub use body::BODY_BYTES_MAX;
pub use error::{ApiError, DoneWord};
pub use routes::router;

#[cfg(test)]
mod tests;
