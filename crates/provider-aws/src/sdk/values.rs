//! Small things that all services have in common: texts, times, numbers.

use aws_smithy_types::DateTime;
use model::Timestamp;

/// The text, or none at all.
pub(super) fn text(value: Option<impl AsRef<str>>) -> String {
    value.map_or_else(String::new, |value| value.as_ref().to_owned())
}

/// The text, if there is one that is not empty.
pub(super) fn some_text(value: Option<impl AsRef<str>>) -> Option<String> {
    Some(text(value)).filter(|text| !text.is_empty())
}

/// A time, if it is one that we can tell.
pub(super) fn time(value: Option<&DateTime>) -> Option<Timestamp> {
    let nanos = i64::try_from(value?.as_nanos()).ok()?;
    Some(Timestamp::from_nanos(nanos))
}

/// A time that AWS writes as a text.
pub(super) fn written_time(value: Option<&str>) -> Option<Timestamp> {
    Timestamp::parse(value?).ok()
}

/// A time for AWS.
pub(super) fn date_time(time: Timestamp) -> DateTime {
    DateTime::from_secs(time.seconds())
}

/// A count, which is never negative.
pub(super) fn count<N: TryInto<u64>>(value: Option<N>) -> u64 {
    value
        .and_then(|value| value.try_into().ok())
        .unwrap_or_default()
}

/// A number as wide as AWS takes it.
pub(super) fn narrow(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(if value < 0 { i32::MIN } else { i32::MAX })
}
