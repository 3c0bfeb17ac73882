//! What is wrong with a clock as a pure function of the instant: how much is to be added to what it truly shows.
//!
//! The function is made of up to [`PIECES`] straight pieces, and a strobe that comes and goes. The patched process computes the
//! same from the same numbers (`stub.rs`), which a test holds it to.

use std::array;

/// How many pieces there can be: the one in force, one that was meant to follow, and two of a way back.
pub const PIECES: usize = 4;

/// A change that is to be smooth begins so much later than it is published, so that by then nobody has seen an instant after
/// its beginning, even where whoever publishes it is held up.
pub const NOTICE_NS: i64 = 100_000_000;

/// How far coarse clocks may lag behind, at most: they tick a hundred times a second, or more often.
pub const LAG_NS: i64 = 20_000_000;

/// How fast the monotonic clock returns to the truth: it gains or loses half of the time that passes.
const RETURN_PPM: i64 = 500_000;

/// A straight piece: from `start_ns` on, `offset_ns` and what has been gained since at `rate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The first instant of the piece, as the true clock shows it.
    pub start_ns: i64,
    /// What is added at its start.
    pub offset_ns: i64,
    /// What is gained, in units of 2^-32 a nanosecond.
    pub rate: i64,
}

/// What is wrong with one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// What is added in every second stretch of a strobe.
    pub strobe_by_ns: i64,
    /// How long each stretch lasts; 0: there is no strobe.
    pub strobe_every_ns: i64,
    /// In the order of their starts; those that are not used start at the end of time.
    pub pieces: [Piece; PIECES],
}

/// What is wrong with the clocks of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Courses {
    /// `CLOCK_REALTIME` and what follows it.
    pub wall: Course,
    /// `CLOCK_MONOTONIC` and what follows it.
    pub monotonic: Course,
}

/// The rate of so many millionths.
pub fn rate_of_ppm(ppm: i64) -> i64 {
    ((i128::from(ppm) << 32) / 1_000_000) as i64
}

impl Piece {
    const NEVER: Piece = Piece { start_ns: i64::MAX, offset_ns: 0, rate: 0 };

    /// The truth, from the beginning of time.
    pub const TRUE: Piece = Piece { start_ns: i64::MIN, offset_ns: 0, rate: 0 };

    fn shift_at(&self, at_ns: i64) -> i64 {
        // Wraps as the processor does: a piece from the beginning of time has the rate 0.
        let gained = i128::from(at_ns.wrapping_sub(self.start_ns)) * i128::from(self.rate);
        self.offset_ns.wrapping_add((gained >> 32) as i64)
    }
}

impl Course {
    /// A clock that is right.
    pub const TRUE: Course = Course::of(Piece::TRUE);

    /// One piece for all time.
    pub const fn of(piece: Piece) -> Course {
        let mut pieces = [Piece::NEVER; PIECES];
        pieces[0] = piece;
        Course { strobe_by_ns: 0, strobe_every_ns: 0, pieces }
    }

    /// What is added to an instant.
    pub fn shift_at(&self, at_ns: i64) -> i64 {
        let piece = self.pieces.iter().rev().find(|piece| at_ns >= piece.start_ns).unwrap_or(&self.pieces[0]);
        let odd = self.strobe_every_ns != 0 && (at_ns as u64 / self.strobe_every_ns as u64) % 2 == 1;
        piece.shift_at(at_ns).wrapping_add(if odd { self.strobe_by_ns } else { 0 })
    }

    /// The same until `start_ns`, then `later`, whose first piece starts there. Pieces that are over by `now_ns` are
    /// forgotten. There is room when the last change had begun by then: one piece in force, one that ends its way back.
    fn then<const N: usize>(&self, now_ns: i64, start_ns: i64, later: [Piece; N]) -> Course {
        let used = self.pieces.iter().filter(|piece| piece.start_ns < start_ns);
        let begun = used.clone().take_while(|piece| piece.start_ns <= now_ns - LAG_NS).count();
        let mut pieces = used.skip(begun.saturating_sub(1)).copied().chain(later);
        Course { pieces: array::from_fn(|_| pieces.next().unwrap_or(Piece::NEVER)), ..*self }
    }

    /// The same until `start_ns`; from then on it gains at `rate`.
    #[must_use]
    pub fn then_gaining(&self, now_ns: i64, start_ns: i64, rate: i64) -> Course {
        let offset_ns = self.shift_at(start_ns);
        self.then(now_ns, start_ns, [Piece { start_ns, offset_ns, rate }])
    }

    /// The same until `start_ns`; from then on it runs slower or faster until it is right, and stays so. The second value is
    /// the instant from which on it is right.
    #[must_use]
    pub fn then_returning(&self, now_ns: i64, start_ns: i64) -> (Course, i64) {
        let offset_ns = self.shift_at(start_ns);
        let rate = rate_of_ppm(-RETURN_PPM * offset_ns.signum());
        // Half of the time is gained or lost, so it takes twice the offset.
        let end_ns = start_ns + 2 * offset_ns.abs();
        let back = Piece { start_ns, offset_ns, rate };
        (self.then(now_ns, start_ns, [back, Piece { start_ns: end_ns, ..Piece::TRUE }]), end_ns)
    }
}

impl Courses {
    /// Clocks that are right.
    pub const TRUE: Courses = Courses { wall: Course::TRUE, monotonic: Course::TRUE };
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    /// The clock grows with every step of the true one, by about what the rates allow.
    fn assert_it_never_goes_back(course: &Course, from_ns: i64, to_ns: i64) {
        for step_ns in [1, 977, 1_000_003] {
            let mut before = from_ns + course.shift_at(from_ns);
            for at_ns in (from_ns..to_ns).step_by(step_ns).skip(1).take(200_000) {
                let now = at_ns + course.shift_at(at_ns);
                assert!(now >= before && now - before <= 4 * step_ns as i64, "{course:?} at {at_ns}");
                before = now;
            }
        }
    }

    #[test]
    fn a_way_out_and_back_is_smooth_and_ends_at_the_truth() {
        for ppm in [1, -1, 10_000, -300_000, 1_000_000, -900_000] {
            let start_ns = 7 * SECOND + 123_456_789;
            let out = Course::TRUE.then_gaining(start_ns - NOTICE_NS, start_ns, rate_of_ppm(ppm));
            assert_eq!(out.shift_at(start_ns), 0);
            let gained = out.shift_at(start_ns + SECOND);
            assert!((gained - ppm * 1_000).abs() <= 1, "{gained} at {ppm} ppm");
            let turn_ns = start_ns + SECOND / 2;
            // Also when the next change comes before the last has begun.
            for now_ns in [start_ns - NOTICE_NS, turn_ns - NOTICE_NS] {
                let (back, end_ns) = out.then_returning(now_ns, turn_ns);
                assert_eq!(back.shift_at(start_ns + 5), out.shift_at(start_ns + 5), "what was, stays as it was");
                assert_eq!(back.shift_at(turn_ns), out.shift_at(turn_ns));
                assert!([end_ns, end_ns + 1, end_ns + 9 * SECOND].iter().all(|at| back.shift_at(*at) == 0));
                for turn in [start_ns, turn_ns, end_ns] {
                    assert_it_never_goes_back(&back, turn - 1_000_000, turn + 1_000_000);
                }
                // A new drift on the way back.
                let again = back.then_gaining(end_ns - NOTICE_NS, end_ns - 1_000, rate_of_ppm(-ppm));
                assert_it_never_goes_back(&again, turn_ns - 1_000, end_ns + 1_000_000);
            }
        }
    }

    #[test]
    fn a_strobe_comes_and_goes() {
        let course = Course { strobe_by_ns: -7, strobe_every_ns: 10, ..Course::TRUE };
        let shifts: Vec<i64> = (0..40).step_by(5).map(|at| course.shift_at(at)).collect();
        assert_eq!(shifts, [0, 0, -7, -7, 0, 0, -7, -7]);
    }

    #[test]
    fn a_jump_is_the_same_at_all_times() {
        let course = Course::of(Piece { offset_ns: -3_600 * SECOND, ..Piece::TRUE });
        for at_ns in [i64::MIN, -1, 0, 1, 1_700_000_000 * SECOND, i64::MAX - 1] {
            assert_eq!(course.shift_at(at_ns), -3_600 * SECOND);
        }
    }
}
