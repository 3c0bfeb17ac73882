//! Reads EDN, form by form: <https://github.com/edn-format/edn>, and what Clojure prints besides (records, ratios,
//! namespaced maps, metadata).

use super::bytes::Bytes;
use super::datum::Datum;
use super::place::{Place, Problem};
use std::io::Read;

/// How deep forms may lie in each other.
const DEPTH_MAX: usize = 100;

/// What comes next.
pub(super) enum Next {
    /// A form that begins with this byte.
    Form(u8),
    /// A closing bracket, which is passed, and where it stands.
    Close(u8, Place),
    /// The end.
    End,
}

/// A reader of forms.
pub(super) struct Edn<R> {
    bytes: Bytes<R>,
    token: Vec<u8>,
    depth: usize,
}

impl<R: Read> Edn<R> {
    pub(super) fn new(bytes: Bytes<R>) -> Edn<R> {
        Edn { bytes, token: Vec::new(), depth: 0 }
    }

    /// Where the next byte stands.
    pub(super) fn place(&self) -> Place {
        self.bytes.place()
    }

    /// A new form of the history begins here.
    pub(super) fn begin_form(&mut self) {
        self.bytes.begin_form();
    }

    /// Passes a byte that [`Edn::ahead`] told.
    pub(super) fn pass(&mut self, byte: u8) -> Result<(), Problem> {
        self.bytes.pass(byte)
    }

    /// Passes white space, comments and discarded forms.
    pub(super) fn ahead(&mut self) -> Result<Next, Problem> {
        loop {
            match self.bytes.peek()? {
                None => return Ok(Next::End),
                Some(b';') => self.bytes.skip_while(|byte| byte != b'\n')?,
                Some(byte) if is_space(byte) => self.bytes.skip_while(is_space)?,
                Some(close @ (b')' | b']' | b'}')) => {
                    let place = self.place();
                    self.bytes.pass(close)?;
                    return Ok(Next::Close(close, place));
                }
                Some(byte) => return Ok(Next::Form(byte)),
            }
        }
    }

    /// The form that begins with `first`, which [`Edn::ahead`] told; `None`: it was discarded by `#_`.
    pub(super) fn form(&mut self, first: u8) -> Result<Option<Datum>, Problem> {
        let place = self.place();
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Problem::at(place, format!("forms that lie deeper than {DEPTH_MAX} in each other")));
        }
        self.bytes.pass(first)?;
        let form = match first {
            b'(' => Some(Datum::Seq(self.items(place, b')')?)),
            b'[' => Some(Datum::Seq(self.items(place, b']')?)),
            b'{' => Some(self.map(place)?),
            b'"' => Some(Datum::Text(self.text(place)?)),
            b'#' => self.dispatch(place)?,
            b'^' => {
                self.inner(place)?;
                Some(self.inner(place)?)
            }
            b'\\' => Some(self.character()?),
            b':' => Some(Datum::Keyword(self.token(place, b':')?)),
            other => Some(self.atom(place, other)?),
        };
        self.depth -= 1;
        Ok(form)
    }

    /// The next form that is not discarded, within one that began at `place`.
    fn inner(&mut self, place: Place) -> Result<Datum, Problem> {
        loop {
            match self.ahead()? {
                Next::Form(first) => {
                    if let Some(form) = self.form(first)? {
                        return Ok(form);
                    }
                }
                Next::Close(close, at) => {
                    let close = char::from(close);
                    return Err(Problem::at(at, format!("a `{close}` where a form should stand")));
                }
                Next::End => return Err(unfinished(place)),
            }
        }
    }

    fn items(&mut self, place: Place, close: u8) -> Result<Vec<Datum>, Problem> {
        let mut items = Vec::new();
        loop {
            match self.ahead()? {
                Next::Form(first) => items.extend(self.form(first)?),
                Next::Close(found, _) if found == close => return Ok(items),
                Next::Close(found, at) => {
                    let (found, close) = (char::from(found), char::from(close));
                    return Err(Problem::at(
                        at,
                        format!("a `{found}` where a `{close}` should close what began at {place}"),
                    ));
                }
                Next::End => return Err(unfinished(place)),
            }
        }
    }

    fn map(&mut self, place: Place) -> Result<Datum, Problem> {
        let items = self.items(place, b'}')?;
        if items.len() % 2 == 1 {
            return Err(Problem::at(place, "a map with a key that has no value"));
        }
        let mut items = items.into_iter();
        let mut entries = Vec::with_capacity(items.len() / 2);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        Datum::map(entries).map_err(|reason| Problem::at(place, reason))
    }

    /// What follows `#`.
    fn dispatch(&mut self, place: Place) -> Result<Option<Datum>, Problem> {
        match self.bytes.peek()? {
            Some(b'{') => {
                self.bytes.pass(b'{')?;
                Ok(Some(Datum::set(self.items(place, b'}')?)))
            }
            Some(b'_') => {
                self.bytes.pass(b'_')?;
                self.inner(place)?;
                Ok(None)
            }
            Some(b'#') => {
                self.bytes.pass(b'#')?;
                Ok(Some(Datum::Number(format!("##{}", self.token(place, b'#')?).into())))
            }
            Some(byte) if is_symbol(byte) => {
                let tag = self.token(place, b'#')?;
                let value = self.inner(place)?;
                // A record, a tuple or a namespaced map is what it holds; a tagged text (#inst, #uuid) is more.
                Ok(Some(match value {
                    Datum::Text(_) => Datum::Tagged(tag, Box::new(value)),
                    other => other,
                }))
            }
            Some(_) => Err(Problem::at(place, "a `#` that begins neither a set, nor a tag, nor `#_`")),
            None => Err(unfinished(place)),
        }
    }

    /// The rest of a token after its first byte `sign`, which is no part of it.
    fn token(&mut self, place: Place, sign: u8) -> Result<Box<str>, Problem> {
        self.token.clear();
        self.bytes.take_while(&mut self.token, is_symbol)?;
        if self.token.is_empty() {
            return Err(Problem::at(place, format!("a `{}` with no word after it", char::from(sign))));
        }
        word(&self.token, place)
    }

    fn atom(&mut self, place: Place, first: u8) -> Result<Datum, Problem> {
        if !is_symbol(first) {
            let first = char::from(first);
            return Err(Problem::at(place, format!("`{}` begins no form", first.escape_default())));
        }
        self.token.clear();
        self.token.push(first);
        self.bytes.take_while(&mut self.token, is_symbol)?;
        let text = word(&self.token, place)?;
        let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
        Ok(match &*text {
            "nil" => Datum::Nil,
            "true" => Datum::Bool(true),
            "false" => Datum::Bool(false),
            _ if digits.starts_with(|first: char| first.is_ascii_digit()) => {
                number(&text).ok_or_else(|| Problem::at(place, format!("`{text}` is no number")))?
            }
            _ => Datum::Symbol(text),
        })
    }

    /// `\c`, `\newline`, `\u0041`.
    fn character(&mut self) -> Result<Datum, Problem> {
        let place = self.place();
        self.token.clear();
        self.token.push(b'\\');
        let first = self.bytes.next()?.ok_or_else(|| unfinished(place))?;
        self.token.push(first);
        self.bytes.take_while(&mut self.token, is_symbol)?;
        word(&self.token, place).map(Datum::Symbol)
    }

    /// The rest of a text after its first quote.
    fn text(&mut self, place: Place) -> Result<Box<str>, Problem> {
        self.token.clear();
        loop {
            self.bytes.take_while(&mut self.token, |byte| byte != b'"' && byte != b'\\')?;
            let at = self.place();
            match self.bytes.next()? {
                Some(b'"') => return word(&self.token, place),
                Some(_) => self.escape(at)?,
                None => return Err(unfinished(place)),
            }
        }
    }

    /// What follows a backslash within a text.
    fn escape(&mut self, place: Place) -> Result<(), Problem> {
        let character = match self.bytes.next()? {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(same @ (b'"' | b'\\' | b'/')) => char::from(same),
            Some(b'u') => {
                let unit = self.unit(place)?;
                self.pair(place, unit)?
            }
            _ => return Err(Problem::at(place, "an escape that no text knows")),
        };
        let mut utf8 = [0; 4];
        self.token.extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
        Ok(())
    }

    /// Four hexadecimal digits.
    fn unit(&mut self, place: Place) -> Result<u16, Problem> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.bytes.next()?.and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or_else(|| Problem::at(place, "`\\u` without four hexadecimal digits"))?;
            unit = 16 * unit + digit as u16;
        }
        Ok(unit)
    }

    /// The character that begins with the UTF-16 unit `unit`, as Java writes characters.
    fn pair(&mut self, place: Place, unit: u16) -> Result<char, Problem> {
        let lone = || Problem::at(place, "half of a surrogate pair");
        let mut units = vec![unit];
        if (0xD800..0xDC00).contains(&unit) {
            for expected in [b'\\', b'u'] {
                if self.bytes.next()? != Some(expected) {
                    return Err(lone());
                }
            }
            units.push(self.unit(place)?);
        }
        char::decode_utf16(units).next().and_then(Result::ok).ok_or_else(lone)
    }
}

/// The value that `text` is in EDN; `None`: it is no single form.
pub(super) fn parse(text: &str) -> Option<Datum> {
    let mut edn = Edn::new(Bytes::new(text.as_bytes()));
    let Ok(Next::Form(first)) = edn.ahead() else { return None };
    let form = edn.form(first).ok()??;
    matches!(edn.ahead(), Ok(Next::End)).then_some(form)
}

fn unfinished(place: Place) -> Problem {
    Problem::at(place, "a form that is not finished when the file ends")
}

fn word(token: &[u8], place: Place) -> Result<Box<str>, Problem> {
    let text = std::str::from_utf8(token).map_err(|_| Problem::at(place, "bytes that are no UTF-8"))?;
    Ok(text.into())
}

/// A number: whole ones of 64 bits as such, others as text, written in one way, so that equal ones are equal and others not.
fn number(text: &str) -> Option<Datum> {
    let signless = text.strip_prefix(['-', '+']).unwrap_or(text);
    if signless.starts_with('0') && signless[1..].starts_with(|next: char| next.is_ascii_digit()) {
        // In EDN no number begins so; some read it as octal.
        return None;
    }
    let positive = text.strip_prefix('+').unwrap_or(text);
    let whole = positive.strip_suffix('N').unwrap_or(positive);
    if let Ok(int) = whole.parse() {
        return Some(Datum::Int(int));
    }
    let is_whole = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((over, under)) = positive.split_once('/') {
        return (is_whole(over.strip_prefix('-').unwrap_or(over)) && is_whole(under))
            .then(|| Datum::Number(positive.into()));
    }
    if is_whole(whole.strip_prefix('-').unwrap_or(whole)) {
        return Some(Datum::Number(whole.into()));
    }
    let bare = positive.strip_suffix('M').unwrap_or(positive);
    let float: f64 = bare.parse().ok()?;
    let written = format!("{float:?}");
    // Where a float of 64 bits is another number, the text is all there is.
    let is_exact = float.is_finite() && digits(&written) == digits(bare);
    Some(Datum::Number(if is_exact { written.into() } else { bare.into() }))
}

/// The digits of a number that say something, without the zeros around them.
fn digits(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or(number);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r' | b',' | 0x0C)
}

/// Whether a byte can be part of a symbol, a keyword or a number. Whatever is not ASCII can.
fn is_symbol(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b".*+!-_?$%&=<>:/#'|".contains(&byte)
}

#[cfg(test)]
mod oracle;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = parse(text).map(|datum| datum.to_string());
        assert_eq!(found.as_deref(), Some(expected), "{text}");
    }

    #[test]
    fn forms_are_read() {
        check("nil", "nil");
        check(" [1 -2 +3, 4N true false] ", "[1 -2 3 4 true false]");
        check("(:a :b/c ::d e/f g)", "[:a :b/c ::d e/f g]");
        check("{:b 1 :a {2 3}}", "{:a {2 3}, :b 1}");
        check("#{3 1 2 2}", "#{1 2 3}");
        check(r#""a\"b\\c\n\u00e4\ud83d\ude00""#, "\"a\\\"b\\\\c\\nä😀\"");
        check("1.50 ", "1.5");
        check("1.5e3M", "1500.0");
        check("2/3", "2/3");
        check("123456789012345678901234567890", "123456789012345678901234567890");
        check("#inst \"2020-01-01\"", "#inst \"2020-01-01\"");
        check("#jepsen.history.Op{:a 1}", "{:a 1}");
        check("#:x{:a 1}", "{:a 1}");
        check("[1 #_ 2 #_#_ 3 4 5] ; the end", "[1 5]");
        check("^{:meta 1} [2]", "[2]");
        check("[\\a \\newline \\u0041 \\( 1]", "[\\a \\newline \\u0041 \\( 1]");
        check("##Inf", "##Inf");
        check("[+99999999999999999999 -99999999999999999999N]", "[99999999999999999999 -99999999999999999999]");
        check("[1.00000000000000000001 0.1e1 100.0 1e21 1e400]", "[1.00000000000000000001 1.0 100.0 1e21 1e400]");
        check("[[] () {} #{}]", "[[] [] {} #{}]");
    }

    #[test]
    fn what_is_no_form_is_refused_where_it_is() {
        for (text, place, part) in [
            ("[1 2", (1, 1), "not finished"),
            ("\n {:a}", (2, 2), "no value"),
            ("{:a 1 :a 2}", (1, 1), ":a in it twice"),
            ("[1\n  )]", (2, 3), "`)` where a `]`"),
            ("\"ab\\q\"", (1, 4), "escape"),
            ("\"\\ud83d\"", (1, 2), "surrogate"),
            ("12x", (1, 1), "no number"),
            ("007", (1, 1), "no number"),
            ("-00.5", (1, 1), "no number"),
            ("@x", (1, 1), "begins no form"),
            ("#", (1, 1), "not finished"),
            (": a", (1, 1), "no word"),
        ] {
            let mut edn = Edn::new(Bytes::new(text.as_bytes()));
            let Ok(Next::Form(first)) = edn.ahead() else { panic!("{text}") };
            let Err(Problem::At(found, reason)) = edn.form(first) else { panic!("{text}") };
            assert_eq!((found.line, found.column), place, "{text}: {reason}");
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(parse(&"[".repeat(100_000)), None);
        assert!(parse(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_some());
    }

    #[test]
    fn equal_values_are_equal_however_they_are_written() {
        for (left, right) in [("{:a 1 :b 2}", "{:b 2, :a 1}"), ("#{1 2}", "#{2 1}"), ("1.0", "1.00"), ("(1)", "[1]")] {
            assert_eq!(parse(left), parse(right), "{left} {right}");
        }
        assert_ne!(parse(":a"), parse("\"a\""));
    }
}
