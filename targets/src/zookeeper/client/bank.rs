//! Banks: a node each, with a child for every account. Accounts are made in one transaction and never deleted.

use super::{Answer, Answered, Code, Mode, ROOT, Request, SessionError, Stat, Turn, number, text, unexpected};
use crate::zookeeper::outcome::Stop;
use crate::zookeeper::session::first_refusal;
use squall_results::Reply;
use squall_results::call::{Account, Key};
use std::collections::BTreeMap;

fn bank(key: Key) -> String {
    format!("{ROOT}/b{key}")
}

fn account_of(key: Key, account: Account) -> String {
    format!("{}/{account}", bank(key))
}

/// An account as it was read.
struct Held {
    path: String,
    balance: i64,
    version: i32,
}

impl Held {
    fn set(&self, balance: i64) -> Request {
        Request::SetData { path: self.path.clone(), data: balance.to_string().into(), version: self.version }
    }
}

impl Turn<'_> {
    /// Makes the bank and all its accounts in one transaction, which fails as a whole when the bank is there.
    pub(super) async fn open_bank(&self, key: Key, balances: &[i64]) -> Result<Reply, Stop> {
        let create = |path, data: String| Request::Create { path, data: data.into(), mode: Mode::Persistent };
        let accounts =
            (0..).zip(balances).map(|(account, balance)| create(account_of(key, account), balance.to_string()));
        let parts: Vec<Request> = std::iter::once(create(bank(key), String::new())).chain(accounts).collect();
        let mut refusal = self.transact(parts.clone()).await?;
        if refusal == Some((0, Code::NO_NODE)) {
            self.make_root().await?;
            refusal = self.transact(parts).await?;
        }
        match refusal {
            None => Ok(Reply::Opened),
            Some((0, Code::NODE_EXISTS)) => Ok(Reply::NotEqual),
            Some((_, code)) => Err(Stop::Change(SessionError::Code(code))),
        }
    }

    /// Reads both accounts at one moment, and sets both by the versions that were read.
    pub(super) async fn transfer(&self, key: Key, from: Account, to: Account, amount: i64) -> Result<Reply, Stop> {
        let balances = self.balances(key, &[from, to]).await?;
        let [Some(giving), Some(taking)] = &balances[..] else {
            return Err(Stop::Mismatch("an account seems to be missing".into()));
        };
        let check = || vec![Request::Check { path: giving.path.clone(), version: giving.version }];
        let (parts, reply) = if giving.balance < amount {
            // It may be an old balance. The check goes through the leader, as a write does: while the version is the same, so
            // is the balance, and the transfer is too much for it.
            (check(), Reply::TooLittle)
        } else if from == to {
            (check(), Reply::Transferred)
        } else {
            let grown = taking.balance.checked_add(amount);
            let grown = grown.ok_or_else(|| Stop::Mismatch("the account that takes would overflow".into()))?;
            (vec![giving.set(giving.balance - amount), taking.set(grown)], Reply::Transferred)
        };
        match self.transact(parts).await? {
            None => Ok(reply),
            Some((_, code)) => Err(Stop::Change(SessionError::Code(code))),
        }
    }

    /// Reads all accounts by one request, which a server answers from one state: it lets no change come between its parts.
    pub(super) async fn read_bank(&self, key: Key, known: &mut Vec<Account>) -> Result<Reply, Stop> {
        self.freshen().await?;
        if known.is_empty() {
            *known = self.accounts(key).await?;
        }
        if known.is_empty() {
            return Ok(Reply::Accounts { balances: BTreeMap::new() });
        }
        let balances = self.balances(key, known).await?;
        let held = known.iter().zip(balances).filter_map(|(account, held)| Some((*account, held?.balance)));
        Ok(Reply::Accounts { balances: held.collect() })
    }

    /// The accounts of a bank; none where there is no bank.
    async fn accounts(&self, key: Key) -> Result<Vec<Account>, Stop> {
        match self.ask(Request::GetChildren { path: bank(key) }).await {
            Ok(Answered { answer: Answer::Children { names, .. }, .. }) => {
                names.iter().map(|name| number(name)).collect()
            }
            Ok(other) => Err(Stop::Harmless(unexpected(&other.answer))),
            Err(SessionError::Code(Code::NO_NODE)) => Ok(Vec::new()),
            Err(error) => Err(Stop::Harmless(error)),
        }
    }

    /// Reads accounts at one moment; `None` where there is no such account.
    async fn balances(&self, key: Key, accounts: &[Account]) -> Result<Vec<Option<Held>>, Stop> {
        let paths = accounts.iter().map(|account| account_of(key, *account));
        let reads = paths.clone().map(|path| Request::GetData { path }).collect();
        let answered = self.ask(Request::MultiRead(reads)).await.map_err(Stop::Harmless)?;
        let Answer::Many(answers) = answered.answer else { return Err(Stop::Harmless(unexpected(&answered.answer))) };
        let read = |(path, answer)| match answer {
            Ok(Answer::Data { data, stat: Stat { version, .. } }) => {
                Ok(Some(Held { path, balance: number(&text(data)?)?, version }))
            }
            Ok(other) => Err(Stop::Harmless(unexpected(&other))),
            Err(Code::NO_NODE) => Ok(None),
            Err(code) => Err(Stop::Harmless(SessionError::Code(code))),
        };
        paths.zip(answers).map(read).collect()
    }

    /// Makes all changes or none; returns which part was refused, and why.
    async fn transact(&self, parts: Vec<Request>) -> Result<Option<(usize, Code)>, Stop> {
        let only_checks = parts.iter().all(|part| matches!(part, Request::Check { .. }));
        let stop = if only_checks { Stop::Harmless } else { Stop::Change };
        match self.ask(Request::Multi(parts)).await {
            Ok(Answered { answer: Answer::Many(answers), .. }) => Ok(first_refusal(&answers)),
            Ok(other) => Err(stop(unexpected(&other.answer))),
            Err(error) => Err(stop(error)),
        }
    }
}
