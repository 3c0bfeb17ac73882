//! Banks: what the model allows, the checker of totals allows too; and what tears a read.

use crate::random::{Random, by_invocation, plan};
use squall_results::call::{Account, Call, Reply};
use squall_results::checker::bank::{Totals, Transactions};
use squall_results::checker::linearizable::Linearizable;
use squall_results::event::{Phase, PhaseName};
use squall_results::model::{Bank, Model};
use squall_results::{Budget, Checker, History, Operation, Outcome, Promise, Validity};
use std::collections::BTreeMap;

fn random_call(random: &mut Random, id: u64) -> Call {
    let from = random.below(3) as Account;
    match random.below(10) {
        _ if id == 0 => Call::Open { key: 0, balances: vec![5, 5, 5] },
        0 => Call::Open { key: 0, balances: vec![5, 5, 5] },
        1..6 => Call::Transfer { key: 0, from, to: (from + 1) % 3, amount: 1 + random.below(4) as i64 },
        _ => Call::Accounts { key: 0 },
    }
}

/// What a bank answers at this moment, and what it holds then.
fn answer(state: &[i64], call: &Call) -> (Reply, Vec<i64>) {
    let balances = (0..).zip(state.iter().copied()).collect();
    let replies = [Reply::Opened, Reply::NotEqual, Reply::Transferred, Reply::TooLittle, Reply::Accounts { balances }];
    let legal = replies.into_iter().find_map(|reply| {
        let after = Bank.step(&state.to_vec(), call, Some(&reply)).ok()?;
        Some((reply, after))
    });
    legal.expect("a bank has an answer to everything")
}

fn random_history(random: &mut Random, wrong: bool) -> Vec<Operation> {
    let count = 3 + random.below(12);
    let planned = plan(random, count, 3, 10, random_call);
    let mut state = Bank.init();
    let operations = planned.into_iter().map(|planned| {
        let mut operation = planned.operation;
        let (mut reply, after) = answer(&state, &operation.call);
        state = after;
        if let (true, Reply::Accounts { balances }) = (wrong, &mut reply)
            && let Some(held) = balances.get_mut(&0)
        {
            *held += 1;
        }
        operation.outcome = if planned.crashes { Outcome::Unknown("no answer".into()) } else { Outcome::Ok(reply) };
        operation
    });
    by_invocation(operations.collect())
}

fn judge(checker: &dyn Checker, operations: &[Operation]) -> Validity {
    let history = History { operations: operations.to_vec(), ..History::default() };
    checker.check(&history, &Budget::default()).validity
}

#[test]
fn what_is_linearizable_has_the_right_totals() {
    let mut random = Random(3);
    let mut caught = 0;
    for round in 0..20_000 {
        let wrong = round % 2 == 1;
        let operations = random_history(&mut random, wrong);
        let linearizable = judge(&Linearizable::new(Bank), &operations);
        assert!(wrong || linearizable == Validity::Valid, "{operations:#?}");
        for promise in Promise::ALL {
            let totals = judge(&Totals { promise }, &operations);
            assert!(totals != Validity::Invalid || linearizable == Validity::Invalid, "{operations:#?}");
            caught += usize::from(totals == Validity::Invalid);
        }
    }
    assert!(caught > 5_000, "{caught}");
}

/// A client that reads one account after the other sees money on its way: each single read is right, and their sum is
/// not. That is why a read of all accounts must be one range or one transaction.
#[test]
fn a_loop_of_single_reads_would_tear() {
    let mut random = Random(4);
    let (mut torn, mut whole) = (0, 0);
    for _ in 0..200 {
        let mut state = vec![10; 5];
        let open = Call::Open { key: 0, balances: state.clone() };
        let mut operations = vec![done(0, open, Reply::Opened)];
        for id in 1..40 {
            let (call, reply) = if id % 4 == 0 {
                let mut balances = BTreeMap::new();
                for account in 0..5 {
                    balances.insert(account, state[account as usize]);
                    // Between two of its reads others go on.
                    state = transfer(&mut random, &state).1;
                }
                (Call::Accounts { key: 0 }, Reply::Accounts { balances })
            } else {
                let (done, after) = transfer(&mut random, &state);
                state = after;
                done
            };
            operations.push(done(id, call, reply));
        }
        assert_eq!(state.iter().sum::<i64>(), 50, "no money was lost");
        torn += usize::from(judge(&Totals { promise: Promise::Sequential }, &operations) == Validity::Invalid);
        for operation in &mut operations {
            if let Outcome::Ok(Reply::Accounts { balances }) = &mut operation.outcome {
                *balances = (0..).zip(state.iter().copied()).collect();
            }
        }
        whole += usize::from(judge(&Totals { promise: Promise::Sequential }, &operations) == Validity::Valid);
    }
    assert_eq!((torn > 190, whole), (true, 200), "{torn} of 200 are torn");
}

fn transfer(random: &mut Random, state: &[i64]) -> ((Call, Reply), Vec<i64>) {
    let from = random.below(5) as Account;
    let to = (from + 1 + random.below(4) as Account) % 5;
    let call = Call::Transfer { key: 0, from, to, amount: 1 + random.below(5) as i64 };
    let (reply, after) = answer(state, &call);
    ((call, reply), after)
}

fn done(id: u64, call: Call, reply: Reply) -> Operation {
    let (invoked_ns, returned_ns, outcome) = (id * 10, Some(id * 10 + 5), Outcome::Ok(reply));
    Operation { id, process: id % 3, node: "n1".into(), call, due_ns: invoked_ns, invoked_ns, returned_ns, outcome }
}

/// A bank that is read at `read_ns`, after an acknowledged transfer; the final reads begin at 100.
fn rolled_back(read_ns: u64, balances: [i64; 2]) -> History {
    let operation = |id, at_ns, call, reply| Operation {
        id,
        process: id,
        node: "n1".into(),
        call,
        due_ns: at_ns,
        invoked_ns: at_ns,
        returned_ns: Some(at_ns + 1),
        outcome: Outcome::Ok(reply),
    };
    let balances = (0..).zip(balances).collect();
    let operations = vec![
        operation(0, 0, Call::Open { key: 0, balances: vec![10, 10] }, Reply::Opened),
        operation(1, 2, Call::Transfer { key: 0, from: 0, to: 1, amount: 5 }, Reply::Transferred),
        operation(2, read_ns, Call::Accounts { key: 0 }, Reply::Accounts { balances }),
    ];
    let phases = vec![Phase { at_ns: 100, name: PhaseName::FinalReads }];
    History { operations, phases, ..History::default() }
}

#[test]
fn a_read_may_be_old_but_what_was_transferred_is_there_in_the_end() {
    let check = |read_ns, balances, expected| {
        let history = rolled_back(read_ns, balances);
        let totals = Totals { promise: Promise::Sequential }.check(&history, &Budget::default());
        assert_eq!(totals.validity, Validity::Valid, "the total is right");
        let verdict = Transactions.check(&history, &Budget::default());
        assert_eq!((verdict.validity, &*verdict.checker), (expected, "transactions"), "{read_ns} {balances:?}");
    };
    check(50, [5, 15], Validity::Valid);
    check(50, [10, 10], Validity::Valid);
    check(100, [5, 15], Validity::Valid);
    check(100, [10, 10], Validity::Invalid);
}
