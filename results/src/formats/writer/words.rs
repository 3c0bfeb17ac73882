//! squall's calls and replies in the words of others: the inverse of [`vocabulary`](crate::formats::vocabulary).

use crate::call::{Call, ListStep, Reply, Step, Value};
use crate::formats::datum::Datum;
use crate::formats::names::Names;

/// What ends an operation that was answered.
#[derive(Default)]
pub(super) struct Answer {
    /// What was found; `None`: what was asked stands again.
    pub found: Option<Datum>,
    pub version: Option<u64>,
    /// The target looked and said no.
    pub refused: bool,
    /// What of the answer nobody else has words for.
    pub loses: Vec<&'static str>,
}

/// The name of a call, and with what it is made.
pub(super) fn of_call(call: &Call, names: Names<'_>) -> Result<(&'static str, Datum), String> {
    Ok(match call {
        Call::Read { .. } | Call::Elements { .. } | Call::List { .. } | Call::Accounts { .. } | Call::Count { .. } => {
            ("read", Datum::Nil)
        }
        Call::Write { value, .. } => ("write", names.value(*value)),
        Call::Cas { expect, value, .. } => ("cas", Datum::Seq(vec![nullable(*expect, names), names.value(*value)])),
        Call::Add { element, .. } | Call::AddToList { element, .. } | Call::AddGuarded { element, .. } => {
            ("add", names.value(*element))
        }
        Call::Open { balances, .. } => ("open", Datum::Seq(balances.iter().copied().map(Datum::Int).collect())),
        Call::Transfer { from, to, amount, .. } => {
            let part = |name: &str, value| (Datum::Keyword(name.into()), value);
            let parts = [("from", names.account(*from)), ("to", names.account(*to)), ("amount", Datum::Int(*amount))];
            ("transfer", Datum::map(parts.map(|(name, value)| part(name, value)).into())?)
        }
        Call::Acquire { .. } => ("acquire", Datum::Nil),
        Call::Release { .. } => ("release", Datum::Nil),
        Call::Put { text, .. } => ("put", Datum::Text(text.as_str().into())),
        Call::Append { text, .. } => ("append", Datum::Text(text.as_str().into())),
        Call::Get { .. } => ("get", Datum::Nil),
        Call::Enqueue { element, .. } => ("enqueue", names.value(*element)),
        Call::Dequeue { .. } => ("dequeue", Datum::Nil),
        Call::Increase { by, .. } => ("add", Datum::Int(*by)),
        Call::Transaction { steps } => ("txn", transaction(steps, None, names)),
        Call::ListTransaction { steps } => ("txn", list_transaction(steps, None, names)),
        Call::Other { text, .. } => return Err(format!("`{text}` is a call that only a model of somebody else knows")),
    })
}

/// How a call ended that was answered.
pub(super) fn of_reply(call: &Call, reply: &Reply, names: Names<'_>) -> Result<Answer, String> {
    let found = |found| Answer { found: Some(found), ..Answer::default() };
    let refused = || Answer { refused: true, ..Answer::default() };
    Ok(match reply {
        Reply::Read { value, version } => versioned(found(nullable(*value, names)), version.as_ref()),
        Reply::Written { version } | Reply::Added { version } => versioned(Answer::default(), version.as_ref()),
        Reply::Opened | Reply::Transferred => Answer::default(),
        Reply::NotEqual | Reply::TooLittle => refused(),
        Reply::NotHeld { until_ns } => lasting(refused(), *until_ns),
        Reply::Elements { elements, version } => {
            let all = elements.iter().map(|element| names.value(*element)).collect();
            versioned(found(Datum::Seq(all)), version.as_ref())
        }
        Reply::Accounts { balances } => {
            let held = balances.iter().map(|(account, held)| (names.account(*account), Datum::Int(*held)));
            found(Datum::map(held.collect())?)
        }
        Reply::Acquired { token, until_ns } => {
            let token = i64::try_from(*token).map_or_else(|_| Datum::Number(token.to_string().into()), Datum::Int);
            lasting(found(token), *until_ns)
        }
        Reply::Released { until_ns } => lasting(Answer::default(), *until_ns),
        Reply::Text { text } => found(Datum::Text(text.as_str().into())),
        Reply::Dequeued { element } => found(nullable(*element, names)),
        Reply::Count { count } => found(Datum::Int(*count)),
        Reply::Committed { found: values } => match call {
            Call::Transaction { steps } => found(transaction(steps, Some(values), names)),
            other => return Err(format!("`{reply}` is no answer to `{other}`")),
        },
        Reply::CommittedLists { found: lists } => match call {
            Call::ListTransaction { steps } => found(list_transaction(steps, Some(lists), names)),
            other => return Err(format!("`{reply}` is no answer to `{other}`")),
        },
        Reply::Other { text } => return Err(format!("`{text}` is an answer that only a model of somebody else knows")),
    })
}

fn nullable(value: Option<Value>, names: Names<'_>) -> Datum {
    value.map_or(Datum::Nil, |value| names.value(value))
}

fn versioned(answer: Answer, version: Option<&crate::call::Version>) -> Answer {
    let edits = version.and_then(|version| version.edits).map(|_| "counts of edits");
    Answer { version: version.map(|version| version.order), loses: edits.into_iter().collect(), ..answer }
}

/// How long a lock can be relied on stands nowhere else.
fn lasting(answer: Answer, until_ns: Option<u64>) -> Answer {
    Answer { loses: until_ns.map(|_| "leases").into_iter().collect(), ..answer }
}

/// The steps of a transaction, with what its reads found.
fn transaction(steps: &[Step], found: Option<&[Option<Value>]>, names: Names<'_>) -> Datum {
    let mut found = found.into_iter().flatten();
    let step = |name: &str, key, value| Datum::Seq(vec![Datum::Keyword(name.into()), names.key(key), value]);
    let all = steps.iter().map(|one| match one {
        Step::Read { key } => step("r", *key, nullable(found.next().copied().flatten(), names)),
        Step::Write { key, value } => step("w", *key, names.value(*value)),
    });
    Datum::Seq(all.collect())
}

/// As [`transaction`], of lists.
fn list_transaction(steps: &[ListStep], found: Option<&[Vec<Value>]>, names: Names<'_>) -> Datum {
    let mut found = found.into_iter().flatten();
    let list = |list: &Vec<Value>| Datum::Seq(list.iter().map(|element| names.value(*element)).collect());
    let step = |name: &str, key, value| Datum::Seq(vec![Datum::Keyword(name.into()), names.key(key), value]);
    let all = steps.iter().map(|one| match one {
        ListStep::Read { key } => step("r", *key, found.next().map_or(Datum::Nil, list)),
        ListStep::Append { key, element } => step("append", *key, names.value(*element)),
    });
    Datum::Seq(all.collect())
}
