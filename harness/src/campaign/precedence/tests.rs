//! Which of several things decides what a campaign comes to.

use super::*;
use crate::campaign::file::Expect;
use crate::plan::Wishes;
use Standing::{Caught, Failed, Invalid, NotRun, Uncaught, Unknown, Valid};

fn case(number: usize, least: usize, of: usize) -> Case {
    let control = Control { number: 1, name: "old reads".into(), least, of };
    let text = String::new;
    Case {
        number,
        target: text(),
        workload: text(),
        faults: text(),
        nodes: 3,
        seed: 1,
        expect: Expect::Invalid,
        control: Some(control),
        plan: Wishes::default(),
    }
}

/// How a control stands of which so many must be caught, and the campaign with it.
#[track_caller]
fn control(least: usize, cases: &[Standing], shard: Option<Shard>, expected: ControlStanding, exit: Exit) {
    let all: Vec<Case> = (1..=cases.len()).map(|number| case(number, least, cases.len())).collect();
    let controls = controls(all.iter().zip(cases.iter().copied()), shard);
    assert_eq!(controls[0].standing, expected, "{cases:?}");
    let own = all.iter().zip(cases).filter(|(case, _)| case.is_of(shard)).map(|(_, standing)| *standing);
    assert_eq!(Exit::from(result(own, &controls)), exit, "{cases:?}");
}

#[test]
fn a_control_must_be_caught_so_often() {
    use ControlStanding::{Elsewhere, Missed, Open, Seen};
    control(2, &[Caught, Uncaught, Caught], None, Seen, Exit::Valid);
    control(2, &[Caught, Uncaught, Uncaught], None, Missed, Exit::MissedControl);
    control(2, &[Uncaught, Uncaught, NotRun], None, Missed, Exit::MissedControl);
    control(2, &[Caught, Uncaught, NotRun], None, Open, Exit::Unknown);
    control(1, &[Caught, NotRun, NotRun], None, Seen, Exit::Unknown);
    control(2, &[Caught, Uncaught, Failed], None, Open, Exit::Failed);
    // The other shard has the second and the fourth case.
    let one = Some(Shard { number: 1, of: 2 });
    control(3, &[Caught, NotRun, Uncaught, NotRun], one, Elsewhere, Exit::Valid);
    control(4, &[Caught, NotRun, Uncaught, NotRun], one, Missed, Exit::MissedControl);
    control(1, &[Caught, NotRun, Uncaught, NotRun], one, Seen, Exit::Valid);
    control(3, &[Caught, NotRun, NotRun, NotRun], one, Elsewhere, Exit::Unknown);
}

#[test]
fn the_worst_decides() {
    let missed = |least| {
        let cases = [case(1, least, 1)];
        controls(cases.iter().zip([Uncaught]), None)
    };
    let exit =
        |standings: &[Standing], controls: &[ControlOutcome]| Exit::from(result(standings.iter().copied(), controls));
    let all = [Valid, Caught, Uncaught, Unknown, NotRun, Failed, Invalid];
    assert_eq!(exit(&all, &missed(1)), Exit::Invalid);
    assert_eq!(exit(&all[..6], &missed(1)), Exit::Failed);
    assert_eq!(exit(&all[..5], &missed(1)), Exit::MissedControl);
    assert_eq!(exit(&all[..5], &[]), Exit::Unknown);
    assert_eq!(exit(&all[..4], &[]), Exit::Unknown);
    assert_eq!(exit(&all[..3], &[]), Exit::Valid);
    assert_eq!(exit(&[], &[]), Exit::Unknown, "nothing happened");
}
