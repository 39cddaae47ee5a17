use super::*;

#[test]
fn go_durations_are_read() {
    let cases: &[(&str, Duration)] = &[
        ("0", Duration::ZERO),
        ("0s", Duration::ZERO),
        ("30s", Duration::from_secs(30)),
        ("1h60m", Duration::from_hours(2)),
        ("720h0m0s", Duration::from_hours(720)),
        ("1.5h", Duration::from_mins(90)),
        ("+5s", Duration::from_secs(5)),
        (".5s", Duration::from_millis(500)),
        ("1.s", Duration::from_secs(1)),
        ("300ms", Duration::from_millis(300)),
        ("1us2ns", Duration::from_nanos(1002)),
        ("1µs", Duration::from_micros(1)),
        ("0.0000000001s", Duration::ZERO),
        ("1h1m1.000000001s", Duration::from_nanos(3_661_000_000_001)),
        (
            "2562047h47m16.854775807s",
            Duration::from_nanos(i64::MAX as u64),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_go(text), Ok(*expected), "{text}");
    }
}

#[test]
fn what_is_no_duration_is_refused_with_a_reason() {
    assert_eq!(parse_go(""), Err(ParseDurationError::Empty));
    assert!(matches!(
        parse_go("-5s"),
        Err(ParseDurationError::Negative { .. })
    ));
    for text in ["h", ".", ".s", "+", "1.2.3s", " 5s", "Never"] {
        assert!(
            matches!(parse_go(text), Err(ParseDurationError::NoNumber { .. })),
            "{text}"
        );
    }
    for text in ["10", "1hm", "3d", "5 s", "1h5", "5s "] {
        assert!(
            matches!(parse_go(text), Err(ParseDurationError::UnknownUnit { .. })),
            "{text}"
        );
    }
    for text in [
        "2562047h47m16.854775808s",
        "99999999999999999999999999999999999999999h",
    ] {
        assert!(
            matches!(parse_go(text), Err(ParseDurationError::TooLong { .. })),
            "{text}"
        );
    }
}

#[test]
fn durations_are_written_as_go_does() {
    let cases: &[(Duration, &str)] = &[
        (Duration::ZERO, "0s"),
        (Duration::from_nanos(7), "7ns"),
        (Duration::from_nanos(1100), "1.1µs"),
        (Duration::from_micros(2200), "2.2ms"),
        (Duration::from_millis(1500), "1.5s"),
        (Duration::from_mins(1), "1m0s"),
        (Duration::from_secs(90), "1m30s"),
        (Duration::from_hours(720), "720h0m0s"),
        (Duration::from_nanos(3_661_000_000_001), "1h1m1.000000001s"),
    ];
    for (duration, expected) in cases {
        assert_eq!(format_go(*duration), *expected);
        assert_eq!(parse_go(expected), Ok(*duration), "{expected}");
    }
}
