//! Which format a file has, by how it begins.

use super::{Format, etcd_log};

/// The format of a file that begins with `head`; `None`: no known one.
pub(super) fn detect(head: &[u8]) -> Option<Format> {
    let text = String::from_utf8_lossy(head);
    let text = after_comments(&text);
    if text.lines().any(|line| etcd_log::operation(line).is_some()) && !text.starts_with(['{', '[', '(']) {
        return Some(Format::EtcdLog);
    }
    let inner = after_comments(text.trim_start_matches(['[', '(']));
    match text.chars().next()? {
        '{' | '[' if object(inner).is_some() => json(text, object(inner)?),
        '{' | '[' | '(' => Some(edn(inner)),
        // A record: `#jepsen.history.Op{`.
        '#' => {
            let (tag, _) = text[1..].split_once('{')?;
            let is_tag =
                !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            is_tag.then(|| edn(inner))
        }
        _ => {
            let columns: Vec<&str> =
                text.lines().next()?.split(',').map(|name| name.trim().trim_matches('"')).collect();
            (columns.len() > 2 && columns.contains(&"process") && columns.contains(&"f")).then_some(Format::Csv)
        }
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

/// What follows the bracket of an object of JSON, up to the next one.
fn object(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('{')?.trim_start();
    // In EDN a text may be a key too, but no colon follows it.
    let (_, after) = inner.strip_prefix('"')?.split_once('"')?;
    after.trim_start().starts_with(':').then(|| inner.split('}').next().unwrap_or(inner))
}

fn json(text: &str, object: &str) -> Option<Format> {
    const EVENTS: [&str; 8] = ["start", "facts", "invoke", "return", "fault", "sample", "phase", "end"];
    let (name, rest) = object.strip_prefix('"')?.split_once('"')?;
    let rest = rest.trim_start().trim_start_matches(':').trim_start();
    if text.starts_with('{') && rest.starts_with('{') && EVENTS.contains(&name) {
        return Some(Format::Squall);
    }
    let has = |name: &str| object.contains(&format!("\"{name}\""));
    Some(if has("start") || has("key") { Format::Jsonl } else { Format::JepsenJson })
}

fn edn(text: &str) -> Format {
    let first = text.split('}').next().unwrap_or(text);
    let is_kv =
        first.contains(":key ") && [":get", ":put", ":append"].iter().any(|f| first.contains(&format!(":f {f}")));
    if is_kv { Format::PorcupineKv } else { Format::JepsenEdn }
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
            ("{:type :invoke}", Some(Format::JepsenEdn)),
            ("; a comment\n; another\n\n[{:type :invoke", Some(Format::JepsenEdn)),
            ("({:type :invoke", Some(Format::JepsenEdn)),
            ("#jepsen.history.Op{:index 0", Some(Format::JepsenEdn)),
            ("{:process 0, :type :invoke, :f :put, :key \"0\", :value \"x\"}", Some(Format::PorcupineKv)),
            ("INFO  jepsen.util - 3\t:invoke\t:read\tnil\n", Some(Format::EtcdLog)),
            ("2014-11-01 starting\nINFO  jepsen.util - 3\t:invoke\t:read\tnil\n", Some(Format::EtcdLog)),
            ("process,f,start,end\n", Some(Format::Csv)),
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
