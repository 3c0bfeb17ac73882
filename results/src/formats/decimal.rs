//! Numbers as JSON and CSV write them: `1`, `1.0` and `1e0` are one number, which has one spelling here.

use super::datum::Datum;

/// The most digits of a number that is written without an exponent.
const DIGITS_MAX: i64 = 40;
const ZEROS_MIN: i64 = -DIGITS_MAX;

/// The number that `text` spells, all its digits included; `None`: it spells none. Zeros in front of others have only names,
/// and so has a sign `+`.
pub(super) fn decimal(text: &str) -> Option<Datum> {
    let (sign, number) = text.strip_prefix('-').map_or(("", text), |number| ("-", number));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_mantissa = [whole, fraction].iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && whole.len() + fraction.len() > 0
        && (whole.len() < 2 || !whole.starts_with('0'));
    let exponent: i64 = exponent.parse().ok().filter(|_| is_mantissa)?;
    let digits = [whole, fraction].concat();
    let least = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - least.len()).ok()?;
    let power = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    spelled(sign, least.trim_start_matches('0'), power)
}

/// These digits, which neither begin nor end with a zero, times a power of ten.
fn spelled(sign: &str, digits: &str, power: i64) -> Option<Datum> {
    if digits.is_empty() {
        return Some(Datum::Int(0));
    }
    // Where the point stands among the digits, or beside them.
    let point = power.checked_add(i64::try_from(digits.len()).ok()?)?;
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    let text = match (power, point) {
        (0.., ..=DIGITS_MAX) => {
            let whole = format!("{sign}{digits}{}", zeros(power));
            return Some(whole.parse().map_or_else(|_| Datum::Number(whole.into()), Datum::Int));
        }
        (..0, 1..) => {
            let (whole, fraction) = digits.split_at(usize::try_from(point).ok()?);
            format!("{sign}{whole}.{fraction}")
        }
        (..0, ZEROS_MIN..=0) => format!("{sign}0.{}{digits}", zeros(-point)),
        _ => {
            let (first, rest) = digits.split_at(1);
            format!("{sign}{first}{}{rest}e{}", if rest.is_empty() { "" } else { "." }, point - 1)
        }
    };
    Some(Datum::Number(text.into()))
}

/// A value in which all numbers are spelled so: what EDN tells apart, JSON and CSV do not.
pub(super) fn plain(datum: Datum) -> Datum {
    let all = |items: Vec<Datum>| items.into_iter().map(plain).collect();
    match datum {
        Datum::Number(number) => decimal(&number).unwrap_or(Datum::Number(number)),
        Datum::Seq(items) => Datum::Seq(all(items)),
        Datum::Set(items) => Datum::set(all(items)),
        // Keys that become equal stay as they are: they name two things.
        Datum::Map(entries) => {
            let plained = entries.iter().cloned().map(|(key, value)| (plain(key), plain(value))).collect();
            Datum::map(plained).unwrap_or(Datum::Map(entries))
        }
        other => other,
    }
}

/// A value in which all is a text that would be read as something else out of a cell of CSV: where EDN tells more apart.
pub(super) fn apart(datum: Datum) -> Datum {
    let all = |items: Vec<Datum>| items.into_iter().map(apart).collect();
    match datum {
        Datum::Number(number) if decimal(&number).is_some_and(|same| same != Datum::Number(number.clone())) => {
            Datum::Text(number)
        }
        Datum::Symbol(word) => Datum::Text(word),
        Datum::Seq(items) => Datum::Seq(all(items)),
        Datum::Set(items) => Datum::set(all(items)),
        Datum::Map(entries) => {
            let told = entries.iter().cloned().map(|(key, value)| (apart(key), apart(value))).collect();
            Datum::map(told).unwrap_or(Datum::Map(entries))
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_spelling() {
        for (spellings, expected) in [
            ("1 1.0 1.00 1e0 1E+0 0.1e1 10e-1 100e-2 1.", "1"),
            ("0 -0 0.0 0e7 .0", "0"),
            ("-1500 -1.5e3 -1500.0", "-1500"),
            ("1.5 1.50 15e-1 0.15e1", "1.5"),
            ("0.5 .5 5e-1", "0.5"),
            ("1e19 10000000000000000000 1.0e19", "10000000000000000000"),
            ("9223372036854775807 9.223372036854775807e18", "9223372036854775807"),
            ("1.00000000000000000001", "1.00000000000000000001"),
            ("1e400 10e399 1.0e+400", "1e400"),
            ("12e400", "1.2e401"),
            ("1e-60", "1e-60"),
            ("0.00001 1e-05", "0.00001"),
        ] {
            for spelling in spellings.split(' ') {
                assert_eq!(decimal(spelling).map(|datum| datum.to_string()).as_deref(), Some(expected), "{spelling}");
            }
        }
        assert_eq!(decimal("1.0"), Some(Datum::Int(1)));
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in
            ["", "-", ".", "007", "-01", "+7", "7N", "1e", "e5", "1e1.5", "1.2.3", "0x1f", "1_000", "--1", "1-2", "NaN"]
        {
            assert_eq!(decimal(text), None, "{text}");
        }
        assert_eq!(decimal("1e99999999999999999999"), None, "beyond all counting");
    }
}
