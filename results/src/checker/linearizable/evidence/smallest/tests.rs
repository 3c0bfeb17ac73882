//! The steps to a smaller set, on histories that *have* a legal order: none may ever take it away.

use super::*;
use crate::call::{Call, Reply};
use crate::checker::Budget;
use crate::checker::linearizable::entry::entries;
use crate::history::Operation;
use crate::model::Register;
use crate::outcome::Outcome;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Instant;

/// Operations as a register answered them, each at an instant of its own between invocation and return.
fn legal_history(random: &mut ChaCha8Rng) -> Vec<Operation> {
    let values = random.random_range(1..=3);
    let longest_ns = random.random_range(2..40);
    let mut holds = None;
    let mut operations: Vec<Operation> = (0..random.random_range(3..=9_u64))
        .map(|id| {
            let at_ns = 100 + 10 * id;
            let value = random.random_range(1..=values);
            let expect = Some(random.random_range(1..=values));
            let call = match random.random_range(0..10) {
                0..4 => Call::Read { key: 0 },
                4..7 => Call::Write { key: 0, value },
                _ => Call::Cas { key: 0, expect, value },
            };
            let lost = random.random_bool(0.1);
            let reply = match &call {
                Call::Read { .. } => Reply::Read { value: holds, version: None },
                Call::Cas { expect, .. } if *expect != holds => Reply::NotEqual,
                _ => Reply::Written { version: None },
            };
            if reply == (Reply::Written { version: None }) && !lost {
                holds = Some(value);
            }
            let is_open = lost || random.random_bool(0.1);
            let outcome = if is_open { Outcome::Unknown("no answer".into()) } else { Outcome::Ok(reply) };
            let invoked_ns = at_ns - random.random_range(0..longest_ns);
            let returned_ns = Some(at_ns + random.random_range(0..longest_ns));
            Operation { id, process: id, node: "n1".into(), call, due_ns: invoked_ns, invoked_ns, returned_ns, outcome }
        })
        .collect();
    operations.sort_by_key(|operation| (operation.invoked_ns, operation.id));
    operations
}

/// From where the history can be looked at: its beginning, and every quiet moment.
fn beginnings(all: &[Entry]) -> Vec<Beginning<Option<i64>>> {
    let (budget, begun) = (Budget::default(), Instant::now());
    let mut search = Search::new(&Register, all, Reductions::ALL, true);
    assert_eq!(search.run(&mut Meter::new(&Allowance::whole(&budget, begun), u64::MAX)), Ok(Ended::Legal));
    let quiet = search.quiet.iter().map(|quiet| Beginning {
        after_ns: Some(quiet.after_ns),
        states: quiet.states.iter().map(|state| *search.table.state(*state)).collect(),
    });
    std::iter::once(Beginning { after_ns: None, states: vec![None] }).chain(quiet).collect()
}

#[test]
fn no_step_makes_up_a_contradiction() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let (budget, begun) = (Budget { time: std::time::Duration::MAX, ..Budget::default() }, Instant::now());
    let allowance = Allowance::whole(&budget, begun);
    let (mut cuts, mut taken_away, mut refused) = (0, 0, 0);
    for _ in 0..3_000 {
        let operations = legal_history(&mut random);
        let all = entries(&Register, &operations.iter().collect::<Vec<_>>());
        let answered: Vec<usize> = (0..all.len()).filter(|at| all[*at].must).collect();
        for beginning in beginnings(&all) {
            let is_later = |at: &&usize| beginning.after_ns.is_none_or(|after_ns| all[**at].invoked_ns > after_ns);
            let Some(failed) = answered.iter().find(is_later) else { continue };
            cuts += usize::from(beginning.after_ns.is_some());
            let mut shrinking = Shrinking::new(&Register, &all, *failed, beginning, &allowance);
            let mut kept: Vec<usize> = (0..shrinking.entries.len()).collect();
            assert!(!shrinking.contradicts(&kept), "a cut makes it up: {operations:#?}");
            for at in 0..shrinking.entries.len() {
                let rest: Vec<usize> = kept.iter().copied().filter(|other| *other != at).collect();
                if at == shrinking.failed || !(shrinking.only_observes(at) || shrinking.cannot_matter(&[at], &rest)) {
                    refused += 1;
                    continue;
                }
                taken_away += usize::from(!shrinking.only_observes(at));
                kept = rest;
                assert!(!shrinking.contradicts(&kept), "without {:?}: {operations:#?}", shrinking.entries[at]);
            }
        }
    }
    assert!(cuts > 1_000 && taken_away > 1_000 && refused > 1_000, "{cuts} {taken_away} {refused}");
}

/// What a value rests on stays, whatever the search would say of the rest.
#[test]
fn the_cause_of_what_was_seen_stays() {
    let (budget, begun) = (Budget::default(), Instant::now());
    let allowance = Allowance::whole(&budget, begun);
    let written = || Some(Reply::Written { version: None });
    let write = |position, value, at_ns| Entry {
        position,
        invoked_ns: at_ns,
        until_ns: at_ns + 5,
        call: Call::Write { key: 0, value },
        reply: written(),
        must: true,
    };
    let seen = Some(Reply::Read { value: Some(1), version: None });
    let read = Entry { call: Call::Read { key: 0 }, reply: seen, ..write(3, 0, 40) };
    let all = [write(0, 3, 10), write(1, 1, 20), write(2, 2, 30), read];
    let beginning = Beginning { after_ns: None, states: vec![None] };
    let mut shrinking = Shrinking::new(&Register, &all, 3, beginning, &allowance);
    assert!(!shrinking.cannot_matter(&[1], &[0, 2, 3]), "the read rests on the write of 1");
    assert!(shrinking.cannot_matter(&[0], &[1, 2, 3]));
    let small = shrinking.run().unwrap();
    let positions: Vec<usize> = small.entries.iter().map(|entry| entry.position).collect();
    assert_eq!(positions, [1, 2, 3]);
    assert!(small.smallest);
}
