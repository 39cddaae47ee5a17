use proptest::prelude::*;

use super::*;

fn quantity(text: &str) -> Quantity {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn quantities_are_read_exactly() {
    let unit = NANOS_PER_UNIT;
    let cases: &[(&str, i128)] = &[
        ("0", 0),
        ("0n", 0),
        ("0Ki", 0),
        ("-0", 0),
        ("1n", 1),
        ("1u", 1_000),
        ("100m", unit / 10),
        ("0.1", unit / 10),
        (".1", unit / 10),
        ("1.", unit),
        ("+1", unit),
        ("-1", -unit),
        ("-.25", -unit / 4),
        ("8k", 8_000 * unit),
        ("1Ki", 1024 * unit),
        ("1.5Gi", 1_610_612_736 * unit),
        ("0.5Ki", 512 * unit),
        (".001Ki", 1_024_000_000),
        ("-3.01Mi", -3_156_213_760_000_000),
        ("50E", 50 * 10_i128.pow(18) * unit),
        ("12E", 12 * 10_i128.pow(18) * unit),
        ("8Ei", (1_i128 << 63) * unit),
        ("1e3", 1_000 * unit),
        ("1E3", 1_000 * unit),
        ("12e6", 12_000_000 * unit),
        ("1e-3", unit / 1_000),
        ("1e-9", 1),
        ("1E+2", 100 * unit),
        ("1.5e1", 15 * unit),
        ("0e99999999999", 0),
        ("9223372036854775807", i128::from(i64::MAX) * unit),
        ("00012.30000", 12_300_000_000),
    ];
    for (text, nanos) in cases {
        assert_eq!(quantity(text).nanos(), *nanos, "{text}");
    }
}

#[test]
fn less_than_a_nano_unit_rounds_away_from_zero() {
    for (text, nanos) in [
        ("0.1n", 1),
        ("1.1n", 2),
        ("-0.1n", -1),
        ("1e-10", 1),
        ("1e-999999999999", 1),
        ("0.0000000000000000000000001", 1),
        ("1.00000000049Ki", 1_024_000_000_502),
        ("1.00000000000000000000001Ki", 1_024_000_000_001),
    ] {
        assert_eq!(quantity(text).nanos(), nanos, "{text}");
    }
}

#[test]
fn more_than_the_largest_saturates() {
    for text in [
        "1e30",
        "1e99999999999",
        "100000000000000000E",
        "999999999999999999999999Ei",
    ] {
        assert_eq!(quantity(text), Quantity::MAX, "{text}");
        assert_eq!(-quantity(text), quantity(&format!("-{text}")), "{text}");
    }
    assert_eq!(quantity("1e29"), Quantity::MAX);
    assert_eq!(quantity("1e30").to_string(), "100e27");
    assert_eq!(Quantity::MAX + Quantity::MAX, Quantity::MAX);
    assert_eq!(-Quantity::MAX - Quantity::MAX, -Quantity::MAX);
    assert_eq!(Quantity::MAX.times(3), Quantity::MAX);
    assert_eq!(Quantity::MAX.units_ceil(), i64::MAX);
    assert_eq!((-Quantity::MAX).millis_ceil(), i64::MIN);
}

#[test]
fn the_text_is_canonical() {
    let cases: &[(&str, &str)] = &[
        ("0", "0"),
        ("0Gi", "0"),
        ("1", "1"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("1.5", "1500m"),
        ("0.1", "100m"),
        ("0.000001", "1u"),
        ("1000k", "1M"),
        ("100000", "100k"),
        ("-1000", "-1k"),
        ("1.5Gi", "1536Mi"),
        ("1024Gi", "1Ti"),
        ("1024", "1024"),
        ("1Ki", "1Ki"),
        ("0.5Ki", "512"),
        ("1.0005Ki", "1024512m"),
        ("-1.5Gi", "-1536Mi"),
        ("1023Ki", "1023Ki"),
        ("8Ei", "8Ei"),
        ("2048Ei", "2048Ei"),
        ("12E", "12E"),
        ("5000E", "5000E"),
        ("1e3", "1e3"),
        ("10e3", "10e3"),
        ("1e6", "1e6"),
        ("1000000e0", "1e6"),
        ("1e0", "1"),
        ("1e5", "100e3"),
        ("1.5e0", "1500e-3"),
        ("1e-9", "1e-9"),
    ];
    for (text, expected) in cases {
        assert_eq!(quantity(text).to_string(), *expected, "{text}");
    }
}

#[test]
fn what_is_no_quantity_is_refused_with_a_reason() {
    assert_eq!("".parse::<Quantity>(), Err(ParseQuantityError::Empty));
    for text in ["Gi", ".", "-", "+", "-.", "m", "aoeu", " 1", "e3"] {
        let error = text.parse::<Quantity>();
        assert!(
            matches!(error, Err(ParseQuantityError::NoNumber { .. })),
            "{text}: {error:?}"
        );
    }
    for text in [
        "1 ", "1i", "0.1mi", "0.1am", "1.1.M", "1+1.0M", "-3.01i", "-3.01e-", "1e", "1e1.5", "1ki",
        "1K", "1Mb", "5 Gi", "1e+-3", "1Ee3", "1,5",
    ] {
        let error = text.parse::<Quantity>();
        assert!(
            matches!(error, Err(ParseQuantityError::UnknownSuffix { .. })),
            "{text}: {error:?}"
        );
    }
    assert!("--1".parse::<Quantity>().is_err());
}

#[test]
fn one_gibibyte_and_half_a_byte_add_up_exactly() {
    let sum = quantity("1Gi") + quantity("500m");
    assert_eq!(sum, quantity("1073741824.5"));
    assert_eq!(sum.to_string(), "1073741824500m");
}

#[test]
fn sums_keep_the_left_notation_unless_the_left_is_zero() {
    assert_eq!(
        (quantity("1Gi") + quantity("1024")).to_string(),
        "1048577Ki"
    );
    assert_eq!(
        (quantity("1024") + quantity("1Gi")).to_string(),
        "1073742848"
    );
    assert_eq!((quantity("0") + quantity("1Gi")).to_string(), "1Gi");
    assert_eq!((quantity("0") - quantity("1Gi")).to_string(), "-1Gi");
}

#[test]
fn conversions_round_as_they_say() {
    let value = quantity("1.0001");
    assert_eq!((value.millis_floor(), value.millis_ceil()), (1000, 1001));
    assert_eq!((value.units_floor(), value.units_ceil()), (1, 2));
    let value = quantity("-1.0001");
    assert_eq!((value.millis_floor(), value.millis_ceil()), (-1001, -1000));
    assert_eq!((value.units_floor(), value.units_ceil()), (-2, -1));
    assert_eq!(quantity("7").fraction(75, 1000), quantity("525m"));
    assert_eq!(
        Quantity::from_nanos(10).fraction(1, 3),
        Quantity::from_nanos(4)
    );
    assert_eq!(
        Quantity::from_nanos(-10).fraction(1, 3),
        Quantity::from_nanos(-4)
    );
    assert_eq!(quantity("1").fraction(1, 0), Quantity::MAX);
}

#[test]
fn values_decide_equality_and_order() {
    assert_eq!(quantity("1"), quantity("1000m"));
    assert_eq!(quantity("1Ki"), quantity("1.024k"));
    assert!(quantity("1G") < quantity("1Gi"));
    assert!(quantity("-1") < quantity("1n"));
}

#[test]
fn json_takes_texts_and_numbers_and_gives_texts() {
    let json = r#"["1.5Gi", 4, 0.1, -2, 1e3, 18446744073709551615, " 5 "]"#;
    let values: Vec<Quantity> = serde_json::from_str(json).unwrap();
    let texts: Vec<String> = values.iter().map(Quantity::to_string).collect();
    assert_eq!(
        texts,
        [
            "1536Mi",
            "4",
            "100m",
            "-2",
            "1k",
            "18446744073709551615",
            "5"
        ]
    );
    assert_eq!(serde_json::to_string(&values[0]).unwrap(), "\"1536Mi\"");
    for bad in ["true", "null", "\"1 Gi\"", "{}"] {
        assert!(serde_json::from_str::<Quantity>(bad).is_err(), "{bad}");
    }
}

fn any_quantity() -> impl Strategy<Value = Quantity> {
    let limit = Quantity::MAX.nanos;
    let nanos = prop_oneof![
        -limit..=limit,
        -2_000_000_000_000_i128..2_000_000_000_000,
        (-4096_i64..4096, 0_u32..70).prop_map(|(n, shift)| i128::from(n) << shift),
        (-4096_i64..4096, 0_u32..34).prop_map(|(n, power)| i128::from(n) * 10_i128.pow(power)),
    ];
    let family = prop_oneof![
        Just(Family::Decimal),
        Just(Family::Binary),
        Just(Family::Exponent),
    ];
    (nanos, family).prop_map(|(nanos, family)| Quantity::clamped(nanos, family))
}

proptest! {
    #[test]
    fn a_text_that_we_write_reads_back_to_the_same_value_and_notation(value in any_quantity()) {
        let text = value.to_string();
        let back = quantity(&text);
        prop_assert_eq!(back, value);
        // A binary amount that needs no suffix (10000) cannot show its notation.
        if back.family() == value.family() {
            prop_assert_eq!(back.to_string(), text);
        }
    }

    #[test]
    fn json_round_trips(value in any_quantity()) {
        let json = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<Quantity>(&json).unwrap(), value);
    }

    #[test]
    fn any_text_is_read_or_refused_but_never_panics(text in "\\PC{0,12}") {
        let _ = text.parse::<Quantity>();
    }

    #[test]
    fn near_quantities_are_read_or_refused(text in "[-+]?[0-9.]{0,40}[eEinumkKMGTP]{0,2}[-+]?[0-9]{0,12}") {
        if let Ok(value) = text.parse::<Quantity>() {
            prop_assert_eq!(quantity(&value.to_string()), value);
        }
    }

    #[test]
    fn sums_are_exact_where_they_do_not_saturate(a in any_quantity(), b in any_quantity()) {
        let Some(exact) = a.nanos.checked_add(b.nanos) else { return Ok(()) };
        prop_assume!(exact.abs() <= Quantity::MAX.nanos);
        prop_assert_eq!((a + b).nanos(), exact);
        prop_assert_eq!(a + b, b + a);
        prop_assert_eq!(a + b - b, a);
    }

    #[test]
    fn rounding_is_within_one(value in any_quantity()) {
        prop_assume!(value.nanos.abs() < i128::from(i64::MAX) * NANOS_PER_MILLI);
        let (low, high) = (value.millis_floor(), value.millis_ceil());
        prop_assert!(Quantity::from_millis(low) <= value && value <= Quantity::from_millis(high));
        prop_assert!(high - low <= 1);
    }
}
