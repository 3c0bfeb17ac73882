//! Small histories, written short.

use squall_results::call::{Call, Reply, Value, Version};
use squall_results::{History, Operation, Outcome};

/// An operation of process `process` from `invoked_ns` to `returned_ns`.
pub fn op(process: u64, invoked_ns: u64, returned_ns: u64, call: Call, reply: Reply) -> Operation {
    let (node, due_ns, outcome) = ("n1".into(), invoked_ns, Outcome::Ok(reply));
    Operation { id: 0, process, node, call, due_ns, invoked_ns, returned_ns: Some(returned_ns), outcome }
}

/// An operation without an answer.
pub fn lost(process: u64, invoked_ns: u64, call: Call) -> Operation {
    let (node, due_ns, outcome) = ("n1".into(), invoked_ns, Outcome::Unknown("no answer".into()));
    Operation { id: 0, process, node, call, due_ns, invoked_ns, returned_ns: None, outcome }
}

/// A history of these operations, numbered by invocation.
pub fn history(mut operations: Vec<Operation>) -> History {
    operations.sort_by_key(|operation| operation.invoked_ns);
    (0..).zip(&mut operations).for_each(|(id, operation)| operation.id = id);
    History { operations, ..History::default() }
}

pub fn read(value: impl Into<Option<Value>>) -> (Call, Reply) {
    (Call::Read { key: 0 }, Reply::Read { value: value.into(), version: None })
}

pub fn write(value: Value) -> (Call, Reply) {
    (Call::Write { key: 0, value }, written())
}

pub fn written() -> Reply {
    Reply::Written { version: None }
}

pub fn added() -> Reply {
    Reply::Added { version: None }
}

pub fn version(order: u64, edits: u64) -> Option<Version> {
    Some(Version { order, edits: Some(edits) })
}
