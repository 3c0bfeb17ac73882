//! Histories as squall and others write them: one [`Reader`] of events for all of them, and a [`Writer`] for each.
//!
//! | format | what it is |
//! |---|---|
//! | `squall` | squall's own `history.jsonl`, see [`event`](crate::event) |
//! | `jepsen-edn` | Jepsen's `history.edn` and Knossos' files: a map an operation, by lines or in one vector or list |
//! | `jepsen-json` | the same in JSON, by lines or in one array |
//! | `etcd-log` | lines of a log of Jepsen: `INFO  jepsen.util - 3 :invoke :write 2` |
//! | `porcupine-kv` | Porcupine's key-value histories: EDN maps with get, put and append of texts |
//! | `csv`, `jsonl` | for anybody else's histories, see below |
//!
//! A file is read as a stream, packed by gzip or zstd or not; which format it has it says by how it begins. Errors name line
//! and column. What `read` or `add` mean depends on what a history is about, its [`Subject`].
//!
//! # CSV and JSONL
//!
//! The first line of CSV names the columns; a line of JSONL is an object with the same names. Cells of CSV are EDN (`3`,
//! `nil`, `[1 2]`, `"a text"`); what is none is a text, and `null` is nil. An operation stands in one line:
//!
//! ```csv
//! process,f,value,result,start,end,outcome
//! 0,write,3,,10,25,ok
//! 1,read,,3,20,30,ok
//! 2,cas,[3 4],,28,,unknown
//! ```
//!
//! or in two, where it begins and where it ends:
//!
//! ```csv
//! process,type,f,value,time
//! 0,invoke,write,3,10
//! 1,invoke,read,,20
//! 0,ok,write,3,25
//! 1,ok,read,3,30
//! ```
//!
//! - `process`: who calls; one call at a time.
//! - `f`: what is called: `read`, `write`, `cas` of a register; `get`, `put`, `append` of a text; `add`, `read` of a set or
//!   a counter; `txn` on registers or lists; `transfer`, `read` of a bank; `acquire`, `release` of a lock; `enqueue`, `dequeue`.
//! - `value`: with what: the value to write, `[expected new]` of a cas, the steps `[["r" "x" nil] ["w" "y" 2]]` of a txn on
//!   registers, `[["r" "x" nil] ["append" "y" 2]]` of one on lists,
//!   `{"from": 0, "to": 1, "amount": 5}` of a transfer. Where an operation has two lines, the second one has what was found.
//! - `result`: what was found, where an operation has one line.
//! - `start`, `end`: when, in nanoseconds; lines are in the order of their starts. No end: nobody knows when, or whether.
//! - `outcome`: `ok`, `fail`: it certainly did not happen, `unknown`. Where no line has one, whatever has an end is ok.
//! - `type`, `time`: `invoke`, `ok`, `fail` or `info` (nobody knows), and when. What has the same time is concurrent, in
//!   whatever order it stands. Where no line has a time, the lines are in the order in which that happened.
//! - `key`: on which object; all calls have one, or none has and all are about one object. `version`, `error`, `node`: if there
//!   are any.
//!
//! Other columns are refused, since they may say what changes everything; so is a last line of CSV without a line feed at its
//! end, which may be cut off, unless its last cell is a type or an outcome. Lines with nothing but empty cells are passed over.
//!
//! `1`, `1.0` and `1e0` are one number; cells that only look like numbers (`007`, `+7`, `7N`) are texts, and so are `NULL`,
//! `None` and `NaN` in quotes (`"""None"""`), which are refused without. Blanks around a cell count only in texts under keys,
//! where an empty cell in quotes is the empty text; elsewhere it is empty.
//!
//! Lines of JSON with types, but with neither start nor key nor index may be Jepsen's or anybody's. They are refused where it
//! makes a difference whether the order of the lines counts or the times in them: say it, by the format `jepsen-json` or `jsonl`.

mod bytes;
mod clock;
mod csv;
mod datum;
mod decimal;
mod detect;
mod edn;
mod etcd_log;
mod field_names;
mod input;
mod jepsen_edn;
mod jepsen_json;
mod keys;
mod names;
mod numbering;
mod pairing;
mod place;
mod reader;
mod row;
mod rows;
mod squall;
mod subject;
mod vocabulary;
mod whole;
mod writer;
#[cfg(feature = "compression")]
mod zstd;

pub use keys::Keys;
pub use names::Names;
pub use place::Place;
pub use reader::{Initial, Options, ReadError, Reader};
pub use subject::Subject;
pub use writer::{WriteError, Writer};

use std::fmt;
use std::str::FromStr;

/// How a history is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// squall's own events.
    Squall,
    /// EDN maps of Jepsen and Knossos.
    JepsenEdn,
    /// JSON objects of Jepsen.
    JepsenJson,
    /// Lines of a log of Jepsen.
    EtcdLog,
    /// EDN maps of Porcupine's key-value store.
    PorcupineKv,
    /// Comma-separated values with named columns.
    Csv,
    /// JSON objects, an operation or an end of one a line.
    Jsonl,
}

impl Format {
    /// All formats, in the order in which they are listed.
    pub const ALL: [Format; 7] = [
        Format::Squall,
        Format::JepsenEdn,
        Format::JepsenJson,
        Format::EtcdLog,
        Format::PorcupineKv,
        Format::Csv,
        Format::Jsonl,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Squall => "squall",
            Format::JepsenEdn => "jepsen-edn",
            Format::JepsenJson => "jepsen-json",
            Format::EtcdLog => "etcd-log",
            Format::PorcupineKv => "porcupine-kv",
            Format::Csv => "csv",
            Format::Jsonl => "jsonl",
        }
    }

    /// What a failed compare-and-set means in it, unless somebody says otherwise.
    pub fn failed_cas(self) -> FailedCas {
        match self {
            Format::EtcdLog => FailedCas::Observation,
            _ => FailedCas::Nothing,
        }
    }

    /// Where its keys stand, unless somebody says otherwise.
    pub fn keys(self) -> Keys {
        match self {
            Format::JepsenEdn | Format::JepsenJson | Format::EtcdLog => Keys::Detected,
            Format::Squall | Format::PorcupineKv | Format::Csv | Format::Jsonl => Keys::Field("key".into()),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let known = Format::ALL.map(Format::name);
        let found = Format::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| format!("there is no format called `{text}`; there are: {}", known.join(", ")))
    }
}

/// What a compare-and-set means that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailedCas {
    /// The value was not the expected one: that was observed.
    Observation,
    /// It did not happen, and nothing was observed.
    Nothing,
}

impl FromStr for FailedCas {
    type Err = String;

    fn from_str(text: &str) -> Result<FailedCas, String> {
        match text {
            "observation" => Ok(FailedCas::Observation),
            "nothing" => Ok(FailedCas::Nothing),
            other => Err(format!("`{other}` is no meaning of a failed compare-and-set; write observation or nothing")),
        }
    }
}
