use super::*;

#[test]
fn rfc3339_is_read_with_any_offset_and_written_in_utc() {
    let noon = Timestamp::from_seconds(1_767_268_800);
    for text in [
        "2026-01-01T12:00:00Z",
        "2026-01-01T12:00:00.000000Z",
        "2026-01-01T14:00:00+02:00",
        "2026-01-01T12:00:00z",
    ] {
        assert_eq!(Timestamp::parse(text), Ok(noon), "{text}");
    }
    assert_eq!(noon.to_string(), "2026-01-01T12:00:00Z");
    assert_eq!(noon.to_rfc3339_micros(), "2026-01-01T12:00:00.000000Z");
}

#[test]
fn fractions_are_kept_in_the_value_and_rounded_down_in_the_text() {
    let time = Timestamp::parse("2026-01-01T12:00:00.987654321Z").unwrap();
    assert_eq!(time.nanos() % NANOS_PER_SECOND, 987_654_321);
    assert_eq!(time.to_string(), "2026-01-01T12:00:00Z");
    assert_eq!(time.to_rfc3339_micros(), "2026-01-01T12:00:00.987654Z");
    assert_eq!(
        Timestamp::from_nanos(-1).to_string(),
        "1969-12-31T23:59:59Z"
    );
    assert_eq!(
        Timestamp::from_nanos(-1).to_rfc3339_micros(),
        "1969-12-31T23:59:59.999999Z"
    );
}

#[test]
fn the_ends_of_time_saturate() {
    assert_eq!(Timestamp::parse("9999-12-31T23:59:59Z"), Ok(Timestamp::MAX));
    assert_eq!(
        Timestamp::parse("0001-01-01T00:00:00Z"),
        Ok(Timestamp::from_nanos(i64::MIN))
    );
    assert_eq!(Timestamp::from_seconds(i64::MAX), Timestamp::MAX);
    assert_eq!(Timestamp::MAX + Duration::from_secs(1), Timestamp::MAX);
    assert_eq!(Timestamp::MAX.to_string(), "2262-04-11T23:47:16Z");
    assert_eq!(Timestamp::EPOCH - Timestamp::MAX, Duration::ZERO);
}

#[test]
fn differences_saturate_at_zero() {
    let early = Timestamp::from_seconds(10);
    let late = early + Duration::from_millis(1500);
    assert_eq!(late - early, Duration::from_millis(1500));
    assert_eq!(early - late, Duration::ZERO);
    assert_eq!(early.signed_nanos_since(late), -1_500_000_000);
    assert_eq!(late - Duration::from_millis(1500), early);
    assert_eq!(late.truncated_to_seconds(), Timestamp::from_seconds(11));
}

#[test]
fn what_is_no_time_is_refused() {
    for text in ["", "yesterday", "2026-01-01", "2026-13-01T00:00:00Z"] {
        assert!(Timestamp::parse(text).is_err(), "{text}");
    }
    assert!(serde_json::from_str::<Timestamp>("12").is_err());
}

#[test]
fn json_is_the_text() {
    let time = Timestamp::from_seconds(1_767_268_800);
    let json = serde_json::to_string(&time).unwrap();
    assert_eq!(json, "\"2026-01-01T12:00:00Z\"");
    assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), time);
}
