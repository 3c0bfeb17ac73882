//! In how many of several runs something came back, and what that count is worth.

use serde::Serialize;

/// So many of so many, with what is known of the chance behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// The runs in which it came back.
    pub hits: u32,
    /// All runs that were judged.
    pub runs: u32,
    /// The bounds of the chance, from 0 to 1, with a confidence of 95 %; see [`wilson`].
    pub confidence_95: (f64, f64),
}

impl Rate {
    /// `hits` of `runs`.
    pub fn of(hits: u32, runs: u32) -> Rate {
        Rate { hits, runs, confidence_95: wilson(hits, runs) }
    }
}

/// The quantile of the normal distribution behind a confidence of 95 % on both sides.
const Z: f64 = 1.959_964;

/// The score interval of a proportion at 95 % (Wilson, *Probable inference, the law of succession, and statistical inference*,
/// 1927): sound for few runs too, and for none and all of them. Of no runs nothing is known.
pub fn wilson(hits: u32, runs: u32) -> (f64, f64) {
    if runs == 0 {
        return (0.0, 1.0);
    }
    let (n, p) = (f64::from(runs), f64::from(hits) / f64::from(runs));
    let middle = p + Z * Z / (2.0 * n);
    let width = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - width) / scale).max(0.0), ((middle + width) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_known_counts() {
        // Hits, runs, and the bounds in tenths of a per cent, worked out by hand.
        for (hits, runs, low, high) in
            [(0, 10, 0, 278), (5, 10, 237, 763), (10, 10, 722, 1000), (1, 1, 207, 1000), (0, 0, 0, 1000)]
        {
            let (least, most) = wilson(hits, runs);
            assert_eq!(((least * 1e3).round() as i64, (most * 1e3).round() as i64), (low, high), "{hits} of {runs}");
        }
    }
}
