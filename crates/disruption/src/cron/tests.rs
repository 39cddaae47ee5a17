use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn hits(schedule: &str, from: &str, to: &str) -> bool {
    let schedule = Schedule::parse(schedule).expect(schedule);
    schedule.hits_after(at(from), at(to))
}

#[test]
fn hits_are_found_after_the_beginning_and_up_to_the_end() {
    assert!(hits(
        "0 9 * * *",
        "2026-03-01T08:59:59Z",
        "2026-03-01T09:00:00Z"
    ));
    assert!(!hits(
        "0 9 * * *",
        "2026-03-01T09:00:00Z",
        "2026-03-01T23:00:00Z"
    ));
    assert!(hits(
        "0 9 * * *",
        "2026-03-01T09:00:00Z",
        "2026-03-02T09:00:00Z"
    ));
    assert!(!hits(
        "0 9 * * *",
        "2026-03-01T08:00:00Z",
        "2026-03-01T08:59:59Z"
    ));
}

#[test]
fn fields_take_lists_ranges_steps_and_names() {
    for (schedule, minute, expected) in [
        ("*/15 * * * *", "2026-03-01T10:45:00Z", true),
        ("*/15 * * * *", "2026-03-01T10:50:00Z", false),
        ("10/20 * * * *", "2026-03-01T10:50:00Z", true),
        ("5,50 8-10 * * *", "2026-03-01T10:50:00Z", true),
        ("5,50 8-9 * * *", "2026-03-01T10:50:00Z", false),
        ("0 0 29 2 *", "2028-02-29T00:00:00Z", true),
        ("0 0 * JAN-mar sun", "2026-03-01T00:00:00Z", true),
        ("0 0 * * mon-fri", "2026-03-01T00:00:00Z", false),
        ("0 0 1 1 *", "2026-01-01T00:00:00Z", true),
        ("@yearly", "2026-01-01T00:00:00Z", true),
        ("@weekly", "2026-03-01T00:00:00Z", true),
        ("@weekly", "2026-03-02T00:00:00Z", false),
        ("@monthly", "2026-03-01T00:00:00Z", true),
        ("@hourly", "2026-03-01T17:00:00Z", true),
    ] {
        let to = at(minute);
        let parsed = Schedule::parse(schedule).expect(schedule);
        let from = to - std::time::Duration::from_mins(1);
        assert_eq!(
            parsed.hits_after(from, to),
            expected,
            "{schedule} at {minute}"
        );
    }
}

/// Cron's old rule: two restricted day fields make a hit with either, else both must hold.
#[test]
fn two_restricted_days_are_alternatives() {
    // The 13th of March 2026 is a Friday, the 20th another, the 14th a Saturday.
    let day = |schedule: &str, day: &str| {
        hits(
            schedule,
            &format!("{day}T00:00:00Z"),
            &format!("{day}T13:00:00Z"),
        )
    };
    assert!(day("0 12 14 * fri", "2026-03-13") && day("0 12 14 * fri", "2026-03-14"));
    assert!(!day("0 12 14 * fri", "2026-03-15"));
    assert!(day("0 12 * * fri", "2026-03-20") && !day("0 12 * * fri", "2026-03-14"));
}

#[test]
fn what_is_no_schedule_is_named() {
    for (text, expected) in [
        (
            "* * * *",
            "expected 5 fields or a macro such as @daily, found 4",
        ),
        ("@never", "unknown macro \"@never\""),
        (
            "60 * * * *",
            "minute \"60\" is not a list of values from 0 to 59",
        ),
        (
            "* * 0 * *",
            "day of month \"0\" is not a list of values from 1 to 31",
        ),
        (
            "* * * * mun",
            "day of week \"mun\" is not a list of values from 0 to 6",
        ),
        (
            "5-1 * * * *",
            "minute \"5-1\" is not a list of values from 0 to 59",
        ),
        (
            "*/0 * * * *",
            "minute \"*/0\" is not a list of values from 0 to 59",
        ),
    ] {
        assert_eq!(Schedule::parse(text).expect_err(text).to_string(), expected);
    }
}

/// A calendar that is counted day by day, from the Thursday on which the epoch began.
#[test]
fn the_calendar_agrees_with_counting_days() {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut day = 0;
    for year in 1970..2110 {
        let february = if leap(year) { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in lengths.into_iter().enumerate() {
            for day_of_month in 1..=length {
                assert_eq!(month_and_day(day), (month as i64 + 1, day_of_month));
                day += 1;
            }
        }
    }
}
