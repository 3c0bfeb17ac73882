//! What stands at a bar, and where: inside it, beside it, or below it at the end of a thin line.
//!
//! A label may also stand for several bars in a row. Bars that are there for context alone lose their labels where these
//! would pile up.

/// Where a label stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// Within its bar, from here on.
    Inside(f64),
    /// On the line of the bars, from here on.
    Beside(f64),
    /// On a line below the bars (0 is the first), from `at` on, tied to its bar by a line at `tie`.
    Below {
        /// The line.
        line: usize,
        /// Where the text begins.
        at: f64,
        /// Where the tie comes down.
        tie: f64,
    },
    /// Nowhere: too many labels stand there already.
    Nowhere,
}

/// What a label belongs to: a bar, or several in a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labelled {
    /// The left end of the first bar.
    pub from: f64,
    /// The right end of the last bar.
    pub to: f64,
    /// How wide the label is.
    pub label: f64,
    /// Whether it is one bar, which may hold the label.
    pub alone: bool,
    /// Whether the label must stand somewhere.
    pub needed: bool,
}

const PADDING: f64 = 6.0;
/// The most lines of labels below the bars that labels that are not needed may take.
const LINES_OF_CONTEXT: usize = 3;

/// How wide a bar must be to hold a label of this width.
pub(super) fn room_for(label: f64) -> f64 {
    label + 2.0 * PADDING
}

/// Whether a bar from `from` to `to` can hold a label of this width.
pub(super) fn holds(from: f64, to: f64, label: f64) -> bool {
    room_for(label) <= to - from + 1e-6
}

/// Places the labels of one row, whose bars stand from left to right, between `left` and `right`.
pub(super) fn place(bars: &[Labelled], left: f64, right: f64) -> Vec<Place> {
    let mut bar_line: Vec<(f64, f64)> = bars.iter().map(|bar| (bar.from, bar.to)).collect();
    let mut below: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut places = vec![Place::Nowhere; bars.len()];
    // From right to left: a label below stands right of its tie, so the ties still to come pass left of it.
    for (index, bar) in bars.iter().enumerate().rev() {
        let (after, before) = (bar.to + PADDING, bar.from - PADDING - bar.label);
        places[index] = if bar.alone && holds(bar.from, bar.to, bar.label) {
            Place::Inside(bar.from + PADDING)
        } else if after + bar.label <= right && is_free(&bar_line, after, after + bar.label) {
            bar_line.push((after, after + bar.label));
            Place::Beside(after)
        } else if index == 0 && before >= left {
            // Left of the first bar nothing else wants to stand.
            Place::Beside(before)
        } else {
            place_below(&mut below, bar, left, right)
        };
    }
    places
}

fn place_below(below: &mut Vec<Vec<(f64, f64)>>, bar: &Labelled, left: f64, right: f64) -> Place {
    let tie = ((bar.from + bar.to) / 2.0).min(right);
    // Right of its tie if there is room, else left of it, else below it.
    let at = if tie + 4.0 + bar.label <= right { tie + 4.0 } else { (tie - 4.0 - bar.label).max(left) };
    let line = below.iter().position(|taken| is_free(taken, at - 4.0, at + bar.label + 4.0)).unwrap_or(below.len());
    let crosses = below[..line].iter().any(|taken| !is_free(taken, tie, tie));
    if (line >= LINES_OF_CONTEXT || crosses) && !bar.needed {
        return Place::Nowhere;
    }
    if line == below.len() {
        below.push(Vec::new());
    }
    below[line].push((at, at + bar.label));
    for passed in &mut below[..line] {
        passed.push((tie, tie));
    }
    Place::Below { line, at, tie }
}

fn is_free(taken: &[(f64, f64)], from: f64, to: f64) -> bool {
    taken.iter().all(|(begun, over)| to + PADDING <= *begun || *over + 1.0 <= from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(from: f64, to: f64, label: f64, needed: bool) -> Labelled {
        Labelled { from, to, label, alone: true, needed }
    }

    fn check(bars: &[(f64, f64, f64)], expected: &[Place]) {
        let bar = |(from, to, label): &(f64, f64, f64)| alone(*from, *to, *label, true);
        let bars: Vec<Labelled> = bars.iter().map(bar).collect();
        assert_eq!(place(&bars, 100.0, 1000.0), expected);
    }

    #[test]
    fn labels_go_inside_then_beside_then_below() {
        check(&[(200.0, 300.0, 50.0)], &[Place::Inside(206.0)]);
        check(&[(200.0, 220.0, 50.0)], &[Place::Beside(226.0)]);
        check(&[(200.0, 220.0, 50.0), (400.0, 500.0, 20.0)], &[Place::Beside(226.0), Place::Inside(406.0)]);
        check(
            &[(105.0, 115.0, 50.0), (120.0, 130.0, 50.0)],
            &[Place::Below { line: 0, at: 114.0, tie: 110.0 }, Place::Beside(136.0)],
        );
    }

    #[test]
    fn labels_never_overlap() {
        let bars: Vec<Labelled> = (0..12)
            .map(|index| 200.0 + f64::from(index) * 14.0)
            .map(|from| alone(from, from + 10.0, 70.0, true))
            .collect();
        let places = place(&bars, 100.0, 1000.0);
        let mut spans: Vec<(usize, f64, f64)> = Vec::new();
        for (place, bar) in places.iter().zip(&bars) {
            let (line, from) = match place {
                Place::Inside(at) | Place::Beside(at) => (0, *at),
                Place::Below { line, at, .. } => (line + 1, *at),
                Place::Nowhere => panic!("a label that is needed stands nowhere: {places:?}"),
            };
            spans.push((line, from, from + bar.label));
        }
        for (index, (line, from, to)) in spans.iter().enumerate() {
            for (other_line, other_from, other_to) in &spans[..index] {
                assert!(line != other_line || to <= other_from || other_to <= from, "{places:?}");
            }
        }
        // No tie crosses a label on a line above its own.
        for place in &places {
            let Place::Below { line, tie, .. } = place else { continue };
            for (other_line, from, to) in &spans {
                assert!(
                    *other_line == 0 || *other_line > *line || tie < from || to < tie,
                    "{tie} crosses {from}..{to}"
                );
            }
        }
    }

    #[test]
    fn labels_that_are_not_needed_do_not_pile_up() {
        let bars: Vec<Labelled> = (0..12)
            .map(|index| (index, 200.0 + f64::from(index) * 14.0))
            .map(|(index, from)| alone(from, from + 10.0, 70.0, index == 0))
            .collect();
        let places = place(&bars, 250.0, 1000.0);
        let lines = places.iter().filter_map(|place| match place {
            Place::Below { line, .. } => Some(line + 1),
            _ => None,
        });
        assert!(lines.max().is_some_and(|lines| lines <= LINES_OF_CONTEXT + 1), "{places:?}");
        assert!(places.contains(&Place::Nowhere), "{places:?}");
        // Near the right edge labels stand left of their ties, where those still to come would cross them.
        let crowded = place(&bars, 250.0, 420.0);
        for (place, bar) in crowded.iter().zip(&bars).skip(1) {
            let Place::Below { line, tie, .. } = place else { continue };
            for (other, label) in crowded.iter().zip(&bars) {
                let Place::Below { line: above, at, .. } = other else { continue };
                let crosses = above < line && *at < *tie && *tie < at + label.label;
                assert!(!crosses, "the tie of {bar:?} crosses {label:?}: {crowded:?}");
            }
        }
        assert!(matches!(places[0], Place::Below { .. }), "the needed one stands: {places:?}");
    }

    #[test]
    fn a_label_of_several_bars_stands_beside_or_below_them() {
        let several = |to: f64| Labelled { alone: false, ..alone(200.0, to, 50.0, false) };
        assert_eq!(place(&[several(300.0)], 100.0, 1000.0), [Place::Beside(306.0)]);
        assert_eq!(
            place(&[alone(550.0, 600.0, 390.0, true)], 300.0, 700.0),
            [Place::Below { line: 0, at: 300.0, tie: 575.0 }]
        );
        assert_eq!(place(&[several(990.0)], 180.0, 1000.0), [Place::Below { line: 0, at: 599.0, tie: 595.0 }]);
    }
}
