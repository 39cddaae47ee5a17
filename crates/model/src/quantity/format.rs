//! Quantity to canonical text: no fraction, and the largest suffix that loses nothing.

use std::fmt;

use super::{Family, NANOS_PER_UNIT, Quantity};

/// Suffixes of powers of 1000, from 10^-9.
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
/// Suffixes of powers of 1024, from 1024^0.
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&text(*self))
    }
}

fn text(quantity: Quantity) -> String {
    if quantity.is_zero() {
        return "0".to_owned();
    }
    match quantity.family {
        Family::Binary if is_binary(quantity.nanos) => {
            let (number, step) = reduce(quantity.nanos / NANOS_PER_UNIT, 1024, BINARY.len() - 1);
            format!("{number}{}", BINARY[step])
        }
        // As Kubernetes does: what binary notation cannot say exactly is said in decimal.
        Family::Binary | Family::Decimal => {
            let (number, step) = reduce(quantity.nanos, 1000, DECIMAL.len() - 1);
            format!("{number}{}", DECIMAL[step])
        }
        Family::Exponent => {
            let (number, step) = reduce(quantity.nanos, 1000, usize::MAX);
            match step * 3 {
                9 => number.to_string(),
                power if power < 9 => format!("{number}e-{}", 9 - power),
                power => format!("{number}e{}", power - 9),
            }
        }
    }
}

/// Whether the amount is whole and at least 1024, so that a binary suffix reads better.
fn is_binary(nanos: i128) -> bool {
    nanos % NANOS_PER_UNIT == 0 && nanos.unsigned_abs() >= 1024 * NANOS_PER_UNIT.unsigned_abs()
}

/// Divides by `base` while that is exact, at most `limit` times; says how often.
fn reduce(mut number: i128, base: i128, limit: usize) -> (i128, usize) {
    let mut step = 0;
    while step < limit && number % base == 0 {
        number /= base;
        step += 1;
    }
    (number, step)
}
