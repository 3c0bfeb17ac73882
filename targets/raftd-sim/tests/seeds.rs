//! Seeds without a planted bug: nothing is broken, and enough happens for that to mean something.

use raftd_sim::run::{Plan, Report, run};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// In the dev profile a seed takes some ten times as long.
const SEEDS: u64 = if cfg!(debug_assertions) { 200 } else { 2000 };

fn play(plan: &Plan) -> Report {
    let report = run(plan, false);
    if let Some(violation) = &report.violation {
        let trace = run(plan, true).trace;
        let lines: Vec<&str> = trace.lines().collect();
        let last = lines[lines.len().saturating_sub(40)..].join("\n");
        panic!("seed {}: {violation}\nagain: {}\nthe last of its trace:\n{last}", plan.seed, plan.command());
    }
    assert!(!report.is_undecided, "seed {}: the history is too hard to judge", plan.seed);
    report
}

#[test]
fn storms_break_nothing() {
    let reports: Vec<Report> = (0..SEEDS).into_par_iter().map(|seed| play(&Plan::storm(seed, None))).collect();
    let sum = |count: fn(&Report) -> usize| reports.iter().map(count).sum::<usize>();
    let seeds = SEEDS as usize;
    // A storm in which nothing happens proves nothing.
    assert!(sum(|report| report.leaders) > 3 * seeds, "{} leaders", sum(|report| report.leaders));
    assert!(sum(|report| report.committed) > 20 * seeds, "{} entries", sum(|report| report.committed));
    assert!(sum(|report| report.answered) > 20 * seeds, "{} answers", sum(|report| report.answered));
}

#[test]
fn fair_weather_breaks_nothing() {
    for seed in 0..SEEDS / 10 {
        let report = play(&Plan::fair(seed, None));
        assert!(report.answered > 50, "seed {seed}: {} answers", report.answered);
    }
}

#[test]
fn a_seed_tells_the_same_story_each_time() {
    for seed in 0..10 {
        let plan = Plan::storm(seed, None);
        let (once, again) = (run(&plan, true), run(&plan, true));
        assert_eq!(once, again, "seed {seed}");
        assert!(once.trace.lines().count() > 100, "seed {seed} has a trace");
        assert_eq!(Report { trace: String::new(), ..once }, run(&plan, false), "seed {seed}, without a trace");
    }
}
