//! Transactions on lists and registers: what each rule finds, and brute-force twins that decide.

mod golden;
mod random;
mod twin;

use random::History as Made;
use squall_results::checker::transactions::Objects;
use squall_results::{Budget, Level, Validity, Verdict, models};

/// What the checker says of a history at a level.
fn judge(made: &squall_results::History, objects: Objects, level: Level) -> Verdict {
    use squall_results::Checker;
    squall_results::checker::transactions::Transactions { objects, level }.check(made, &Budget::default())
}

/// Whether any list has several appends that nobody saw: their order is open, and so may be what snapshot isolation says.
fn has_open_order(made: &Made) -> bool {
    let seen = |key: usize, element: i64| made.reads().any(|(read, found)| read == key && found.contains(&element));
    (0..made.keys).any(|key| {
        let unseen = made.appends().filter(|(other, element)| *other == key && !seen(key, *element));
        unseen.count() > 1
    })
}

/// The checker and its twin say the same of small histories with whatever anomalies, at every level.
#[test]
fn lists_as_the_twin_has_them() {
    let (mut valid, mut invalid) = (0, 0);
    for seed in 0..4_000 {
        let made = random::make(seed);
        let history = made.as_lists();
        for level in Level::all() {
            let verdict = judge(&history, Objects::Lists, level);
            let Some(expected) = twin::keeps(&made, level, Objects::Lists) else { continue };
            let found = verdict.validity != Validity::Invalid;
            if found && !expected && has_open_order(&made) {
                continue;
            }
            assert_eq!(found, expected, "seed {seed} at {level}: {}\n{made}", verdict.reason);
            *(if found { &mut valid } else { &mut invalid }) += 1;
        }
    }
    assert!(valid > 5_000 && invalid > 5_000, "{valid} valid, {invalid} invalid: the histories are too much alike");
}

/// Of registers less is known: what is found is there, and most of what is there is found.
#[test]
fn registers_accuse_nobody_wrongly() {
    let (mut found, mut missed) = (0, 0);
    for seed in 0..4_000 {
        let made = random::make(seed);
        let history = made.as_registers();
        for level in Level::all().filter(|level| level.base >= squall_results::isolation::Base::SnapshotIsolation) {
            let verdict = judge(&history, Objects::Registers, level);
            let Some(keeps) = twin::keeps(&made, level, Objects::Registers) else { continue };
            let accuses = verdict.validity == Validity::Invalid;
            assert!(!(accuses && keeps), "seed {seed} at {level}: {}\n{made}", verdict.reason);
            found += usize::from(accuses);
            missed += usize::from(!accuses && !keeps);
        }
    }
    assert!(found > 2 * missed, "{found} found, {missed} missed");
}

/// Models by name lead here, at the strongest level unless somebody says otherwise.
#[test]
fn the_models_judge_at_the_level_that_was_asked_for() {
    for (name, objects) in [("list-append", Objects::Lists), ("rw-register", Objects::Registers)] {
        let made = random::make(7);
        let history = if objects == Objects::Lists { made.as_lists() } else { made.as_registers() };
        let level = Level::STRICT_SERIALIZABLE;
        for asked in [None, Some(level)] {
            let options = models::ModelOptions { level: asked, ..models::ModelOptions::default() };
            let checker = models::find(name).unwrap().make(&options).unwrap();
            let (found, direct) = (checker.check(&history, &Budget::default()), judge(&history, objects, level));
            assert_eq!(found, direct, "{name}");
        }
    }
}
