use super::*;

#[test]
fn dollars_are_exact_to_the_billionth() {
    assert_eq!(Price::from_dollars(0.096).nanos(), 96_000_000);
    assert_eq!(
        Price::from_dollars(0.1).nanos() * 3,
        Price::from_dollars(0.3).nanos()
    );
    assert_eq!(Price::from_dollars(-1.0), Price::ZERO);
    assert_eq!(Price::from_dollars(f64::NAN), Price::ZERO);
    let sum: Price = std::iter::repeat_n(Price::from_dollars(0.1), 10).sum();
    assert_eq!(sum, Price::from_dollars(1.0));
    assert_eq!(Price::MAX + Price::MAX, Price::MAX);
}

#[test]
fn scaling_rounds_to_the_nearest() {
    assert_eq!(Price::from_nanos(10).scaled(7, 10).nanos(), 7);
    assert_eq!(Price::from_nanos(5).scaled(1, 2).nanos(), 3);
    assert_eq!(
        Price::from_nanos(96_000_000).scaled(1, 10_000_000).nanos(),
        10
    );
    assert_eq!(Price::MAX.scaled(2, 1), Price::MAX);
}

#[test]
fn differences_have_signs() {
    assert_eq!(Price::from_nanos(3) - Price::from_nanos(5), -2);
    assert_eq!(
        Price::from_nanos(3).saturating_sub(Price::from_nanos(5)),
        Price::ZERO
    );
}

#[test]
fn texts_have_the_digits_asked_for() {
    let price = Price::from_dollars(0.09612);
    assert_eq!(price.to_string(), "0.0961");
    assert_eq!(format!("{price:.2}"), "0.10");
    assert_eq!(format!("{price:>8.2}|"), "    0.10|");
    assert_eq!(serde_json::to_string(&price).unwrap(), "0.09612");
}
