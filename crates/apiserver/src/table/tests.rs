use jiff::Timestamp;

use super::age;

#[test]
fn ages_use_two_units_while_the_larger_is_small() {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let after = |seconds: i64| {
        age(
            "2026-01-01T00:00:00Z",
            start + jiff::SignedDuration::from_secs(seconds),
        )
    };
    let cases = [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (3600, "60m"),
        (3 * 3600 + 60, "3h1m"),
        (10 * 3600, "10h"),
        (2 * 86400 + 3600, "2d1h"),
        (30 * 86400, "30d"),
        (800 * 86400, "2y"),
    ];
    for (seconds, wanted) in cases {
        assert_eq!(after(seconds), wanted);
    }
    assert_eq!(age("never", start), "<unknown>");
}
