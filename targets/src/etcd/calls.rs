//! What each call asks of etcd, and which reply its answer is.
//!
//! A change that is composed of a read and a transaction always reads in the strongest way, so that what it observes by
//! itself (`TooLittle`) is true whatever the read mode of the run. Its transaction compares modification revisions; where
//! another change came in between, the call fails, and is not tried again.

use super::error::EtcdError;
use super::exchange::{
    Changed, Exchange, all_absent, holds, is_absent, is_unchanged, parse, put, version_read, version_written,
};
use super::key;
use super::rpc::KeyValue;
use crate::supported::{DATA, LOCKS, TRANSACTIONS};
use squall_results::call::{Account, Key, Value, Version};
use squall_results::{Call, CallKind, Outcome, Reply};
use std::collections::BTreeMap;

/// Whether a client of etcd can make calls of this kind.
pub fn supports(kind: CallKind) -> bool {
    // Locks are taken by `lock`.
    DATA.contains(&kind) || TRANSACTIONS.contains(&kind) || LOCKS.contains(&kind)
}

impl Exchange<'_> {
    /// Makes a call.
    pub async fn make(&mut self, call: &Call) -> Result<Outcome, EtcdError> {
        match call {
            Call::Read { key } => self.read(*key).await,
            Call::Write { key, value } => self.write(*key, *value).await,
            Call::Cas { key, expect, value } => self.cas(*key, *expect, *value).await,
            Call::Add { key, element } => self.add(*key, *element).await,
            Call::Elements { key } => self.elements(*key).await,
            Call::AddToList { key, element } => self.add_to_list(*key, *element).await,
            Call::List { key } => self.list(*key).await,
            Call::Open { key, balances } => self.open(*key, balances).await,
            Call::Transfer { key, from, to, amount } => self.transfer(*key, *from, *to, *amount).await,
            Call::Accounts { key } => self.accounts(*key).await,
            Call::Transaction { steps } => self.register_transaction(steps, call.only_observes()).await,
            Call::ListTransaction { steps } => self.list_transaction(steps, call.only_observes()).await,
            call => unreachable!("{call} is not supported here, or made by a client that takes locks"),
        }
    }

    async fn read(&mut self, key: Key) -> Result<Outcome, EtcdError> {
        let read = self.get(key::register(key)).await?;
        let value = read.as_ref().map(|read| parse(&read.value)).transpose()?;
        Ok(Outcome::Ok(Reply::Read { value, version: Some(version_read(read.as_ref())) }))
    }

    async fn write(&mut self, key: Key, value: Value) -> Result<Outcome, EtcdError> {
        let done = self.put(put(key::register(key), &value.to_string())).await?;
        Ok(Outcome::Ok(Reply::Written { version: Some(version_of_first(&done)) }))
    }

    async fn cas(&mut self, key: Key, expect: Option<Value>, value: Value) -> Result<Outcome, EtcdError> {
        let key = key::register(key);
        let condition = match expect {
            Some(expect) => holds(key.clone(), &expect.to_string()),
            None => is_absent(key.clone()),
        };
        let done = self.put_if(vec![condition], vec![put(key, &value.to_string())]).await?;
        let written = |done| Reply::Written { version: Some(version_of_first(&done)) };
        Ok(Outcome::Ok(done.map_or(Reply::NotEqual, written)))
    }

    async fn add(&mut self, key: Key, element: Value) -> Result<Outcome, EtcdError> {
        let done = self.put(put(key::element(key, element), "")).await?;
        Ok(Outcome::Ok(Reply::Added { version: Some(Version::at(done.revision)) }))
    }

    async fn elements(&mut self, key: Key) -> Result<Outcome, EtcdError> {
        let prefix = key::elements(key);
        let read = self.get_all(&prefix).await?;
        let elements = read.iter().map(|read| parse(prefix.rest(&read.key).unwrap_or(&read.key)));
        let elements = elements.collect::<Result<_, _>>()?;
        // Nothing is ever taken out, so the newest element is the last change of the set.
        let order = read.iter().map(|read| version_read(Some(read)).order).max().unwrap_or(0);
        Ok(Outcome::Ok(Reply::Elements { elements, version: Some(Version::at(order)) }))
    }

    async fn add_to_list(&mut self, key: Key, element: Value) -> Result<Outcome, EtcdError> {
        let key = key::list(key);
        let read = self.get_strongly(key.clone()).await?;
        let mut elements = read.as_ref().map_or(Ok(vec![]), parse_list)?;
        elements.push(element);
        let elements: Vec<String> = elements.iter().map(Value::to_string).collect();
        let condition = is_unchanged(key.clone(), read.as_ref());
        let done = self.put_if(vec![condition], vec![put(key, &elements.join(","))]).await?;
        let added = |done| Outcome::Ok(Reply::Added { version: Some(version_of_first(&done)) });
        Ok(done.map_or_else(overtaken, added))
    }

    async fn list(&mut self, key: Key) -> Result<Outcome, EtcdError> {
        let read = self.get(key::list(key)).await?;
        let elements = read.as_ref().map_or(Ok(vec![]), parse_list)?;
        Ok(Outcome::Ok(Reply::Elements { elements, version: Some(version_read(read.as_ref())) }))
    }

    async fn open(&mut self, key: Key, balances: &[i64]) -> Result<Outcome, EtcdError> {
        let puts = (0..).zip(balances).map(|(account, balance)| put(key::account(key, account), &balance.to_string()));
        let done = self.put_if(vec![all_absent(&key::accounts(key))], puts.collect()).await?;
        Ok(Outcome::Ok(done.map_or(Reply::NotEqual, |_| Reply::Opened)))
    }

    async fn transfer(&mut self, key: Key, from: Account, to: Account, amount: i64) -> Result<Outcome, EtcdError> {
        let read = self.get_all_strongly(&key::accounts(key)).await?;
        let find = |account| read.iter().find(|read| read.key == key::account(key, account));
        let balance = |account| find(account).map_or(Ok(0), |read| parse::<i64>(&read.value));
        if balance(from)? < amount {
            return Ok(Outcome::Ok(Reply::TooLittle));
        }
        let mut after = BTreeMap::from([(from, balance(from)?), (to, balance(to)?)]);
        for (account, change) in [(from, -amount), (to, amount)] {
            *after.entry(account).or_default() += change;
        }
        let conditions = after.keys().map(|account| is_unchanged(key::account(key, *account), find(*account)));
        let puts = after.iter().map(|(account, balance)| put(key::account(key, *account), &balance.to_string()));
        let done = self.put_if(conditions.collect(), puts.collect()).await?;
        Ok(done.map_or_else(overtaken, |_| Outcome::Ok(Reply::Transferred)))
    }

    async fn accounts(&mut self, key: Key) -> Result<Outcome, EtcdError> {
        let prefix = key::accounts(key);
        let read = self.get_all(&prefix).await?;
        let balance = |read: &KeyValue| {
            Ok((parse::<Account>(prefix.rest(&read.key).unwrap_or(&read.key))?, parse::<i64>(&read.value)?))
        };
        let balances = read.iter().map(balance).collect::<Result<_, EtcdError>>()?;
        Ok(Outcome::Ok(Reply::Accounts { balances }))
    }
}

/// The transaction found that what was read before had changed: certainly not done, and nothing was observed.
pub(super) fn overtaken() -> Outcome {
    Outcome::Fail("another change came in between".into())
}

pub(super) fn version_of_first(done: &Changed) -> Version {
    version_written(done.revision, done.puts.first().and_then(|put| put.prev_kv.as_ref()))
}

pub(super) fn parse_list(read: &KeyValue) -> Result<Vec<Value>, EtcdError> {
    read.value.split(|byte| *byte == b',').map(parse).collect()
}
