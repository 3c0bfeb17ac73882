//! Writes events down in any format.

mod line;
mod order;
mod words;

use super::Format;
use super::names::Names;
use super::row::RowKind;
use crate::call::{Call, Key};
use crate::event::{Event, Invoke, Return};
use crate::outcome::Outcome;
use line::Line;
use order::LineOrder;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::io::{self, Write};
use thiserror::Error;
use words::Answer;

/// Why a history cannot be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The system refused.
    #[error("cannot write the history: {0}")]
    Io(#[from] io::Error),
    /// The format has no words for an operation.
    #[error("the format {format} cannot hold operation {op}: {reason}")]
    CannotHold {
        /// The format.
        format: Format,
        /// The operation.
        op: u64,
        /// Why not.
        reason: String,
    },
}

/// Writes a history down, event by event. Holds no more than what is open, and what happened within two seconds where the
/// order of lines says what was concurrent.
pub struct Writer<W> {
    out: W,
    format: Format,
    keyed: bool,
    /// Where the order of the lines counts.
    order: Option<LineOrder>,
    /// The only key, where lines name none.
    only_key: Option<Key>,
    open: FxHashMap<u64, Open>,
    lines: u64,
    left: BTreeMap<&'static str, u64>,
}

/// An operation that has begun.
struct Open {
    process: u64,
    node: String,
    call: Call,
}

impl<W: Write> Writer<W> {
    /// A writer of `format`. With `keyed`, values of Jepsen's formats stand with their keys, as pairs `[key value]`; without,
    /// the history must be about one key.
    pub fn new(out: W, format: Format, keyed: bool) -> Writer<W> {
        let order_counts =
            matches!(format, Format::JepsenEdn | Format::JepsenJson | Format::EtcdLog | Format::PorcupineKv);
        let order = order_counts.then(LineOrder::new);
        Writer {
            out,
            format,
            keyed,
            order,
            only_key: None,
            open: FxHashMap::default(),
            lines: 0,
            left: BTreeMap::new(),
        }
    }

    /// Writes one event; `names` are those of the history that it comes from. What the format cannot hold besides operations
    /// is left out, and told by [`Writer::finish`].
    ///
    /// # Errors
    /// When the format cannot hold an operation.
    pub fn event(&mut self, event: &Event, names: Names<'_>) -> Result<(), WriteError> {
        if self.format == Format::Squall {
            serde_json::to_writer(&mut self.out, event).map_err(io::Error::from)?;
            return Ok(self.out.write_all(b"\n")?);
        }
        match event {
            Event::Invoke(Invoke { op, .. }) | Event::Return(Return { op, .. }) => match &mut self.order {
                None => self.operation(event, names)?,
                Some(order) => {
                    let due = order.push(event.clone());
                    let late = "it happened more than two seconds before what stands before it; sort the lines by time";
                    let due = due.ok_or_else(|| self.cannot(*op, late.into()))?;
                    due.iter().try_for_each(|event| self.operation(event, names))?;
                }
            },
            Event::Start(_) | Event::Facts(_) => self.leave("descriptions of the run"),
            Event::Fault(_) => self.leave("changes of faults"),
            Event::Sample(_) => self.leave("samples"),
            Event::Phase(_) | Event::End(_) => self.leave("phases"),
        }
        Ok(())
    }

    /// An invocation or a return, whose line is the next.
    fn operation(&mut self, event: &Event, names: Names<'_>) -> Result<(), WriteError> {
        match event {
            Event::Invoke(invoke) => {
                let open = Open { process: invoke.process, node: invoke.node.clone(), call: invoke.call.clone() };
                let (f, value) = words::of_call(&open.call, names).map_err(|reason| self.cannot(invoke.op, reason))?;
                self.same_key(invoke.op, open.call.key())?;
                let line = Line { value, ..self.line(&open, f, RowKind::Invoke, invoke.at_ns, names) };
                self.write(invoke.op, &line)?;
                self.open.insert(invoke.op, open);
                Ok(())
            }
            Event::Return(ret) => self.ret(ret, names),
            _ => Ok(()),
        }
    }

    /// Hands everything on, and says what was left out, and how often.
    ///
    /// # Errors
    /// As [`Writer::event`].
    pub fn finish(mut self, names: Names<'_>) -> Result<BTreeMap<&'static str, u64>, WriteError> {
        if let Some(mut order) = self.order.take() {
            order.rest().iter().try_for_each(|event| self.operation(event, names))?;
            if order.told_later() > 0 {
                self.left.insert("that calls begin in the instant in which those of others end", order.told_later());
            }
        }
        self.out.flush()?;
        Ok(self.left)
    }

    /// Where lines name no key, all must be about one.
    fn same_key(&mut self, op: u64, key: Key) -> Result<(), WriteError> {
        let names_keys = match self.format {
            Format::Squall | Format::PorcupineKv | Format::Csv | Format::Jsonl => true,
            Format::JepsenEdn | Format::JepsenJson => self.keyed,
            Format::EtcdLog => false,
        };
        if names_keys || *self.only_key.get_or_insert(key) == key {
            return Ok(());
        }
        Err(self.cannot(op, "it is about another key than those before, and the lines name none".into()))
    }

    fn ret(&mut self, ret: &Return, names: Names<'_>) -> Result<(), WriteError> {
        let open = self.open.remove(&ret.op);
        let open = open.ok_or_else(|| self.cannot(ret.op, "it returns, but was never invoked before".into()))?;
        let (f, asked) = words::of_call(&open.call, names).map_err(|reason| self.cannot(ret.op, reason))?;
        let answer = match &ret.outcome {
            Outcome::Ok(reply) => {
                words::of_reply(&open.call, reply, names).map_err(|reason| self.cannot(ret.op, reason))?
            }
            Outcome::Fail(_) | Outcome::Unknown(_) => Answer::default(),
        };
        let (kind, error) = match &ret.outcome {
            Outcome::Ok(_) if answer.refused => (RowKind::Fail, None),
            Outcome::Ok(_) => (RowKind::Ok, None),
            Outcome::Fail(why) => (RowKind::Fail, Some(why.as_str())),
            Outcome::Unknown(why) => (RowKind::Info, Some(why.as_str())),
        };
        // A failed compare-and-set of that log is an observation.
        if answer.refused && !(self.format == Format::EtcdLog && matches!(open.call, Call::Cas { .. })) {
            self.leave("refusals, which stand as failures");
        }
        let Answer { found, version, loses, .. } = answer;
        loses.into_iter().for_each(|what| self.leave(what));
        let line = self.line(&open, f, kind, ret.at_ns, names);
        self.write(ret.op, &Line { value: found.unwrap_or(asked), version, error, ..line })
    }

    fn line<'a>(&mut self, open: &'a Open, f: &'static str, kind: RowKind, time_ns: u64, names: Names<'_>) -> Line<'a> {
        Line {
            index: self.lines,
            process: names.process(open.process),
            kind,
            f,
            key: names.key(open.call.key()),
            value: super::datum::Datum::Nil,
            version: None,
            time_ns,
            error: None,
            node: &open.node,
        }
    }

    fn write(&mut self, op: u64, line: &Line<'_>) -> Result<(), WriteError> {
        if self.lines == 0 && self.format == Format::Csv {
            self.out.write_all(line::CSV_HEADER.as_bytes())?;
        }
        let text = match self.format {
            Format::JepsenEdn => line.edn(self.keyed),
            Format::JepsenJson => line.json(self.keyed),
            Format::Jsonl => line.jsonl(),
            Format::Csv => line.csv(),
            Format::EtcdLog => line.log().map_err(|reason| self.cannot(op, reason))?,
            Format::PorcupineKv => line.kv().map_err(|reason| self.cannot(op, reason))?,
            Format::Squall => return Ok(()),
        };
        if matches!(self.format, Format::EtcdLog | Format::PorcupineKv) {
            self.leave("times");
        }
        self.lines += 1;
        Ok(self.out.write_all(text.as_bytes())?)
    }

    fn cannot(&self, op: u64, reason: String) -> WriteError {
        WriteError::CannotHold { format: self.format, op, reason }
    }

    fn leave(&mut self, what: &'static str) {
        *self.left.entry(what).or_default() += 1;
    }
}
