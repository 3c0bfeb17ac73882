//! What the words of a foreign history mean: squall's calls and replies.

use super::datum::{Datum, shown};
use super::edn;
use super::numbering::Numbering;
use super::reader::Initial;
use super::row::Row;
use super::subject::Subject;
use crate::call::{Account, Call, Key, ListStep, Reply, Step, Value, Version};
use std::collections::BTreeMap;

/// The vocabulary of one history.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    subject: Option<Subject>,
    /// Whether a bank was opened with balances: then its accounts are numbers.
    opens: bool,
    /// A register with a first value that is named by one word, if there is one.
    bare: Option<String>,
    /// Acquires that end with something that is no fencing token, where nobody said whether there are any.
    other_tokens: u64,
    pub(super) values: Numbering,
    pub(super) keys: Numbering,
    pub(super) accounts: Numbering,
}

/// What a word means, or why it has no meaning.
type Meaning<T> = Result<T, String>;

/// Why a line has no meaning, and which field says so.
#[derive(Debug)]
pub(super) enum Meaningless {
    /// No such call.
    Call(String),
    /// With what it is called, or what was found.
    Value(String),
}

impl From<String> for Meaningless {
    fn from(reason: String) -> Meaningless {
        Meaningless::Value(reason)
    }
}

impl Vocabulary {
    pub(super) fn new(subject: Option<Subject>, keeps_names: bool) -> Vocabulary {
        let [values, keys, accounts] = [(); 3].map(|()| Numbering::new(keeps_names));
        Vocabulary { subject, values, keys, accounts, ..Vocabulary::default() }
    }

    /// What people should know about the names in the history.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let noted = [(&self.keys, "keys"), (&self.values, "values"), (&self.accounts, "accounts")];
        let never = self.keys.unclaimed().map(|name| format!("the history never names the key {name}"));
        let tokens = (self.other_tokens > 0).then(|| {
            format!("{} acquires end with something that is no fencing token; it was left out", self.other_tokens)
        });
        noted.into_iter().filter_map(|(numbering, what)| numbering.note(what)).chain(never).chain(tokens)
    }

    /// Whether it matters which process calls.
    pub(super) fn owners_matter(&self) -> bool {
        matches!(self.subject, Some(Subject::OwnedLock | Subject::FencedLock))
    }

    /// The number of a key; 0 where the history names none.
    pub(super) fn key(&mut self, key: Option<&Datum>) -> Meaning<Key> {
        let Some(key) = key else { return Ok(0) };
        let number = self.keys.number(key, true).ok_or("there are more keys than numbers")?;
        u64::try_from(number).map_err(|_| "a key has no number".into())
    }

    /// What somebody types as first value, in numbers.
    pub(super) fn initial(&mut self, typed: &str) -> Meaning<Initial> {
        if self.subject != Some(Subject::Registers) {
            return Ok(Initial { text: self.typed_value(typed)?, keys: BTreeMap::new() });
        }
        let (mut parts, mut keys) = (Vec::new(), BTreeMap::new());
        for part in typed.split(',') {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("`{part}` is not KEY=VALUE"))?;
            parts.push(format!("{}={}", name.trim(), self.typed_value(value)?));
            keys.insert(name.trim().to_owned(), self.typed_key(name)?);
        }
        Ok(Initial { text: parts.join(","), keys })
    }

    fn typed_value(&mut self, typed: &str) -> Meaning<String> {
        let number = match edn::parse(typed) {
            Some(Datum::Nil) => return Ok("nil".into()),
            Some(Datum::Symbol(word)) => self.values.declare(&word).ok_or_else(no_numbers)?,
            Some(Datum::Int(int)) => self.values.declare_number(int, false).ok_or_else(no_numbers)?,
            Some(datum) => self.value(&datum)?,
            None => return Err(format!("`{typed}` is no value")),
        };
        Ok(number.to_string())
    }

    fn typed_key(&mut self, typed: &str) -> Meaning<Key> {
        let datum = edn::parse(typed);
        if !matches!(datum, Some(Datum::Seq(_))) {
            self.bare = Some(typed.trim().into());
        }
        match datum {
            Some(Datum::Symbol(word)) => self.keys.declare(&word).map(i64::unsigned_abs).ok_or_else(no_numbers),
            Some(Datum::Int(int)) if int >= 0 => {
                self.keys.declare_number(int, true).map(i64::unsigned_abs).ok_or_else(no_numbers)
            }
            Some(datum) => self.key(Some(&datum)),
            None => Err(format!("`{typed}` is no key")),
        }
    }

    /// The call that begins with `row`.
    /// `outer` is the key as the row names it.
    pub(super) fn call(&mut self, row: &Row, key: Key, outer: Option<&Datum>) -> Result<Call, Meaningless> {
        let subject = match (self.subject, Subject::of_call(&row.f)) {
            (Some(subject), _) | (None, Some(subject)) => subject,
            (None, None) if &*row.f == "add" => {
                let reason = "what `add` means depends on the model: name it, --model set or --model counter";
                return Err(Meaningless::Call(reason.into()));
            }
            (None, None) => return Err(Meaningless::Call(format!("squall knows no call `{}`", row.f))),
        };
        let value = &row.value;
        match (subject, &*row.f) {
            (Subject::Register, "read" | "r") => Ok(Call::Read { key }),
            (Subject::Register, "write" | "w") => Ok(Call::Write { key, value: self.value(value)? }),
            (Subject::Register, "cas") => match value.items() {
                Some([expect, new]) => Ok(Call::Cas { key, expect: self.nullable(expect)?, value: self.value(new)? }),
                _ => Err(format!("a cas has [expected new], not {}", shown(value)).into()),
            },
            (Subject::Registers, "txn") => Ok(Call::Transaction { steps: self.steps(value, outer)? }),
            (Subject::Lists, "txn") => Ok(Call::ListTransaction { steps: self.list_steps(value, outer)? }),
            (Subject::Texts, "get" | "read") => Ok(Call::Get { key }),
            (Subject::Texts, "put" | "write") => Ok(Call::Put { key, text: text(value)? }),
            (Subject::Texts, "append") => Ok(Call::Append { key, text: text(value)? }),
            (Subject::Set, "add") => Ok(Call::Add { key, element: self.value(value)? }),
            (Subject::Set, "read") => Ok(Call::Elements { key }),
            (Subject::Counter, "add") => Ok(Call::Increase { key, by: int(value)? }),
            (Subject::Counter, "read") => Ok(Call::Count { key }),
            (Subject::Bank, "transfer") => Ok(self.transfer(value, key)?),
            (Subject::Bank, "open") => match value.items() {
                Some(balances) => {
                    self.opens = true;
                    Ok(Call::Open { key, balances: balances.iter().map(int).collect::<Meaning<_>>()? })
                }
                None => Err(format!("a bank is opened with a list of balances, not {}", shown(value)).into()),
            },
            (Subject::Bank, "read") => Ok(Call::Accounts { key }),
            (lock, "acquire") if lock.is_lock() => Ok(Call::Acquire { key }),
            (lock, "release") if lock.is_lock() => Ok(Call::Release { key }),
            (Subject::Queue, "enqueue") => Ok(Call::Enqueue { key, element: self.value(value)? }),
            (Subject::Queue, "dequeue") => Ok(Call::Dequeue { key }),
            (subject, f) => {
                let reason = format!("`{f}` is no call of this model; there are: {}", subject.calls());
                Err(Meaningless::Call(reason))
            }
        }
    }

    /// The reply of `call` that ended well with `row`; `outer` is the key as it was named when the call began.
    pub(super) fn reply(&mut self, call: &Call, row: &Row, outer: Option<&Datum>) -> Meaning<Reply> {
        let (value, version) = (&row.value, row.version.map(Version::at));
        Ok(match call {
            Call::Read { .. } => Reply::Read { value: self.nullable(value)?, version },
            Call::Write { value: written, .. } => {
                confirms(value, || self.nullable(value).map(|answered| answered == Some(*written)))?;
                Reply::Written { version }
            }
            Call::Cas { expect, value: new, .. } => {
                confirms(value, || match value.items() {
                    Some([found, set]) => Ok((self.nullable(found)?, self.nullable(set)?) == (*expect, Some(*new))),
                    _ => Ok(false),
                })?;
                Reply::Written { version }
            }
            Call::Put { text: asked, .. } | Call::Append { text: asked, .. } => {
                confirms(value, || Ok(*value == Datum::Text(asked.as_str().into())))?;
                Reply::Written { version }
            }
            Call::Get { .. } => Reply::Text { text: if *value == Datum::Nil { String::new() } else { text(value)? } },
            Call::Add { element, .. } | Call::Enqueue { element, .. } => {
                confirms(value, || self.nullable(value).map(|answered| answered == Some(*element)))?;
                Reply::Added { version }
            }
            Call::Increase { by, .. } => {
                confirms(value, || Ok(*value == Datum::Int(*by)))?;
                Reply::Added { version }
            }
            Call::Elements { .. } => Reply::Elements { elements: self.elements(value)?, version },
            Call::Count { .. } => Reply::Count { count: int(value)? },
            Call::Open { balances, .. } => {
                let asked = || balances.iter().copied().map(Datum::Int).collect();
                confirms(value, || Ok(*value == Datum::Seq(asked())))?;
                Reply::Opened
            }
            Call::Transfer { key, .. } => {
                confirms(value, || Ok(value.get("from").is_some() && self.transfer(value, *key)? == *call))?;
                Reply::Transferred
            }
            Call::Accounts { .. } => Reply::Accounts { balances: self.balances(value)? },
            Call::Acquire { .. } => Reply::Acquired { token: self.token(value)?, until_ns: None },
            Call::Release { .. } => {
                // Which lock it was, or who held it, says nothing new.
                confirms(value, || Ok(*value != Datum::Bool(false)))?;
                Reply::Released { until_ns: None }
            }
            Call::Dequeue { .. } => Reply::Dequeued { element: self.nullable(value)? },
            Call::Transaction { steps } => Reply::Committed { found: self.found(steps, value, outer)? },
            Call::ListTransaction { steps } => Reply::CommittedLists { found: self.found_lists(steps, value, outer)? },
            other => return Err(format!("squall reads no answer to `{other}`")),
        })
    }

    /// The fencing token under which a lock was taken; 0 where tokens do not matter and there is none.
    fn token(&mut self, datum: &Datum) -> Meaning<u64> {
        let token = match datum {
            Datum::Int(token) => u64::try_from(*token).ok(),
            Datum::Number(token) => token.parse().ok(),
            _ => None,
        };
        match (token, datum, self.subject) {
            (Some(token), ..) => Ok(token),
            (None, Datum::Bool(false), _) => Err(ends_with_false()),
            (None, _, Some(Subject::Lock | Subject::OwnedLock)) => Ok(0),
            (None, Datum::Nil | Datum::Bool(true), None) => Ok(0),
            // Nobody said that it is a lock with tokens, and most are none.
            (None, other, None) => {
                self.other_tokens += u64::from(!other.is_ok_word());
                Ok(0)
            }
            (None, Datum::Nil, _) => {
                Err("an acquire without a fencing token; a lock that has none is an owner-mutex".into())
            }
            (None, other, _) => {
                Err(format!("{} where a fencing token should stand, which is a number from 0 on", shown(other)))
            }
        }
    }

    fn value(&mut self, datum: &Datum) -> Meaning<Value> {
        match datum {
            Datum::Nil => Err("nil where a value should stand; only what is read can be nil".into()),
            datum => self.values.number(datum, false).ok_or_else(no_numbers),
        }
    }

    fn nullable(&mut self, datum: &Datum) -> Meaning<Option<Value>> {
        if *datum == Datum::Nil { Ok(None) } else { self.value(datum).map(Some) }
    }

    fn elements(&mut self, datum: &Datum) -> Meaning<Vec<Value>> {
        let items =
            datum.items().ok_or_else(|| format!("a read of a set finds a list or a set, not {}", shown(datum)))?;
        items.iter().map(|item| self.value(item)).collect()
    }

    /// An account by its name. The keys of a map of JSON are texts, whatever they stand for, so `"0"` is 0 everywhere.
    fn account(&mut self, name: &Datum) -> Meaning<Account> {
        let spelled = name.word().and_then(|word| word.parse().ok().filter(|int: &i64| int.to_string() == word));
        let name = &spelled.map_or_else(|| name.clone(), Datum::Int);
        if self.opens && name.int().is_none_or(|int| int < 0) {
            return Err(format!(
                "account {}: a bank that is opened with a list of balances has the accounts 0, 1, ...",
                shown(name)
            ));
        }
        let number = self.accounts.number(name, true);
        number
            .and_then(|number| Account::try_from(number).ok())
            .ok_or_else(|| format!("account {} is beyond all counting", shown(name)))
    }

    fn transfer(&mut self, datum: &Datum, key: Key) -> Meaning<Call> {
        let part = |name| {
            datum.get(name).ok_or_else(|| format!("a transfer is {{:from A, :to B, :amount N}}, not {}", shown(datum)))
        };
        let (from, to, amount) = (part("from")?, part("to")?, int(part("amount")?)?);
        Ok(Call::Transfer { key, from: self.account(from)?, to: self.account(to)?, amount })
    }

    fn balances(&mut self, datum: &Datum) -> Meaning<BTreeMap<Account, i64>> {
        let Datum::Map(entries) = datum else {
            return Err(format!("a read of a bank finds a map from accounts to balances, not {}", shown(datum)));
        };
        let mut balances = BTreeMap::new();
        for (name, held) in entries {
            let held = int(held).map_err(|error| format!("account {}: {error}", shown(name)))?;
            if balances.insert(self.account(name)?, held).is_some() {
                return Err(format!("two balances of account {}", shown(name)));
            }
        }
        Ok(balances)
    }

    fn steps(&mut self, datum: &Datum, outer: Option<&Datum>) -> Meaning<Vec<Step>> {
        let steps =
            datum.items().ok_or_else(|| format!("a txn is a list of steps [f key value], not {}", shown(datum)))?;
        steps.iter().map(|step| self.step(step, outer)).collect()
    }

    fn step(&mut self, datum: &Datum, outer: Option<&Datum>) -> Meaning<Step> {
        let Some([f, key, value]) = datum.items() else {
            return Err(format!("a step is [f key value], not {}", shown(datum)));
        };
        match f.word() {
            Some("r" | "read") => Ok(Step::Read { key: self.register(key, outer)? }),
            Some("w" | "write") => Ok(Step::Write { key: self.register(key, outer)?, value: self.value(value)? }),
            Some("append") => {
                Err("`append` is a step of a transaction on lists: name the model, --model list-append".into())
            }
            _ => Err(format!("`{}` is no step of a transaction on registers; there are: r, w", shown(f))),
        }
    }

    /// A register of a transaction. What has a key of its own has registers of its own: their names are pairs.
    fn register(&mut self, key: &Datum, outer: Option<&Datum>) -> Meaning<Key> {
        let Some(outer) = outer else { return self.key(Some(key)) };
        let both = Datum::Seq(vec![outer.clone(), key.clone()]);
        match &self.bare {
            None => self.key(Some(&both)),
            Some(bare) => Err(format!(
                "registers are named by two keys here, as {} is: --initial {bare}=... names but one",
                shown(&both)
            )),
        }
    }

    /// What the reads among `steps` found.
    fn found(&mut self, steps: &[Step], datum: &Datum, outer: Option<&Datum>) -> Meaning<Vec<Option<Value>>> {
        let ended = datum.items().unwrap_or_default();
        if ended.len() != steps.len() {
            return Err(format!("a txn of {} steps ends with {}", steps.len(), shown(datum)));
        }
        let mut found = Vec::new();
        for (step, ended) in steps.iter().zip(ended) {
            let same = self.step(ended, outer)? == *step;
            match (same, step, ended.items()) {
                (true, Step::Read { .. }, Some([_, _, value])) => found.push(self.nullable(value)?),
                (true, Step::Write { .. }, _) => {}
                _ => return Err(format!("its step ends as {}, which is not what it began with", shown(ended))),
            }
        }
        Ok(found)
    }
}

impl Vocabulary {
    fn list_steps(&mut self, datum: &Datum, outer: Option<&Datum>) -> Meaning<Vec<ListStep>> {
        let steps =
            datum.items().ok_or_else(|| format!("a txn is a list of steps [f key value], not {}", shown(datum)))?;
        steps.iter().map(|step| self.list_step(step, outer)).collect()
    }

    fn list_step(&mut self, datum: &Datum, outer: Option<&Datum>) -> Meaning<ListStep> {
        let Some([f, key, value]) = datum.items() else {
            return Err(format!("a step is [f key value], not {}", shown(datum)));
        };
        match f.word() {
            Some("r" | "read") => Ok(ListStep::Read { key: self.register(key, outer)? }),
            Some("append") => Ok(ListStep::Append { key: self.register(key, outer)?, element: self.value(value)? }),
            Some("w" | "write") => {
                Err("`w` is a step of a transaction on registers: name the model, --model rw-register".into())
            }
            _ => Err(format!("`{}` is no step of a transaction on lists; there are: r, append", shown(f))),
        }
    }

    /// What the reads among `steps` found. A list to which nothing was appended may be nil.
    fn found_lists(&mut self, steps: &[ListStep], datum: &Datum, outer: Option<&Datum>) -> Meaning<Vec<Vec<Value>>> {
        let ended = datum.items().unwrap_or_default();
        if ended.len() != steps.len() {
            return Err(format!("a txn of {} steps ends with {}", steps.len(), shown(datum)));
        }
        let mut found = Vec::new();
        for (step, ended) in steps.iter().zip(ended) {
            let same = self.list_step(ended, outer)? == *step;
            match (same, step, ended.items()) {
                (true, ListStep::Read { .. }, Some([_, _, Datum::Nil])) => found.push(Vec::new()),
                (true, ListStep::Read { .. }, Some([_, _, Datum::Seq(list)])) => {
                    found.push(list.iter().map(|element| self.value(element)).collect::<Meaning<_>>()?);
                }
                (true, ListStep::Read { .. }, Some([_, _, other])) => {
                    return Err(format!("a read of a list finds a list, not {}", shown(other)));
                }
                (true, ListStep::Append { .. }, _) => {}
                _ => return Err(format!("its step ends as {}, which is not what it began with", shown(ended))),
            }
        }
        Ok(found)
    }
}

fn no_numbers() -> String {
    "there are more values than numbers".into()
}

fn int(datum: &Datum) -> Meaning<i64> {
    datum.int().ok_or_else(|| format!("{} where a whole number of 64 bits should stand", shown(datum)))
}

fn text(datum: &Datum) -> Meaning<String> {
    match datum {
        Datum::Text(text) => Ok(text.to_string()),
        other => Err(format!("{} where a text should stand; put it into quotes if it is one", shown(other))),
    }
}

/// The answer to a call that changes something says that it is done, in one word, or repeats what was asked, or says nothing:
/// whatever else it says would be another outcome.
fn confirms(answered: &Datum, same: impl FnOnce() -> Meaning<bool>) -> Meaning<()> {
    match answered {
        Datum::Nil | Datum::Bool(true) => Ok(()),
        word if word.is_ok_word() => Ok(()),
        _ if same()? => Ok(()),
        Datum::Bool(false) => Err(ends_with_false()),
        other => {
            let other = shown(other);
            Err(format!("it ends with {other}, which is not what it began with; repeat that, or write nil, true or ok"))
        }
    }
}

fn ends_with_false() -> String {
    "it ends with false; write fail where it did not happen".into()
}
