//! Times as the API server writes them, read without a general parser.

use model::Timestamp;
use serde::de::{Deserialize, Deserializer, Error};

use super::raw::Borrowed;

/// Reads an optional time: `2026-01-01T12:00:00Z` by hand, everything else as RFC 3339 allows it.
pub(super) fn quickly<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<Borrowed<'de>>::deserialize(deserializer)? else {
        return Ok(None);
    };
    match whole_seconds(&text) {
        Some(seconds) => Ok(Some(Timestamp::from_seconds(seconds))),
        None => text.parse().map(Some).map_err(Error::custom),
    }
}

/// Seconds since the epoch of a time of the form `2026-01-01T12:00:00Z`, if it has this form and is
/// a valid time.
fn whole_seconds(text: &str) -> Option<i64> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0_i64, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + i64::from(byte - b'0'))
        })
    };
    let marks = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'Z'),
    ];
    if marks.iter().any(|(at, mark)| bytes[*at] != *mark) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    // Days that not every month has, leap seconds and the like are left to the parser.
    let plain = year >= 1970
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    plain.then(|| days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days from 1970-01-01 to a day of the Gregorian calendar: years begin in March here, so that the
/// leap day is the last of a year, and the months before it follow a straight line.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 719,468 days lie between March 1st of the year 0 and 1970-01-01.
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_reads_as_the_general_parser_reads_it() {
        // Steps of 19 days and some seconds, over all months and leap years of a century and more.
        for step in 0..3_000_i64 {
            let time = Timestamp::from_seconds(step * (19 * 86_400 + 3_671));
            let text = time.to_string();
            let json = format!("{text:?}");
            let read = quickly(&mut serde_json::Deserializer::from_str(&json)).unwrap();
            assert_eq!(read, Some(time), "{text}");
        }
    }

    #[test]
    fn other_forms_are_read_too_and_nonsense_is_refused() {
        let read = |json: &str| quickly(&mut serde_json::Deserializer::from_str(json));
        let noon = Some(Timestamp::parse("2026-01-31T12:00:00Z").unwrap());
        assert_eq!(read("\"2026-01-31T13:00:00+01:00\"").unwrap(), noon);
        assert_eq!(read("null").unwrap(), None);
        assert!(read("\"2026-13-01T12:00:00Z\"").is_err());
        assert!(read("\"2026-02-30T12:00:00Z\"").is_err());
        assert!(read("\"yesterday\"").is_err());
    }
}
