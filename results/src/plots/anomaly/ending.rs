//! Below an anomaly: how far its longest legal order goes, and the step that is impossible then.

use crate::plots::drawing::{Area, Pen, shortened, text_width};
use crate::verdict::Anomaly;

const LINE: f64 = 24.0;
const FONT: f64 = 12.0;
/// Where the words begin; what they are about stands before.
const WORDS: f64 = 188.0;

/// The two lines, as far as there is something to say.
pub(super) struct Ending {
    pub lines: Vec<Line>,
    /// The last operation of the longest legal order.
    pub last: Option<u64>,
}

/// One of them.
pub(crate) struct Line {
    /// `sq-sound` or `sq-wrong`.
    pub class: &'static str,
    /// What it is about.
    pub what: &'static str,
    /// The state, or the step.
    pub strong: String,
    /// After what, or why not.
    pub more: String,
}

impl Ending {
    /// Nothing, where a checker looked for no order.
    pub(super) fn of(anomaly: &Anomaly) -> Ending {
        let Some(longest) = anomaly.prefixes.first() else { return Ending { lines: Vec::new(), last: None } };
        let find = |id: u64| anomaly.operations.iter().map(|drawn| &drawn.operation).find(|drawn| drawn.id == id);
        let last = longest.last.last().copied();
        let after = match (longest.length, last.and_then(find)) {
            (0, _) => "before anything took effect".to_owned(),
            (1, Some(last)) => format!("after one operation, {} by process {}", last.in_short(), last.process),
            (1, None) => "after one operation".to_owned(),
            (length, Some(last)) => {
                format!(
                    "after {length} operations in a legal order, ending with {} by process {}",
                    last.in_short(),
                    last.process
                )
            }
            (length, None) => format!("after {length} operations in a legal order"),
        };
        let mut lines = vec![Line {
            class: "sq-sound",
            what: "✓ last consistent state",
            strong: longest.state.clone(),
            more: after,
        }];
        if let Some(refusal) = longest.refused.first() {
            let strong = match find(refusal.op) {
                Some(refused) => format!("{} by process {}", refused.in_short(), refused.process),
                None => format!("operation {}", refusal.op),
            };
            lines.push(Line { class: "sq-wrong", what: "✗ impossible step", strong, more: refusal.why.clone() });
        }
        Ending { lines, last }
    }

    pub(super) fn height(&self) -> f64 {
        if self.lines.is_empty() { 0.0 } else { self.lines.len() as f64 * LINE + 12.0 }
    }

    /// The lines from `top` on.
    pub(super) fn draw(&self, pen: &mut Pen, top: f64, edge: f64) {
        for (index, line) in self.lines.iter().enumerate() {
            let y = top + 8.0 + index as f64 * LINE;
            pen.rect(Area { x: 0.0, y, width: edge, height: LINE - 3.0 }, 3.0, &format!("sq-strip {}", line.class), "");
            pen.rect(Area { x: 0.0, y, width: 4.0, height: LINE - 3.0 }, 0.0, &format!("sq-edge {}", line.class), "");
            let baseline = y + 14.5;
            pen.text(13.0, baseline, &format!("sq-word {}", line.class), line.what);
            // What is told first may take half of the room.
            let strong = shortened(&line.strong, (edge - WORDS) / 2.0, FONT);
            pen.text(WORDS, baseline, "sq-bold", &strong);
            let after = WORDS + text_width(&strong, FONT) * 1.08 + 12.0;
            pen.text(after, baseline, "sq-soft", &shortened(&line.more, edge - after - 6.0, FONT));
        }
    }
}
