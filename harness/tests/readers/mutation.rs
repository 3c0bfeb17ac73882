//! How a text that is right is changed: at random, but where it hurts.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Number, Value, json};

/// Numbers at which something may break.
const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "2",
    "127",
    "65536",
    "4294967296",
    "9007199254740993",
    "1000000000000000000",
    "19999999999999999",
    "20000000000000000",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e18",
    "1e300",
    "1e999",
    "0.5",
    "-0.0",
    "2.5e-320",
];

/// Texts at which something may break.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\0",
    "\u{1b}[2J\u{7}\r\u{8}",
    "a\nb\tc",
    "<script>alert(1)</script>",
    "</script><!--",
    "]]>&amp;\"'`",
    "{{x}}${y}%s%n",
    "../../../../etc/passwd",
    "/",
    "\u{202e}\u{feff}\u{fffd}\u{fffe}",
    "e\u{301}\u{200d}👩‍👩‍👧‍👦",
    "n1",
    "n2",
    "null",
    "~",
    "linearizable",
];

/// One of the numbers, as it is written.
pub fn number(rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..4) {
        0 => rng.random::<u64>().to_string(),
        _ => NUMBERS.choose(rng).copied().unwrap_or_default().to_owned(),
    }
}

/// One of the texts, sometimes a long one.
pub fn text(rng: &mut ChaCha8Rng) -> String {
    let text = TEXTS.choose(rng).copied().unwrap_or_default();
    if rng.random_bool(0.05) { text.repeat(20_000) } else { text.to_owned() }
}

/// Changes bytes without regard to what they mean.
pub fn bytes(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    if bytes.is_empty() {
        return;
    }
    let at = rng.random_range(0..bytes.len());
    match rng.random_range(0..5) {
        0 => bytes[at] ^= 1 << rng.random_range(0..8),
        1 => bytes[at] = rng.random(),
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..bytes.len().min(at + rng.random_range(1..40)))),
        _ => {
            let piece = bytes[at..bytes.len().min(at + rng.random_range(1..40))].to_vec();
            let to = rng.random_range(0..=bytes.len());
            bytes.splice(to..to, piece);
        }
    }
}

/// Cuts, swaps and repeats lines.
pub fn lines(lines: &mut Vec<String>, rng: &mut ChaCha8Rng) {
    if lines.is_empty() {
        return;
    }
    let (one, other) = (rng.random_range(0..lines.len()), rng.random_range(0..lines.len()));
    match rng.random_range(0..5) {
        0 => drop(lines.remove(one)),
        1 => lines.swap(one, other),
        2 => lines.insert(other, lines[one].clone()),
        3 => drop(lines.drain(one.min(other)..one.max(other))),
        _ => {
            let piece = lines[one.min(other)..one.max(other)].to_vec();
            lines.splice(other..other, piece);
        }
    }
}

/// Changes one value somewhere within a JSON value; what it becomes is JSON too.
pub fn value(value: &mut Value, rng: &mut ChaCha8Rng) {
    let place = rng.random_range(0..count(value));
    if let Some(found) = nth(value, &mut { place }) {
        *found = other(found, rng);
    }
}

fn other(value: &Value, rng: &mut ChaCha8Rng) -> Value {
    match (rng.random_range(0..20), value) {
        (0, _) => Value::Null,
        (1, _) => json!([value, value]),
        (2, _) => json!({ "ok": value }),
        (3, _) => Value::String(text(rng)),
        (4, _) => number(rng).parse::<Number>().map_or(Value::Bool(true), Value::Number),
        (5, Value::Object(fields)) => {
            let mut fields = fields.clone();
            let name = fields.keys().nth(rng.random_range(0..fields.len().max(1))).cloned();
            name.map(|name| fields.remove(&name));
            Value::Object(fields)
        }
        (_, Value::Number(before)) => {
            // Near its place a number keeps the history readable more often than far from it.
            let near = before.as_i64().map(|before| before.saturating_add(rng.random_range(-3..=3)));
            match near.filter(|_| rng.random()) {
                Some(near) => json!(near),
                None => number(rng).parse::<Number>().map_or(Value::Null, Value::Number),
            }
        }
        (_, Value::String(_)) => Value::String(text(rng)),
        (_, Value::Array(items)) => {
            let mut items = items.clone();
            items.extend(items.clone());
            Value::Array(items)
        }
        (_, other) => other.clone(),
    }
}

/// How many values there are within a value, itself counted.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn nth<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth(item, place)),
        Value::Object(fields) => fields.values_mut().find_map(|field| nth(field, place)),
        _ => None,
    }
}
