//! Numbers and instants as people read them.

/// A duration with three significant digits and the unit that suits it: `850 ns`, `1.23 ms`, `12.3 s`, `3 min 05 s`.
pub(super) fn duration(ns: u64) -> String {
    let value = ns as f64;
    // The limits lie where rounding to three digits would carry over into the next unit.
    match value {
        ..999.5 => format!("{ns} ns"),
        ..999_500.0 => format!("{} µs", three_digits(value / 1e3)),
        ..999_500_000.0 => format!("{} ms", three_digits(value / 1e6)),
        ..99_950_000_000.0 => format!("{} s", three_digits(value / 1e9)),
        _ => {
            let seconds = (value / 1e9).round() as u64;
            match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
                (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
                (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
            }
        }
    }
}

fn three_digits(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// An instant of the run, to the millisecond: `12.345 s`.
pub(super) fn instant(ns: u64) -> String {
    format!("{:.3} s", ns as f64 / 1e9)
}

/// A count with a separator for thousands: `100,000`.
pub(super) fn count(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun, in the plural where it must be: `1 anomaly`, `2 anomalies`.
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A figure of a checker: whole numbers without decimals.
pub(super) fn figure(value: f64) -> String {
    if value.fract() == 0.0 && (0.0..1e15).contains(&value) { count(value as usize) } else { format!("{value:.3}") }
}

/// A share of one: `99.5 %`. Only what is whole is called 100 %.
pub(super) fn percent(ratio: f64) -> String {
    match ratio {
        1.0.. => "100 %".into(),
        0.9995.. => "> 99.9 %".into(),
        _ => format!("{:.1} %", ratio * 100.0),
    }
}

/// An instant of the wall clock: `2026-11-20 22:58:25 UTC`.
///
/// The date follows Howard Hinnant, *chrono-compatible low-level date algorithms*, `civil_from_days`.
pub(super) fn utc(unix_ms: i64) -> String {
    let (days, second) = (unix_ms.div_euclid(86_400_000), unix_ms.rem_euclid(86_400_000) / 1000);
    // Years begin in March and come in eras of 400, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_suit_their_size() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (999_499, "999 µs"),
            (999_500, "1.00 ms"),
            (1_234_000, "1.23 ms"),
            (45_600_000, "45.6 ms"),
            (12_340_000_000, "12.3 s"),
            (185_000_000_000, "3 min 05 s"),
            (7_260_000_000_000, "2 h 01 min"),
        ];
        for (ns, expected) in cases {
            assert_eq!(duration(ns), expected);
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00 UTC"),
            (1_795_215_505_999, "2026-11-20 22:58:25 UTC"),
            (-1, "1969-12-31 23:59:59 UTC"),
        ];
        for (unix_ms, expected) in cases {
            assert_eq!(utc(unix_ms), expected);
        }
    }

    #[test]
    fn numbers_are_grouped_and_shares_honest() {
        assert_eq!([count(7), count(1_000), count(1_234_567)], ["7", "1,000", "1,234,567"]);
        assert_eq!(
            [percent(1.0), percent(0.99999), percent(0.994), percent(0.0)],
            ["100 %", "> 99.9 %", "99.4 %", "0.0 %"]
        );
        assert_eq!([figure(3.0), figure(0.25)], ["3", "0.250"]);
        assert_eq!([counted(1, "fault", "faults"), counted(2, "fault", "faults")], ["1 fault", "2 faults"]);
    }
}
