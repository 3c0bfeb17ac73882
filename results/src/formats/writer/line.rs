//! One line, in any format but squall's own.

use crate::formats::datum::Datum;
use crate::formats::decimal::apart;
use crate::formats::row::RowKind;
use std::fmt::Write;

/// The columns of CSV.
pub(super) const CSV_HEADER: &str = "process,type,f,key,value,time,version,error,node\n";

/// What a line says.
pub(super) struct Line<'a> {
    pub index: u64,
    pub process: Datum,
    pub kind: RowKind,
    pub f: &'static str,
    pub key: Datum,
    pub value: Datum,
    pub version: Option<u64>,
    pub time_ns: u64,
    pub error: Option<&'a str>,
    pub node: &'a str,
}

impl Line<'_> {
    fn kind(&self) -> &'static str {
        match self.kind {
            RowKind::Invoke => "invoke",
            RowKind::Ok => "ok",
            RowKind::Fail => "fail",
            RowKind::Info => "info",
        }
    }

    /// The value, as a pair with its key where `keyed`. Transactions name their keys themselves.
    fn pair(&self, keyed: bool) -> Datum {
        let value = self.value.clone();
        if keyed && self.f != "txn" { Datum::Seq(vec![self.key.clone(), value]) } else { value }
    }

    /// A map of EDN.
    pub(super) fn edn(&self, keyed: bool) -> String {
        let Line { index, process, f, time_ns, .. } = self;
        let (kind, value) = (self.kind(), self.pair(keyed));
        let mut out =
            format!("{{:index {index}, :type :{kind}, :process {process}, :f :{f}, :value {value}, :time {time_ns}");
        // Writing into a string cannot fail.
        if let Some(version) = self.version {
            let _ = write!(out, ", :version {version}");
        }
        if let Some(error) = self.error {
            let _ = write!(out, ", :error {}", Datum::Text(error.into()));
        }
        if !self.node.is_empty() {
            let _ = write!(out, ", :node {}", Datum::Text(self.node.into()));
        }
        out.push_str("}\n");
        out
    }

    /// An object of JSON, as Jepsen has it.
    pub(super) fn json(&self, keyed: bool) -> String {
        let mut fields = vec![("index", self.index.to_string())];
        self.fields(&mut fields, self.pair(keyed), None);
        object(&fields)
    }

    /// An object of JSON with the key in a field of its own.
    pub(super) fn jsonl(&self) -> String {
        let mut fields = Vec::new();
        let key = if self.f == "txn" { &Datum::Nil } else { &self.key };
        self.fields(&mut fields, self.value.clone(), Some(key));
        object(&fields)
    }

    fn fields(&self, fields: &mut Vec<(&'static str, String)>, value: Datum, key: Option<&Datum>) {
        fields.extend([("process", json(&self.process)), ("type", quoted(self.kind())), ("f", quoted(self.f))]);
        fields.extend(key.map(|key| ("key", json(key))));
        fields.extend([("value", json(&value)), ("time", self.time_ns.to_string())]);
        fields.extend(self.version.map(|version| ("version", version.to_string())));
        fields.extend(self.error.map(|error| ("error", quoted(error))));
        fields.extend((!self.node.is_empty()).then(|| ("node", quoted(self.node))));
    }

    /// A record of CSV.
    pub(super) fn csv(&self) -> String {
        let key = if self.f == "txn" { Datum::Nil } else { self.key.clone() };
        let version = self.version.map(|version| version.to_string()).unwrap_or_default();
        let text = |text: &str| if text.is_empty() { String::new() } else { Datum::Text(text.into()).to_string() };
        let cells = [
            cell(&self.process),
            self.kind().into(),
            self.f.into(),
            cell(&key),
            cell(&self.value),
            self.time_ns.to_string(),
            version,
            quoted_cell(&self.error.map(text).unwrap_or_default()),
            quoted_cell(&text(self.node)),
        ];
        cells.join(",") + "\n"
    }

    /// A line of a log.
    pub(super) fn log(&self) -> Result<String, String> {
        if !matches!(self.f, "read" | "write" | "cas") {
            return Err(format!("`{}` is none of read, write and cas", self.f));
        }
        if self.version.is_some() || !self.node.is_empty() {
            return Err("that log names no versions and no nodes".into());
        }
        let value = match (self.kind, self.error) {
            (RowKind::Info, _) => ":timed-out".to_owned(),
            (_, Some(_)) => ":failed".to_owned(),
            (_, None) => self.value.to_string(),
        };
        Ok(format!("INFO  jepsen.util - {}\t:{}\t:{}\t{value}\n", self.process, self.kind(), self.f))
    }

    /// A map of Porcupine's key-value store. What ended without an answer stays open there.
    pub(super) fn kv(&self) -> Result<String, String> {
        let Line { process, f, value, .. } = self;
        if !matches!(*f, "get" | "put" | "append") {
            return Err(format!("`{f}` is none of get, put and append"));
        }
        let key = match &self.key {
            Datum::Text(text) => Datum::Text(text.clone()),
            other => Datum::Text(other.to_string().into()),
        };
        match self.kind {
            RowKind::Info => Ok(String::new()),
            RowKind::Fail => Err("it failed, for which there is no word".into()),
            RowKind::Invoke | RowKind::Ok => {
                let kind = self.kind();
                Ok(format!("{{:process {process}, :type :{kind}, :f :{f}, :key {key}, :value {value}}}\n"))
            }
        }
    }
}

fn object(fields: &[(&str, String)]) -> String {
    let told: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}\n", told.join(","))
}

/// A value in JSON. What JSON has no words for is a text or an array.
fn json(datum: &Datum) -> String {
    let joined = |items: &[Datum]| items.iter().map(json).collect::<Vec<_>>().join(",");
    match datum {
        Datum::Nil => "null".into(),
        Datum::Bool(truth) => truth.to_string(),
        Datum::Int(int) => int.to_string(),
        Datum::Text(word) | Datum::Keyword(word) | Datum::Symbol(word) => quoted(word),
        Datum::Number(number) => {
            // What would be read as another number, or as none, is a text.
            let is_itself = serde_json::from_str::<Datum>(number).is_ok_and(|read| read == *datum);
            if is_itself { number.to_string() } else { quoted(number) }
        }
        Datum::Seq(items) | Datum::Set(items) => format!("[{}]", joined(items)),
        Datum::Map(entries) => {
            let entry = |(key, value): &(Datum, Datum)| {
                let key = key.word().map_or_else(|| key.to_string(), str::to_owned);
                format!("{}:{}", quoted(&key), json(value))
            };
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
        }
        Datum::Tagged(_, value) => json(value),
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A cell of CSV: EDN, quoted where it must be; nothing for nil.
fn cell(datum: &Datum) -> String {
    if *datum == Datum::Nil { String::new() } else { quoted_cell(&apart(datum.clone()).to_string()) }
}

fn quoted_cell(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
