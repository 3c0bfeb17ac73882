//! The line above an anomaly that says what its bars mean; it names only what occurs.

use super::axis::closing_ns;
use crate::plots::drawing::{Area, Pen, text_width};
use crate::verdict::{AnomalyOperation, Role};

/// Its height.
pub(super) const HEIGHT: f64 = 30.0;

pub(super) fn draw(pen: &mut Pen, operations: &[&AnomalyOperation]) {
    let has_role = |role: Role| operations.iter().any(|drawn| drawn.role == role);
    let entries = [
        (has_role(Role::Contradiction), "sq-contradiction", "✗ contradiction"),
        (has_role(Role::Witness), "sq-witness", "witness"),
        (has_role(Role::Context), "sq-context", "went on meanwhile"),
        (
            operations.iter().any(|drawn| closing_ns(drawn).is_none()),
            "sq-context sq-open",
            "unknown: may take effect later",
        ),
        (
            operations.iter().any(|drawn| drawn.operation.outcome.is_fail()),
            "sq-context sq-failed",
            "failed: did not happen",
        ),
    ];
    let mut x = 2.0;
    for (_, class, words) in entries.into_iter().filter(|(occurs, ..)| *occurs) {
        pen.rect(Area { x, y: 5.0, width: 22.0, height: 13.0 }, 3.0, &format!("sq-bar {class}"), "");
        pen.text(x + 29.0, 16.0, "sq-soft", words);
        x += 29.0 + text_width(words, 12.0) + 20.0;
    }
}
