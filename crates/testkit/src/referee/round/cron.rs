//! Schedules of budgets, by brute force: minute by minute.

use std::time::Duration;

use model::Timestamp;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Whether a time of the schedule is later than `now` less `duration`, and not later than `now`.
/// None if the schedule can't be read.
pub(super) fn is_active(schedule: &str, duration: Duration, now: Timestamp) -> Option<bool> {
    let fields = parse(schedule)?;
    let mut minute = now.seconds().div_euclid(60);
    loop {
        let begin = Timestamp::from_seconds(minute * 60);
        if begin + duration <= now {
            return Some(false);
        }
        if fields.hit(begin) {
            return Some(true);
        }
        minute -= 1;
    }
}

/// Values that each part of a time may have.
struct Fields {
    minutes: Vec<u32>,
    hours: Vec<u32>,
    /// Days of the month; none where all are meant.
    days: Option<Vec<u32>>,
    months: Vec<u32>,
    /// Days of the week, from Sunday; none where all are meant.
    weekdays: Option<Vec<u32>>,
}

impl Fields {
    fn hit(&self, at: Timestamp) -> bool {
        // 2026-01-01T12:00:00Z
        let text = at.to_string();
        let part = |from: usize| text.get(from..from + 2).and_then(|part| part.parse().ok());
        let has = |values: &[u32], from| part(from).is_some_and(|value| values.contains(&value));
        // The epoch was a Thursday.
        let weekday = (at.seconds().div_euclid(86_400) + 4).rem_euclid(7);
        let on = |days: &Vec<u32>| days.iter().any(|day| i64::from(*day) == weekday);
        let day = match (&self.days, &self.weekdays) {
            (None, None) => true,
            (Some(days), None) => has(days, 8),
            (None, Some(weekdays)) => on(weekdays),
            (Some(days), Some(weekdays)) => has(days, 8) || on(weekdays),
        };
        day && has(&self.months, 5) && has(&self.hours, 11) && has(&self.minutes, 14)
    }
}

fn parse(schedule: &str) -> Option<Fields> {
    let schedule = match schedule.trim() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        other => other,
    };
    let parts: Vec<&str> = schedule.split_whitespace().collect();
    let [minutes, hours, days, months, weekdays] = parts[..] else {
        return None;
    };
    let all = |text: &str| text.starts_with(['*', '?']) && !text.contains(['/', ',']);
    Some(Fields {
        minutes: field(minutes, 0, 59, &[])?,
        hours: field(hours, 0, 23, &[])?,
        days: if all(days) {
            None
        } else {
            Some(field(days, 1, 31, &[])?)
        },
        months: field(months, 1, 12, &MONTHS)?,
        weekdays: if all(weekdays) {
            None
        } else {
            Some(field(weekdays, 0, 6, &DAYS)?)
        },
    })
}

/// The values of a list of ranges such as `1,5-9/2,*/15`.
fn field(text: &str, first: u32, last: u32, names: &[&str]) -> Option<Vec<u32>> {
    let number = |text: &str| -> Option<u32> {
        let name = names
            .iter()
            .position(|name| text.eq_ignore_ascii_case(name));
        let value = match name {
            Some(at) => u32::try_from(at).ok()? + first,
            None => text.parse().ok()?,
        };
        (first..=last).contains(&value).then_some(value)
    };
    let mut values = Vec::new();
    for item in text.split(',') {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|s| *s > 0)?)),
            None => (item, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*" | "?", _) => (first, last),
            (_, Some((from, to))) => (number(from)?, number(to)?),
            (one, None) if step.is_some() => (number(one)?, last),
            (one, None) => (number(one)?, number(one)?),
        };
        if from > to {
            return None;
        }
        values.extend((from..=to).step_by(step.unwrap_or(1) as usize));
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_active_from_its_hit_until_its_duration_is_over() {
        let active = |schedule: &str, minutes: u64, now: &str| {
            let now = Timestamp::parse(now).expect("a time");
            is_active(schedule, Duration::from_mins(minutes), now)
        };
        // The first day of 2026 was a Thursday.
        let rows = [
            ("0 12 * * *", 10, "2026-01-01T12:00:00Z", Some(true)),
            ("0 12 * * *", 10, "2026-01-01T12:09:59Z", Some(true)),
            ("0 12 * * *", 10, "2026-01-01T12:10:00Z", Some(false)),
            ("0 12 * * *", 10, "2026-01-01T11:59:59Z", Some(false)),
            ("@daily", 13 * 60, "2026-01-01T12:00:00Z", Some(true)),
            ("@hourly", 1, "2026-01-01T12:01:00Z", Some(false)),
            (
                "*/20 9-17 * * mon-fri",
                5,
                "2026-01-01T12:23:00Z",
                Some(true),
            ),
            (
                "*/20 9-17 * * sat,SUN",
                5,
                "2026-01-01T12:23:00Z",
                Some(false),
            ),
            ("0 0 2 1 thu", 24 * 60, "2026-01-01T12:00:00Z", Some(true)),
            ("0 0 2 1 *", 24 * 60, "2026-01-01T12:00:00Z", Some(false)),
            ("0 0 1 JAN *", 24 * 60, "2026-01-01T12:00:00Z", Some(true)),
            ("61 * * * *", 5, "2026-01-01T12:00:00Z", None),
            ("* * * *", 5, "2026-01-01T12:00:00Z", None),
        ];
        for (schedule, minutes, now, expected) in rows {
            assert_eq!(active(schedule, minutes, now), expected, "{schedule} {now}");
        }
    }
}
