//! Whatever stands in a plan, a campaign or a history: squall says what is wrong with it, or carries on; it never panics, and it runs
//! away neither in time nor in memory.
//!
//! Each case is made from its seed: a text that is right, changed in a few places. The tests play some; minutes of it:
//!
//!     cargo test --release -p squall --test readers -- --ignored --nocapture
//!
//! A case that fails is saved, and `SQUALL_SEED=N` in front of the command begins with it.

mod campaigns;
mod fuzz;
mod histories;
mod mutation;
mod plans;

use fuzz::{Until, fuzz};
use std::time::Duration;

#[test]
fn histories_by_fixed_seeds() {
    fuzz("history", 0, Until::Cases(400), histories::make, histories::read_judge_and_draw);
}

#[test]
fn plans_by_fixed_seeds() {
    fuzz("plan", 0, Until::Cases(1000), plans::make, plans::read_and_resolve);
}

#[test]
fn campaigns_by_fixed_seeds() {
    fuzz("campaign", 0, Until::Cases(400), campaigns::make, campaigns::read_and_expand);
}

fn first() -> u64 {
    std::env::var("SQUALL_SEED").map_or_else(|_| squall::seed::fresh() << 20, |seed| seed.parse().expect("a number"))
}

#[test]
#[ignore = "takes three minutes; ./check --long runs it"]
fn histories_for_minutes() {
    fuzz("history", first(), Until::Over(Duration::from_secs(180)), histories::make, histories::read_judge_and_draw);
}

#[test]
#[ignore = "takes two minutes; ./check --long runs it"]
fn plans_for_minutes() {
    fuzz("plan", first(), Until::Over(Duration::from_secs(120)), plans::make, plans::read_and_resolve);
}

#[test]
#[ignore = "takes a minute; ./check --long runs it"]
fn campaigns_for_a_minute() {
    fuzz("campaign", first(), Until::Over(Duration::from_secs(60)), campaigns::make, campaigns::read_and_expand);
}
