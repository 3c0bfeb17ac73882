//! Kills at moments that are drawn.

use crate::common::{Squall, one_at_a_time};
use crate::killing::{kill, machine, told};
use rand::RngExt;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Runs of the long test; one that had ended before its moment came does not count.
const RUNS: usize = 20;

/// When kills come, in milliseconds since the start: mostly anywhere, but often while squall and the cluster begin, and
/// while the final reads, the verdict and the report are made.
const MOMENTS_MS: [Range<u64>; 4] = [0..300, 0..5_600, 0..5_600, 5_300..5_700];

#[test]
#[ignore = "takes two minutes; ./check --long runs it"]
fn at_random_moments_of_twenty_runs() {
    let _alone = one_at_a_time();
    let seed =
        std::env::var("SQUALL_SEED").map_or_else(|_| squall::seed::fresh(), |seed| seed.parse().expect("a number"));
    println!("seed {seed}; SQUALL_SEED={seed} draws the same moments");
    let mut rng = squall::seed::stream(seed, "kills");
    let mut killed = 0;
    while killed < RUNS {
        let Range { start, end } = MOMENTS_MS[killed % MOMENTS_MS.len()];
        let at = Duration::from_micros(rng.random_range(start * 1_000..end * 1_000));
        let plan = rng.random_range(0..1_000_000_000).to_string();
        let (squall, before) = (Squall::new(), machine());
        let begin = Instant::now();
        let mut running = squall.start(&["test", "--time-limit", "5s", "--seed", &plan]);
        while begin.elapsed() < at && running.goes_on() {
            std::thread::sleep(Duration::from_millis(1).min(at.saturating_sub(begin.elapsed())));
        }
        if !running.goes_on() {
            let run = running.finish();
            assert!([Some(0), Some(2)].contains(&run.status), "{}\n{}", run.stdout, run.stderr);
            continue;
        }
        killed += 1;
        let (history, status) = kill(&squall, running, &before);
        let told = history.map_or("nothing recorded".into(), |history| told(&history));
        println!("{killed:>3}  {:>7.1} ms, plan {plan:>9}: {told}; status {status}", at.as_secs_f64() * 1e3);
    }
}
