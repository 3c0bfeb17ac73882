//! What stands above an anomaly and says what its bars mean; it names only what occurs.

use super::axis::closing_ns;
use crate::plots::drawing::{Area, Pen, text_width};
use crate::verdict::{Anomaly, AnomalyOperation, Role};

const LINE: f64 = 20.0;

/// Draws it, in as many lines as it takes; returns where it ends.
pub(super) fn draw(pen: &mut Pen, anomaly: &Anomaly, operations: &[&AnomalyOperation], width: f64) -> f64 {
    let has_role = |role: Role| operations.iter().any(|drawn| drawn.role == role);
    let witness = if anomaly.minimal.is_some() { "what it contradicts" } else { "what it rests on" };
    let entries = [
        (has_role(Role::Contradiction), "sq-contradiction", "✗ impossible"),
        (has_role(Role::Witness), "sq-witness", witness),
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
    let (mut x, mut y) = (2.0, 5.0);
    for (_, class, words) in entries.into_iter().filter(|(occurs, ..)| *occurs) {
        let words_width = text_width(words, 12.0);
        if x > 2.0 && x + 29.0 + words_width > width {
            (x, y) = (2.0, y + LINE);
        }
        pen.rect(Area { x, y, width: 22.0, height: 13.0 }, 3.0, &format!("sq-bar {class}"), "");
        pen.text(x + 29.0, y + 11.0, "sq-soft", words);
        x += 29.0 + words_width + 20.0;
    }
    y + 25.0
}
