//! Fewer points that look the same: what would fall on the same spot is drawn once, and extremes always stay.

/// A point of a plot: time and value.
pub(crate) type Point = (f64, f64);

/// How many columns the time axis is divided into to keep the extremes of each.
const COLUMNS: usize = 150;

/// Chooses at most `most` of `points`, which lie in order of time between 0 and `end`. The least and the greatest
/// value of each of the [`COLUMNS`] columns of time always stay (so `most` must be at least twice their number; less
/// counts as that); the rest is thinned out evenly.
pub(crate) fn thin_out(points: &[Point], end: f64, most: usize) -> Vec<Point> {
    let most = most.max(2 * COLUMNS);
    if points.len() <= most {
        return points.to_vec();
    }
    let extreme = extremes(points, end);
    let kept = extreme.iter().filter(|keep| **keep).count();
    let (ordinary, room) = (points.len() - kept, most - kept);
    let mut seen = 0;
    let keep = |(index, point): (usize, &Point)| {
        if extreme[index] {
            return Some(*point);
        }
        // Bresenham's rule: `room` of `ordinary`, spread evenly.
        seen += 1;
        (seen * room / ordinary > (seen - 1) * room / ordinary).then_some(*point)
    };
    points.iter().enumerate().filter_map(keep).collect()
}

fn extremes(points: &[Point], end: f64) -> Vec<bool> {
    let column_of = |at: f64| ((at / end * COLUMNS as f64) as usize).min(COLUMNS - 1);
    let mut least_and_greatest: Vec<Option<(usize, usize)>> = vec![None; COLUMNS];
    for (index, (at, value)) in points.iter().enumerate() {
        let column = &mut least_and_greatest[column_of(*at)];
        let (least, greatest) = column.unwrap_or((index, index));
        let least = if *value < points[least].1 { index } else { least };
        let greatest = if *value > points[greatest].1 { index } else { greatest };
        *column = Some((least, greatest));
    }
    let mut extreme = vec![false; points.len()];
    for (least, greatest) in least_and_greatest.into_iter().flatten() {
        extreme[least] = true;
        extreme[greatest] = true;
    }
    extreme
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_stay_and_the_number_is_kept() {
        let mut points: Vec<Point> = (0..50_000).map(|index| (index as f64, 10.0 + (index % 7) as f64)).collect();
        for spike in [3, 17_777, 49_999] {
            points[spike].1 = 1e6 + spike as f64;
        }
        points[25_001].1 = 0.5;
        let few = thin_out(&points, 50_000.0, 1000);
        assert_eq!(few.len(), 1000);
        for wanted in [3, 17_777, 25_001, 49_999] {
            assert!(few.contains(&points[wanted]), "point {wanted} is lost");
        }
        assert!(few.is_sorted_by(|one, next| one.0 < next.0));
        let longest_hole = few.windows(2).map(|pair| (pair[1].0 - pair[0].0) as u64).max();
        assert!(longest_hole < Some(200), "{longest_hole:?}");
    }

    #[test]
    fn few_points_stay_as_they_are() {
        let points = vec![(0.0, 1.0), (1.0, 2.0), (1.0, 2.0)];
        assert_eq!(thin_out(&points, 1.0, 1000), points);
    }
}
