//! A number that changes over the time of day: points, and straight lines between them.

use std::time::Duration;

/// A curve that repeats itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    period: Duration,
    points: Vec<(Duration, u32)>,
}

/// Why points make no curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurveError {
    /// There are none.
    #[error("at least one point is needed")]
    NoPoints,
    /// The period is zero.
    #[error("the period must be longer than zero")]
    NoPeriod,
    /// Points are out of order, or two are at one time.
    #[error("points[{0}]: times must increase")]
    Order(usize),
    /// A point lies outside of the period.
    #[error("points[{0}]: the time must be less than the period")]
    Outside(usize),
}

impl Curve {
    /// A curve through points, by their times within the period.
    pub fn new(period: Duration, points: Vec<(Duration, u32)>) -> Result<Self, CurveError> {
        if points.is_empty() {
            return Err(CurveError::NoPoints);
        }
        if period.is_zero() {
            return Err(CurveError::NoPeriod);
        }
        for (number, (at, _)) in points.iter().enumerate() {
            if *at >= period {
                return Err(CurveError::Outside(number));
            }
            if number > 0 && points[number - 1].0 >= *at {
                return Err(CurveError::Order(number));
            }
        }
        Ok(Self { period, points })
    }

    /// The value at a time from the start, rounded to the nearest number.
    pub fn at(&self, elapsed: Duration) -> u32 {
        let (period, now) = (self.period.as_millis(), elapsed.as_millis());
        let now = now % period;
        let at = |(at, value): &(Duration, u32)| (at.as_millis(), u128::from(*value));
        let next = self.points.iter().position(|point| at(point).0 > now);
        let last = self.points.len() - 1;
        // Before the first point and after the last the line goes on from one period to the next.
        let (now, from, to) = match next {
            Some(0) => {
                let (first, value) = at(&self.points[0]);
                (
                    now + period,
                    at(&self.points[last]),
                    (first + period, value),
                )
            }
            Some(next) => (now, at(&self.points[next - 1]), at(&self.points[next])),
            None => {
                let (first, value) = at(&self.points[0]);
                (now, at(&self.points[last]), (first + period, value))
            }
        };
        between(now, from, to)
    }
}

/// The value at `now` on the line through two points.
fn between(now: u128, (from, low): (u128, u128), (to, high): (u128, u128)) -> u32 {
    let (span, gone) = (to - from, now - from);
    let weighed = low * (span - gone) + high * gone;
    u32::try_from((weighed * 2 + span) / (span * 2)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(hours: u64) -> Duration {
        Duration::from_hours(hours)
    }

    #[test]
    fn between_points_the_value_is_on_a_straight_line_also_over_the_end_of_the_period() {
        let points = vec![(hours(6), 10), (hours(12), 40), (hours(18), 20)];
        let curve = Curve::new(hours(24), points).unwrap();
        for (at, expected) in [
            (6, 10),
            (8, 20),
            (12, 40),
            (15, 30),
            (18, 20),
            (21, 18),
            (0, 15),
            (3, 13),
            (24 + 8, 20),
        ] {
            assert_eq!(curve.at(hours(at)), expected, "at {at}h");
        }
    }

    #[test]
    fn one_point_is_a_flat_line() {
        let curve = Curve::new(hours(24), vec![(hours(3), 7)]).unwrap();
        for at in [0, 3, 20, 30] {
            assert_eq!(curve.at(hours(at)), 7);
        }
    }

    #[test]
    fn points_out_of_order_or_outside_of_the_period_make_no_curve() {
        let curve = |points: &[(u64, u32)]| {
            let points = points.iter().map(|(at, value)| (hours(*at), *value));
            Curve::new(hours(24), points.collect())
        };
        assert_eq!(curve(&[]), Err(CurveError::NoPoints));
        assert_eq!(curve(&[(24, 1)]), Err(CurveError::Outside(0)));
        assert_eq!(curve(&[(4, 1), (4, 2)]), Err(CurveError::Order(1)));
        let flat = Curve::new(Duration::ZERO, vec![(hours(0), 1)]);
        assert_eq!(flat, Err(CurveError::NoPeriod));
    }
}
