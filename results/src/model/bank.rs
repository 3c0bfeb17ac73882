//! A bank whose accounts are read and changed in transactions: `bank`.

use crate::call::{Call, Key, Reply};
use crate::model::Model;

/// A bank that has no accounts at first. All of its accounts are one object: that every transaction on them takes effect
/// at one instant is strict serializability.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bank;

impl Model for Bank {
    type Call = Call;
    type Reply = Reply;
    /// What the accounts hold, in their order; none before the bank is opened.
    type State = Vec<i64>;

    fn name(&self) -> &'static str {
        "bank"
    }

    fn init(&self) -> Vec<i64> {
        Vec::new()
    }

    fn step(&self, state: &Vec<i64>, call: &Call, reply: Option<&Reply>) -> Result<Vec<i64>, String> {
        step(state, call, reply, false)
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn only_observes(&self, call: &Call) -> bool {
        call.kind().only_observes()
    }

    fn show(&self, state: &Vec<i64>) -> String {
        show(state)
    }
}

/// A [`Bank`] whose accounts may hold less than nothing. How much less nobody told, so it may refuse any transfer.
#[derive(Debug, Clone, Copy, Default)]
pub struct CreditBank;

impl Model for CreditBank {
    type Call = Call;
    type Reply = Reply;
    /// What the accounts hold, in their order; none before the bank is opened.
    type State = Vec<i64>;

    fn name(&self) -> &'static str {
        "bank"
    }

    fn init(&self) -> Vec<i64> {
        Vec::new()
    }

    fn step(&self, state: &Vec<i64>, call: &Call, reply: Option<&Reply>) -> Result<Vec<i64>, String> {
        step(state, call, reply, true)
    }

    fn partition(&self, call: &Call) -> Key {
        call.key()
    }

    fn only_observes(&self, call: &Call) -> bool {
        call.kind().only_observes()
    }

    fn show(&self, state: &Vec<i64>) -> String {
        show(state)
    }
}

/// What an operation does to the accounts; `credit`: whether they may hold less than nothing.
fn step(state: &[i64], call: &Call, reply: Option<&Reply>, credit: bool) -> Result<Vec<i64>, String> {
    let is_open = !state.is_empty();
    let as_it_was = || Ok(state.to_vec());
    match (call, reply) {
        (Call::Open { balances, .. }, None | Some(Reply::Opened)) if !is_open => Ok(balances.clone()),
        (Call::Open { .. }, None) => as_it_was(),
        (Call::Open { .. }, Some(Reply::NotEqual)) if is_open => as_it_was(),
        (Call::Open { .. }, Some(Reply::Opened)) => Err("it opened the bank, which has accounts already".into()),
        (Call::Open { .. }, Some(Reply::NotEqual)) => Err("it found accounts, but the bank has none".into()),
        (Call::Transfer { from, to, amount, .. }, None) => {
            transfer(state, *from, *to, *amount, credit).map_or_else(as_it_was, Ok)
        }
        (Call::Transfer { from, to, amount, .. }, Some(Reply::Transferred)) => {
            let wrong = || format!("it moved {amount} from {from} to {to}, but the accounts hold {}", show(state));
            transfer(state, *from, *to, *amount, credit).ok_or_else(wrong)
        }
        (Call::Transfer { from, to, amount, .. }, Some(Reply::TooLittle)) => {
            let wrong =
                || format!("account {from} held too little for {amount}, but the accounts hold {}", show(state));
            let may_refuse = credit || transfer(state, *from, *to, *amount, credit).is_none();
            if may_refuse { as_it_was() } else { Err(wrong()) }
        }
        (Call::Accounts { .. }, None) => as_it_was(),
        (Call::Accounts { .. }, Some(Reply::Accounts { balances })) => {
            let found = balances.iter().map(|(account, held)| (*account as usize, *held));
            if found.eq(state.iter().copied().enumerate()) {
                as_it_was()
            } else {
                Err(format!("it read other balances than the accounts hold, {}", show(state)))
            }
        }
        (call, Some(reply)) => Err(format!("`{reply}` is no answer to `{call}`")),
        // A call that no bank knows changes none.
        (_, None) => as_it_was(),
    }
}

/// What the accounts hold after a transfer; `None` if one of them is missing or, without credit, holds too little. Of less
/// than nothing the account that takes is the one that gives, so it is the one that must hold so much.
fn transfer(state: &[i64], from: u32, to: u32, amount: i64, credit: bool) -> Option<Vec<i64>> {
    let (from, to) = (from as usize, to as usize);
    let mut after = state.to_vec();
    let left = after.get(from)?.checked_sub(amount).filter(|left| *left >= 0 || amount < 0 || credit)?;
    after[from] = left;
    let taken = after.get(to)?.checked_add(amount).filter(|taken| *taken >= 0 || amount >= 0 || credit)?;
    after[to] = taken;
    Some(after)
}

fn show(state: &[i64]) -> String {
    match state {
        [] => "nothing".into(),
        held => held.iter().map(i64::to_string).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_bank_keeps_its_books() {
        let key = 0;
        let open = Call::Open { key, balances: vec![5, 0] };
        let transfer = |from, to, amount| Call::Transfer { key, from, to, amount };
        let accounts = |held: &[i64]| Reply::Accounts { balances: (0..).zip(held.iter().copied()).collect() };
        let read = Call::Accounts { key };
        let none = Bank.init();
        let check = |state: &[i64], call: &Call, reply: Option<Reply>, after: Option<&[i64]>| {
            let found = Bank.step(&state.to_vec(), call, reply.as_ref()).ok();
            assert_eq!(found.as_deref(), after, "{call} -> {reply:?} at {state:?}");
        };
        check(&none, &open, Some(Reply::Opened), Some(&[5, 0]));
        check(&none, &open, None, Some(&[5, 0]));
        check(&none, &open, Some(Reply::NotEqual), None);
        check(&[1, 4], &open, Some(Reply::NotEqual), Some(&[1, 4]));
        check(&[1, 4], &open, Some(Reply::Opened), None);
        check(&[1, 4], &open, None, Some(&[1, 4]));
        check(&[1, 4], &transfer(1, 0, 4), Some(Reply::Transferred), Some(&[5, 0]));
        check(&[1, 4], &transfer(1, 0, 4), Some(Reply::TooLittle), None);
        check(&[1, 4], &transfer(0, 1, 4), Some(Reply::TooLittle), Some(&[1, 4]));
        check(&[1, 4], &transfer(0, 1, 4), Some(Reply::Transferred), None);
        check(&[1, 4], &transfer(0, 1, 4), None, Some(&[1, 4]));
        check(&[1, 4], &transfer(1, 0, 3), None, Some(&[4, 1]));
        check(&none, &transfer(0, 1, 4), Some(Reply::TooLittle), Some(&[]));
        // Whoever gives, no balance falls below nothing.
        check(&[1, 4], &transfer(0, 1, -3), Some(Reply::Transferred), Some(&[4, 1]));
        check(&[1, 4], &transfer(0, 1, -5), Some(Reply::Transferred), None);
        check(&[1, 4], &transfer(0, 1, -5), Some(Reply::TooLittle), Some(&[1, 4]));
        check(&[1, 4], &transfer(0, 1, -5), None, Some(&[1, 4]));
        // A bank that was opened with a debt may be paid in parts.
        check(&[9, -5], &transfer(0, 1, 2), Some(Reply::Transferred), Some(&[7, -3]));
        check(&[9, -5], &transfer(0, 1, 0), Some(Reply::Transferred), Some(&[9, -5]));
        check(&none, &read, Some(accounts(&[])), Some(&[]));
        check(&[1, 4], &read, Some(accounts(&[1, 4])), Some(&[1, 4]));
        check(&[1, 4], &read, Some(accounts(&[4, 1])), None);
        check(&[1, 4], &read, Some(Reply::Accounts { balances: BTreeMap::from([(1, 4)]) }), None);
        check(&[1, 4], &read, Some(Reply::Opened), None);
    }

    #[test]
    fn a_bank_that_gives_credit_may_refuse_any_transfer() {
        let transfer = |amount| Call::Transfer { key: 0, from: 0, to: 1, amount };
        let check = |call: &Call, reply: Option<Reply>, after: Option<&[i64]>| {
            let found = CreditBank.step(&vec![1, 4], call, reply.as_ref()).ok();
            assert_eq!(found.as_deref(), after, "{call} -> {reply:?}");
        };
        check(&transfer(4), Some(Reply::Transferred), Some(&[-3, 8]));
        check(&transfer(-5), Some(Reply::Transferred), Some(&[6, -1]));
        check(&transfer(4), None, Some(&[-3, 8]));
        check(&transfer(4), Some(Reply::TooLittle), Some(&[1, 4]));
        check(&transfer(1), Some(Reply::TooLittle), Some(&[1, 4]));
        check(&Call::Transfer { key: 0, from: 0, to: 2, amount: 1 }, Some(Reply::Transferred), None);
    }
}
