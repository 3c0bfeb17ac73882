//! The time axis of an anomaly: to scale where that can be read, else stretched piece by piece.
//!
//! Between two neighbouring instants (invocations and returns) time is always to scale. When the shortest bars would
//! vanish, each such piece gets a length in proportion to its duration, but no less than a readable least and no more
//! than a greatest; pieces that were shortened that way are marked with a double stroke.

use crate::plots::drawing::{Pen, number, text_width};
use crate::plots::timeline::round_step;
use crate::verdict::{AnomalyOperation, Role};
use std::ops::Range;

/// To scale, the shortest bar must be this long.
const SHORTEST_BAR: f64 = 26.0;
/// The least length of a piece that is stretched, if there is room.
const LEAST_PIECE: f64 = 16.0;
/// A piece is marked as shortened if its scale is this many times below that of the others.
const MARKED_BELOW: f64 = 0.7;
const LABEL_GAP: f64 = 14.0;

/// Maps instants to places.
#[derive(Debug)]
pub(super) struct Axis {
    /// Instants and their places, both growing; at least two.
    knots: Vec<(u64, f64)>,
    /// The pieces (by the knot they begin with) that were shortened.
    shortened: Vec<usize>,
    to_scale: bool,
    /// Instants worth a label, the most important first.
    worth_a_label: Vec<u64>,
    /// Where bars end that have no return.
    edge: f64,
}

impl Axis {
    /// An axis from `left` to `right` on which the bars of `operations` can be told apart; bars without a return reach
    /// `edge`. Where time is stretched, each bar gets at least the width that `wanted` asks for, as far as that is
    /// possible.
    pub(super) fn of(
        operations: &[&AnomalyOperation],
        (left, right, edge): (f64, f64, f64),
        wanted: impl Fn(&AnomalyOperation) -> f64,
    ) -> Axis {
        let ends =
            |drawn: &&AnomalyOperation| [Some(drawn.operation.invoked_ns), closing_ns(drawn)].into_iter().flatten();
        let mut instants: Vec<u64> = operations.iter().flat_map(ends).collect();
        instants.sort_unstable();
        instants.dedup();
        match instants.len() {
            0 => instants = vec![0, 1],
            1 => instants.push(instants[0] + 1),
            _ => {}
        }
        let total_ns = (instants[instants.len() - 1] - instants[0]) as f64;
        let durations = operations.iter().filter_map(|drawn| Some(closing_ns(drawn)? - drawn.operation.invoked_ns));
        let shortest =
            durations.min().map_or(right - left, |shortest_ns| shortest_ns as f64 / total_ns * (right - left));
        let to_scale = shortest >= SHORTEST_BAR;
        let pieces: Vec<f64> = instants.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
        let (lengths, shortened) = if to_scale {
            (pieces.iter().map(|piece| piece / total_ns * (right - left)).collect(), Vec::new())
        } else {
            let wishes = operations.iter().map(|drawn| (drawn.operation.invoked_ns, closing_ns(drawn), wanted(drawn)));
            let place = |at_ns: u64| instants.partition_point(|instant| *instant < at_ns);
            let wishes: Vec<(Range<usize>, f64)> = wishes
                .filter_map(|(from_ns, to_ns, width)| Some((place(from_ns)..place(to_ns?), width)))
                .filter(|(_, width)| *width > 0.0)
                .collect();
            stretched(&pieces, right - left, &wishes)
        };
        let mut place = left;
        let mut knots = vec![(instants[0], left)];
        for (instant, length) in instants[1..].iter().zip(lengths) {
            place += length;
            knots.push((*instant, place));
        }
        Axis { knots, shortened, to_scale, worth_a_label: worth_a_label(operations), edge }
    }

    /// Where it begins.
    pub(super) fn left(&self) -> f64 {
        self.knots[0].1
    }

    /// Where bars end that have no return.
    pub(super) fn edge(&self) -> f64 {
        self.edge
    }

    /// The first instant.
    pub(super) fn first_ns(&self) -> u64 {
        self.knots[0].0
    }

    /// The last instant.
    pub(super) fn last_ns(&self) -> u64 {
        self.knots[self.knots.len() - 1].0
    }

    /// Where an instant lies; what is outside lies at the nearer end.
    pub(super) fn x(&self, at_ns: u64) -> f64 {
        let after = self.knots.partition_point(|(instant, _)| *instant <= at_ns);
        if after == 0 {
            return self.knots[0].1;
        }
        let (from_ns, from) = self.knots[after - 1];
        let Some((to_ns, to)) = self.knots.get(after).copied() else { return from };
        from + (at_ns - from_ns) as f64 / (to_ns - from_ns) as f64 * (to - from)
    }

    /// What the reader must know about the scale.
    pub(super) fn note(&self) -> Option<&'static str> {
        match (self.to_scale, self.shortened.is_empty()) {
            (true, _) => None,
            (false, true) => Some("Time is not to scale: short steps are stretched."),
            (false, false) => Some("Time is not to scale: short steps are stretched, // marks shortened ones."),
        }
    }

    /// Draws labels below `bottom`, faint lines up to `top`, the marks of shortened pieces.
    pub(super) fn draw(&self, pen: &mut Pen, top: f64, bottom: f64) {
        let ticks_ns = if self.to_scale { self.round_ticks_ns() } else { self.worth_a_label.clone() };
        let decimals = self.decimals(&ticks_ns);
        let mut taken: Vec<(f64, f64)> =
            self.shortened.iter().map(|piece| self.middle(*piece)).map(|x| (x - 8.0, x + 8.0)).collect();
        for at_ns in ticks_ns {
            let x = self.x(at_ns);
            let label = seconds(at_ns, decimals);
            let half = text_width(&label, 11.0) / 2.0;
            if taken.iter().all(|(from, to)| x + half + LABEL_GAP < *from || *to < x - half) {
                pen.line((x, top), (x, bottom), "sq-grid");
                pen.line((x, bottom), (x, bottom + 4.0), "sq-axis");
                pen.text(x, bottom + 17.0, "sq-soft sq-small sq-mid", &label);
                taken.push((x - half - LABEL_GAP, x + half + LABEL_GAP));
            }
        }
        for piece in &self.shortened {
            let x = self.middle(*piece);
            let (low, high) = (number(bottom + 5.0), number(bottom - 5.0));
            let [a, b, c, d] = [x - 4.0, x, x + 1.0, x + 5.0].map(number);
            pen.path(&format!("M{a} {low}L{b} {high}M{c} {low}L{d} {high}"), "sq-cut");
        }
    }

    fn middle(&self, piece: usize) -> f64 {
        (self.knots[piece].1 + self.knots[piece + 1].1) / 2.0
    }

    fn round_ticks_ns(&self) -> Vec<u64> {
        let step_ns = round_step((self.last_ns() - self.first_ns()) as f64 / 8.0).max(1.0) as u64;
        (self.first_ns().div_ceil(step_ns)..=self.last_ns() / step_ns).map(|index| index * step_ns).collect()
    }

    /// Milliseconds, or as many decimals more as the labels need to differ.
    fn decimals(&self, ticks_ns: &[u64]) -> usize {
        let mut sorted = ticks_ns.to_vec();
        sorted.sort_unstable();
        let closest_ns =
            sorted.windows(2).map(|pair| pair[1] - pair[0]).filter(|ns| *ns > 0).min().unwrap_or(1_000_000);
        match closest_ns {
            1_000_000.. => 3,
            100_000.. => 4,
            10_000.. => 5,
            _ => 6,
        }
    }
}

/// An instant in seconds; further decimals are cut off, as in the words of the checkers.
pub(super) fn seconds(at_ns: u64, decimals: usize) -> String {
    let unit_ns = 10_u64.pow(9 - decimals.min(9) as u32);
    let second = 1_000_000_000 / unit_ns;
    let units = at_ns / unit_ns;
    format!("{}.{:0decimals$} s", units / second, units % second)
}

/// The instant at which a bar ends; `None`: it runs on, since nobody knows when it takes effect.
pub(super) fn closing_ns(drawn: &AnomalyOperation) -> Option<u64> {
    if drawn.operation.outcome.is_unknown() { None } else { drawn.operation.returned_ns }
}

/// The ends of the operations that matter first.
fn worth_a_label(operations: &[&AnomalyOperation]) -> Vec<u64> {
    let mut instants = Vec::new();
    for role in [Role::Contradiction, Role::Witness, Role::Context] {
        for drawn in operations.iter().filter(|drawn| drawn.role == role) {
            instants.extend([Some(drawn.operation.invoked_ns), closing_ns(drawn)].into_iter().flatten());
        }
    }
    instants
}

/// The length of each piece, `width` in all, and which were shortened. `wishes` are runs of pieces that would together
/// have at least a certain length; they are granted up to a third of the width.
fn stretched(pieces: &[f64], width: f64, wishes: &[(Range<usize>, f64)]) -> (Vec<f64>, Vec<usize>) {
    let fair = width / pieces.len() as f64;
    let (least, greatest) = (LEAST_PIECE.min(fair * 0.6), (fair * 3.0).min(width * 0.6));
    let mut leasts = vec![least; pieces.len()];
    let wished: f64 = wishes.iter().map(|(_, wish)| wish).sum();
    let granted = if wished > width / 3.0 { width / 3.0 / wished } else { 1.0 };
    for (run, wish) in wishes {
        let share = wish * granted / run.len().max(1) as f64;
        leasts[run.clone()].iter_mut().for_each(|least| *least = least.max(share));
    }
    let length = |(piece, least): (&f64, &f64), scale: f64| (piece * scale).min(greatest).max(*least);
    let lengths_at = |scale: f64| pieces.iter().zip(&leasts).map(move |both| length(both, scale));
    // The sum grows with the scale: halve the range until it fits.
    let (mut low, mut high) = (0.0, width / pieces.iter().copied().fold(f64::INFINITY, f64::min).max(1.0));
    for _ in 0..200 {
        let scale = (low + high) / 2.0;
        if lengths_at(scale).sum::<f64>() < width { low = scale } else { high = scale }
    }
    let lengths: Vec<f64> = lengths_at(high).collect();
    let rest = width / lengths.iter().sum::<f64>();
    let shortened = pieces.iter().enumerate().filter(|(_, piece)| greatest < **piece * high * MARKED_BELOW);
    (lengths.iter().map(|length| length * rest).collect(), shortened.map(|(index, _)| index).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_fill_the_width_and_shortened_ones_are_named() {
        // 1 ms steps around an idle second: the second must not eat the picture.
        let pieces = [1e6, 2e6, 1e9, 1e6, 3e6];
        let (lengths, shortened) = stretched(&pieces, 900.0, &[]);
        assert!((lengths.iter().sum::<f64>() - 900.0).abs() < 1e-6, "{lengths:?}");
        assert!(lengths.iter().all(|length| *length >= LEAST_PIECE), "{lengths:?}");
        assert!(lengths[4] > lengths[0] && lengths[2] >= lengths[4], "longer stays longer: {lengths:?}");
        assert_eq!(shortened, vec![2]);
    }

    #[test]
    fn decimals_are_cut_off() {
        assert_eq!(seconds(2_123_999_900, 6), "2.123999 s");
        assert_eq!(seconds(12_000_999_999, 3), "12.000 s");
    }

    #[test]
    fn sixty_pieces_still_fit() {
        let pieces: Vec<f64> =
            (0..60).map(|index| if index % 9 == 0 { 5e8 } else { 1e3 * (1 + index) as f64 }).collect();
        let (lengths, _) = stretched(&pieces, 900.0, &[]);
        assert!((lengths.iter().sum::<f64>() - 900.0).abs() < 1e-6);
        assert!(lengths.iter().all(|length| *length > 5.0), "{lengths:?}");
    }

    #[test]
    fn wishes_are_granted_within_reason() {
        let pieces = [1e6, 2e6, 1e9, 1e6, 3e6];
        let together = |wish: f64| {
            let (lengths, _) = stretched(&pieces, 900.0, &[(0..2, wish)]);
            assert!((lengths.iter().sum::<f64>() - 900.0).abs() < 1e-6, "{lengths:?}");
            lengths[0] + lengths[1]
        };
        assert!(together(0.0) < 200.0 && together(250.0) >= 249.9, "{} {}", together(0.0), together(250.0));
        assert!((299.9..350.0).contains(&together(5_000.0)), "not more than a third: {}", together(5_000.0));
    }
}
