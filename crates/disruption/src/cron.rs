//! Schedules of budgets: five fields or a macro, in UTC.
//!
//! Fields are minute, hour, day of month, month, day of week; each a list of values, ranges and
//! steps. Months and days of week may be named. If both days are restricted, either makes a hit, as
//! cron has always done it.

use model::Timestamp;

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// There are not five fields.
    #[error("expected 5 fields or a macro such as @daily, found {0}")]
    Fields(usize),
    /// A macro is unknown.
    #[error("unknown macro {0:?}")]
    Macro(String),
    /// A field can't be read.
    #[error("{name} {text:?} is not a list of values from {least} to {most}")]
    Field {
        /// Which field.
        name: &'static str,
        /// Its text.
        text: String,
        /// Its least value.
        least: u8,
        /// Its greatest value.
        most: u8,
    },
}

/// A schedule: each field is the set of its values as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    day_rule: DayRule,
}

/// Which days count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayRule {
    /// Those that both fields have.
    Both,
    /// Those that either field has: both are restricted.
    Either,
}

/// A field of a schedule.
struct Field {
    name: &'static str,
    least: u8,
    most: u8,
    names: &'static [&'static str],
}

const MINUTE: Field = Field {
    name: "minute",
    least: 0,
    most: 59,
    names: &[],
};
const HOUR: Field = Field {
    name: "hour",
    least: 0,
    most: 23,
    names: &[],
};
const DAY: Field = Field {
    name: "day of month",
    least: 1,
    most: 31,
    names: &[],
};
const MONTH: Field = Field {
    name: "month",
    least: 1,
    most: 12,
    names: &[
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ],
};
const WEEKDAY: Field = Field {
    name: "day of week",
    least: 0,
    most: 6,
    names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
};

impl Schedule {
    /// Reads a schedule.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            unknown if unknown.starts_with('@') => {
                return Err(CronError::Macro(unknown.to_owned()));
            }
            fields => fields,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(CronError::Fields(fields.len()));
        };
        let open = |field: &str| field.starts_with('*') || field.starts_with('?');
        let day_rule = if open(days) || open(weekdays) {
            DayRule::Both
        } else {
            DayRule::Either
        };
        Ok(Self {
            minutes: MINUTE.parse(minutes)?,
            hours: HOUR.parse(hours)?,
            days: DAY.parse(days)?,
            months: MONTH.parse(months)?,
            weekdays: WEEKDAY.parse(weekdays)?,
            day_rule,
        })
    }

    /// Whether there is a hit after `from` and not after `to`.
    ///
    /// Days without a hit are skipped whole, and a hit is found at the latest in its first day, so
    /// this takes at most a step per day.
    pub fn hits_after(&self, from: Timestamp, to: Timestamp) -> bool {
        const MINUTES_PER_DAY: i64 = 24 * 60;
        // The first whole minute after `from`, and the last that is not after `to`.
        let first = from.seconds().div_euclid(60) + 1;
        let last = to.seconds().div_euclid(60);
        let mut minute = first;
        while minute <= last {
            let day = minute.div_euclid(MINUTES_PER_DAY);
            let next_day = (day + 1) * MINUTES_PER_DAY;
            if self.has_day(day) {
                let end = next_day.min(last + 1);
                if (minute..end).any(|at| self.has_time(at.rem_euclid(MINUTES_PER_DAY))) {
                    return true;
                }
            }
            minute = next_day;
        }
        false
    }

    fn has_time(&self, minute_of_day: i64) -> bool {
        has(self.hours, minute_of_day / 60) && has(self.minutes, minute_of_day % 60)
    }

    /// `day` counts from the first of January 1970, a Thursday.
    fn has_day(&self, day: i64) -> bool {
        let (month, day_of_month) = month_and_day(day);
        let in_month = has(self.days, day_of_month);
        let in_week = has(self.weekdays, (day + 4).rem_euclid(7));
        let right_day = match self.day_rule {
            DayRule::Both => in_month && in_week,
            DayRule::Either => in_month || in_week,
        };
        right_day && has(self.months, month)
    }
}

fn has(set: u64, value: i64) -> bool {
    u32::try_from(value).is_ok_and(|value| value < 64 && set & (1 << value) != 0)
}

/// Month and day of month of a day that is counted from the epoch, in the Gregorian calendar: years
/// are begun in March, so that the leap day comes last, and counted in cycles of 400.
fn month_and_day(day: i64) -> (i64, i64) {
    const CYCLE: i64 = 146_097;
    let since_march_of_year_0 = day + 719_468;
    let in_cycle = since_march_of_year_0.rem_euclid(CYCLE);
    let year = (in_cycle - in_cycle / 1_460 + in_cycle / 36_524 - in_cycle / 146_096) / 365;
    let in_year = in_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day_of_month = in_year - (153 * month + 2) / 5 + 1;
    (if month < 10 { month + 3 } else { month - 9 }, day_of_month)
}

impl Field {
    fn parse(&self, text: &str) -> Result<u64, CronError> {
        let error = || CronError::Field {
            name: self.name,
            text: text.to_owned(),
            least: self.least,
            most: self.most,
        };
        text.split(',')
            .try_fold(0, |set, part| Ok(set | self.part(part).ok_or_else(error)?))
    }

    /// `*`, `5`, `1-5`, `*/15`, `10-40/10`, `10/10` (from 10 to the end).
    fn part(&self, text: &str) -> Option<u64> {
        let (range, step) = match text.split_once('/') {
            None => (text, None),
            Some((range, step)) => (range, Some(step.parse::<u8>().ok().filter(|n| *n > 0)?)),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*" | "?", _) => (self.least, self.most),
            (_, Some((from, to))) => (self.value(from)?, self.value(to)?),
            (one, None) => {
                let one = self.value(one)?;
                (one, if step.is_some() { self.most } else { one })
            }
        };
        if from > to {
            return None;
        }
        let values = (from..=to).step_by(step.unwrap_or(1).into());
        Some(values.fold(0, |set, value| set | 1 << value))
    }

    fn value(&self, text: &str) -> Option<u8> {
        let lower = text.to_ascii_lowercase();
        if let Some(at) = self.names.iter().position(|name| *name == lower) {
            return Some(self.least + u8::try_from(at).ok()?);
        }
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value: u8 = digits.then(|| text.parse().ok())??;
        (self.least..=self.most).contains(&value).then_some(value)
    }
}

#[cfg(test)]
mod tests;
