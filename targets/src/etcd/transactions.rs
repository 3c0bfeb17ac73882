//! Transactions over several registers or lists.
//!
//! Each is one transaction of etcd, whose reads see the writes before them. What is appended to has to be known first; the
//! transaction compares the modification revisions of these lists, and does nothing where another change came in between. etcd
//! refuses a transaction that writes a key twice, so that a list is written once, with all that is appended to it, and
//! what is read of it in between is taken from what was read first, which the comparison makes certain.

use super::calls::{overtaken, parse_list};
use super::error::EtcdError;
use super::exchange::{Exchange, Part, is_unchanged, parse, put};
use super::key;
use super::rpc::KeyValue;
use squall_results::call::{Key, ListStep, Step, Value};
use squall_results::{Outcome, Reply};
use std::collections::BTreeMap;

impl Exchange<'_> {
    /// Reads and writes registers; `only_reads`: in the way of the run.
    pub(super) async fn register_transaction(
        &mut self,
        steps: &[Step],
        only_reads: bool,
    ) -> Result<Outcome, EtcdError> {
        let found = if only_reads {
            self.read_all(steps.iter().map(|step| key::register(step.key())).collect(), false).await?
        } else {
            let part = |step: &Step| match step {
                Step::Read { key } => Part::Read(key::register(*key)),
                Step::Write { key, value } => Part::Write(put(key::register(*key), &value.to_string())),
            };
            let done = self.transact(vec![], steps.iter().map(part).collect()).await?;
            done.ok_or_else(|| EtcdError::Senseless("a transaction without conditions did not take place".into()))?
        };
        let value = |read: &Option<KeyValue>| read.as_ref().map(|read| parse::<Value>(&read.value)).transpose();
        let found = found.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        let reads = steps.iter().filter(|step| matches!(step, Step::Read { .. })).count();
        all_answered(found.len(), reads)?;
        Ok(Outcome::Ok(Reply::Committed { found }))
    }

    /// Reads lists and appends to them; `only_reads`: in the way of the run.
    pub(super) async fn list_transaction(
        &mut self,
        steps: &[ListStep],
        only_reads: bool,
    ) -> Result<Outcome, EtcdError> {
        if only_reads {
            let found = self.read_all(steps.iter().map(|step| key::list(step.key())).collect(), false).await?;
            all_answered(found.len(), steps.len())?;
            let found = found.iter().map(elements).collect::<Result<_, _>>()?;
            return Ok(Outcome::Ok(Reply::CommittedLists { found }));
        }
        let mut lists = self.lists_appended_to(steps).await?;
        let conditions = lists.iter().map(|(key, list)| is_unchanged(key::list(*key), list.read.as_ref())).collect();
        // What each read finds; nothing where the transaction itself has to tell.
        let mut found: Vec<Option<Vec<Value>>> = Vec::new();
        let mut parts = Vec::new();
        for step in steps {
            match (step, lists.get_mut(&step.key())) {
                (ListStep::Append { element, .. }, Some(list)) => list.elements.push(*element),
                (ListStep::Read { .. }, Some(list)) => found.push(Some(list.elements.clone())),
                (ListStep::Read { key } | ListStep::Append { key, .. }, None) => {
                    found.push(None);
                    parts.push(Part::Read(key::list(*key)));
                }
            }
        }
        parts.extend(lists.iter().map(|(key, list)| Part::Write(put(key::list(*key), &list.text()))));
        let Some(told) = self.transact(conditions, parts).await? else { return Ok(overtaken()) };
        all_answered(told.len(), found.iter().filter(|known| known.is_none()).count())?;
        let mut told = told.iter();
        let known = |known: Option<Vec<Value>>| match known {
            Some(known) => Ok(known),
            None => told.next().map_or(Ok(Vec::new()), elements),
        };
        let found = found.into_iter().map(known).collect::<Result<_, _>>()?;
        Ok(Outcome::Ok(Reply::CommittedLists { found }))
    }

    async fn lists_appended_to(&mut self, steps: &[ListStep]) -> Result<BTreeMap<Key, List>, EtcdError> {
        let appended = steps.iter().filter(|step| matches!(step, ListStep::Append { .. })).map(ListStep::key);
        let keys: Vec<Key> = appended.collect::<std::collections::BTreeSet<Key>>().into_iter().collect();
        let read = self.read_all(keys.iter().map(|key| key::list(*key)).collect(), true).await?;
        all_answered(read.len(), keys.len())?;
        let list = |(key, read): (Key, Option<KeyValue>)| Ok((key, List { elements: elements(&read)?, read }));
        keys.into_iter().zip(read).map(list).collect()
    }
}

/// A list that is appended to.
struct List {
    /// As it was read.
    read: Option<KeyValue>,
    /// As it is after the steps so far.
    elements: Vec<Value>,
}

impl List {
    fn text(&self) -> String {
        self.elements.iter().map(Value::to_string).collect::<Vec<_>>().join(",")
    }
}

fn elements(read: &Option<KeyValue>) -> Result<Vec<Value>, EtcdError> {
    read.as_ref().map_or(Ok(vec![]), parse_list)
}

fn all_answered(answers: usize, asked: usize) -> Result<(), EtcdError> {
    let told = || EtcdError::Senseless(format!("{answers} answers to {asked} reads of a transaction"));
    if answers == asked { Ok(()) } else { Err(told()) }
}
