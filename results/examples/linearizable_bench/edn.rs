//! Histories of one register as Jepsen writes them, for other checkers.

use squall_results::call::{Call, Reply, Shown};
use squall_results::{Operation, Outcome};
use std::io::{BufWriter, Write};

/// Writes a history in Jepsen's form, an event a line.
pub fn write(file: &str, operations: &[Operation]) -> std::io::Result<()> {
    let mut lines: Vec<(u64, usize, bool)> = Vec::new();
    for (at, operation) in operations.iter().enumerate() {
        lines.push((operation.invoked_ns, at, false));
        lines.extend(operation.returned_ns.map(|returned_ns| (returned_ns, at, true)));
    }
    lines.sort_unstable();
    let mut out = BufWriter::new(std::fs::File::create(file)?);
    for (index, (at_ns, at, is_return)) in lines.into_iter().enumerate() {
        let operation = &operations[at];
        let (f, value) = match (&operation.call, &operation.outcome) {
            (Call::Read { .. }, Outcome::Ok(Reply::Read { value, .. })) if is_return => {
                ("read", Shown(*value).to_string())
            }
            (Call::Write { value, .. }, _) => ("write", value.to_string()),
            (Call::Cas { expect, value, .. }, _) => ("cas", format!("[{} {value}]", Shown(*expect))),
            _ => ("read", "nil".into()),
        };
        let what = match operation.outcome {
            _ if !is_return => "invoke",
            Outcome::Ok(_) => "ok",
            Outcome::Fail(_) => "fail",
            Outcome::Unknown(_) => "info",
        };
        let process = operation.process;
        writeln!(out, "{{:index {index}, :type :{what}, :process {process}, :f :{f}, :value {value}, :time {at_ns}}}")?;
    }
    out.flush()
}
