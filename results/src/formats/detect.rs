//! Which format a file has, by how it begins: by the names of the fields that its first operation has. What the fields say
//! counts for nothing: `"start"` may be what a nemesis does.

use super::bytes::Bytes;
use super::datum::Datum;
use super::edn::{Edn, Next};
use super::{Format, etcd_log};

/// The format of a file that begins with `head`; `None`: no known one.
pub(super) fn detect(head: &[u8]) -> Option<Format> {
    let text = String::from_utf8_lossy(head);
    let text = after_comments(&text);
    let inner = after_comments(text.trim_start_matches(['[', '(']));
    match text.chars().next()? {
        '{' | '[' if begins_object(inner) => Some(json(text, inner)),
        '{' | '[' | '(' => Some(edn(inner)),
        '#' if is_record(text) => Some(edn(inner)),
        _ if is_header(text.lines().next()?) => Some(Format::Csv),
        _ => text.lines().any(|line| etcd_log::operation(line).is_some()).then_some(Format::EtcdLog),
    }
}

/// Past white space and the comments of EDN.
fn after_comments(text: &str) -> &str {
    let mut text = text.trim_start();
    while let Some(comment) = text.strip_prefix(';') {
        text = comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    text
}

/// A record of EDN: `#jepsen.history.Op{`.
fn is_record(text: &str) -> bool {
    text.strip_prefix('#').and_then(|text| text.split_once('{')).is_some_and(|(tag, _)| {
        !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    })
}

/// The names of columns.
fn is_header(line: &str) -> bool {
    let columns: Vec<&str> = line.split(',').map(|name| name.trim().trim_matches('"')).collect();
    columns.len() > 2 && columns.contains(&"process") && columns.contains(&"f")
}

/// Whether an object of JSON begins here, with a field at least.
fn begins_object(text: &str) -> bool {
    let inner = text.strip_prefix('{').map(str::trim_start);
    // In EDN a text may be a key too, but no colon follows it.
    let after = inner.and_then(|inner| inner.strip_prefix('"')).and_then(|name| name.split_once('"'));
    after.is_some_and(|(_, after)| after.trim_start().starts_with(':'))
}

/// Of `text`, whose first object begins at `inner`.
fn json(text: &str, inner: &str) -> Format {
    const EVENTS: [&str; 8] = ["start", "facts", "invoke", "return", "fault", "sample", "phase", "end"];
    let (mut fields, mut after) = fields(inner);
    if text.starts_with('{') && fields.first().is_some_and(|(name, is)| is.starts_with('{') && EVENTS.contains(name)) {
        return Format::Squall;
    }
    // What the nemesis did has none of the fields by which they differ.
    while fields.iter().any(|(name, is)| *name == "process" && is.starts_with("\"nemesis\"")) {
        let rest = after.map(|rest| rest.trim_start_matches(|next: char| next == ',' || next.is_whitespace()));
        let Some(rest) = rest.filter(|rest| begins_object(rest)) else { break };
        (fields, after) = self::fields(rest);
    }
    let has = |name: &str| fields.iter().any(|(other, _)| *other == name);
    if has("start") || has("key") { Format::Jsonl } else { Format::JepsenJson }
}

/// The fields of the object of JSON that begins here, each with what follows its colon, and what follows the object; as far as
/// the text goes.
fn fields(text: &str) -> (Vec<(&str, &str)>, Option<&str>) {
    let (mut fields, mut depth, mut at) = (Vec::new(), 0_u32, 0);
    while let Some(byte) = text.as_bytes().get(at) {
        at += 1;
        match byte {
            b'"' => {
                let begin = at;
                let Some(length) = text_length(&text[begin..]) else { break };
                at += length + 1;
                let value = text[at..].trim_start().strip_prefix(':').filter(|_| depth == 1);
                fields.extend(value.map(|value| (&text[begin..begin + length], value.trim_start())));
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return (fields, Some(&text[at..])),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    (fields, None)
}

/// How long a text of JSON is, up to the quote that ends it.
fn text_length(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

/// By the first operation that is none of the nemesis.
fn edn(text: &str) -> Format {
    let mut edn = Edn::new(Bytes::new(text.as_bytes()));
    while let Ok(Next::Form(first)) = edn.ahead() {
        let Ok(form) = edn.form(first) else { break };
        let word = |name: &str| form.as_ref().and_then(|form| form.get(name)).and_then(Datum::word);
        if form.is_none() || word("process") == Some("nemesis") {
            continue;
        }
        let has_key = form.as_ref().is_some_and(|form| form.get("key").is_some());
        let is_kv = has_key && matches!(word("f"), Some("get" | "put" | "append"));
        return if is_kv { Format::PorcupineKv } else { Format::JepsenEdn };
    }
    Format::JepsenEdn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognised_by_how_they_begin() {
        for (head, format) in [
            ("{\"start\":{\"format\":1", Some(Format::Squall)),
            ("\n{ \"invoke\" : {\"at_ns\":0", Some(Format::Squall)),
            ("[{\"type\":\"invoke\",\"f\":\"read\"", Some(Format::JepsenJson)),
            ("{\"index\":0,\"type\":\"invoke\"}\n{\"start\":{}}", Some(Format::JepsenJson)),
            ("{\"process\":0,\"start\":1,\"end\":2}", Some(Format::Jsonl)),
            // What fields say is none of their names.
            (
                "{\"type\":\"info\",\"f\":\"start\",\"process\":\"nemesis\"}\n{\"type\":\"invoke\"",
                Some(Format::JepsenJson),
            ),
            ("[{\"process\":0,\"f\":\"write\",\"value\":\"key\",\"type\":\"invoke\"}", Some(Format::JepsenJson)),
            ("{\"process\":0,\"type\":\"invoke\",\"value\":{\"key\":1,\"start\":2}}", Some(Format::JepsenJson)),
            ("{\"process\":0,\"value\":\"a \\\"key\\\": b\",\"type\":\"invoke\"}", Some(Format::JepsenJson)),
            ("{\"process\":0,\"value\":{\"a\":[1]},\"key\":1,\"type\":", Some(Format::Jsonl)),
            ("{\"process\":\"nemesis\",\"type\":\"info\"}\n{\"process\":0,\"key\":\"a\"", Some(Format::Jsonl)),
            ("{:type :invoke}", Some(Format::JepsenEdn)),
            ("; a comment\n; another\n\n[{:type :invoke", Some(Format::JepsenEdn)),
            ("({:type :invoke", Some(Format::JepsenEdn)),
            ("#jepsen.history.Op{:index 0", Some(Format::JepsenEdn)),
            ("#jepsen.history.Op{:error \"jepsen.util - 3 :invoke :read\"}", Some(Format::JepsenEdn)),
            ("{:process 0, :type :invoke, :f :put, :key \"0\", :value \"x\"}", Some(Format::PorcupineKv)),
            ("{:process :nemesis, :f :kill}\n{:process 0, :f :get, :key \"0\"}", Some(Format::PorcupineKv)),
            ("{:process 0, :f :write, :value \":key :f :get\"}", Some(Format::JepsenEdn)),
            ("{:process 0, :f :write, :value {:key 1, :f :get}}", Some(Format::JepsenEdn)),
            ("INFO  jepsen.util - 3\t:invoke\t:read\tnil\n", Some(Format::EtcdLog)),
            ("2014-11-01 starting\nINFO  jepsen.util - 3\t:invoke\t:read\tnil\n", Some(Format::EtcdLog)),
            ("process,f,start,end\n", Some(Format::Csv)),
            ("process,f,start,error\n0,read,1,jepsen.util - 3 :invoke :read\n", Some(Format::Csv)),
            ("process\tf\n", None),
            ("hello", None),
            ("# A heading\n\nsome {text}", None),
            ("", None),
            ("; only a comment", None),
        ] {
            assert_eq!(detect(head.as_bytes()), format, "{head}");
        }
    }
}
