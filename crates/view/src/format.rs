//! Numbers for people.

use std::time::Duration;

/// Dollars with as many digits as the size needs: `$12.30`, `$0.0416`.
pub fn dollars(amount: f64) -> String {
    let size = amount.abs();
    if size >= 100.0 {
        format!("${amount:.0}")
    } else if size >= 1.0 || size == 0.0 {
        format!("${amount:.2}")
    } else {
        format!("${amount:.4}")
    }
}

/// A span of time in at most two units: `950ms`, `45s`, `2m05s`, `3h20m`, `4d02h`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.is_zero() => "0s".to_owned(),
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A point on a time line that starts at zero: `00:12:05`, with days in front when there are any.
pub fn clock(offset: Duration) -> String {
    let seconds = offset.as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let time = format!(
        "{:02}:{:02}:{:02}",
        rest / 3_600,
        rest % 3_600 / 60,
        rest % 60
    );
    if days == 0 {
        time
    } else {
        format!("{days}d {time}")
    }
}

/// `1 node`, `2 nodes`: a count with its noun. The plural is the noun with an `s`.
pub fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", thousands(number))
}

/// A number with separators: `12,345`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The first few names, then how many more: `a, b and 3 more`.
pub fn names<'a>(names: impl ExactSizeIterator<Item = &'a str>, shown: usize) -> String {
    let total = names.len();
    let head: Vec<&str> = names.take(shown).collect();
    let rest = total - head.len();
    if rest == 0 {
        head.join(", ")
    } else {
        format!("{} and {} more", head.join(", "), thousands(rest))
    }
}
