//! What is reserved: quantities that stay as they are, and expressions that become some.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use expressions::cel::Context;

use super::expression::{Expression, InvalidExpression, NoNumber};
use super::parse::is_expression;

/// An amount before it is known on which instance type.
#[derive(Clone, Debug)]
pub(super) enum Amount {
    Quantity(String),
    Expression(Expression),
}

impl Amount {
    pub(super) fn compile(text: &str) -> Result<Self, InvalidExpression> {
        Ok(if is_expression(text) {
            Self::Expression(Expression::compile(text)?)
        } else {
            Self::Quantity(text.to_owned())
        })
    }
}

/// The amounts on one instance type, and those that have none. The variables are made when the
/// first expression wants them.
pub(super) fn resolve<'a>(
    amounts: &BTreeMap<String, Amount>,
    scope: &LazyCell<Context<'a>, impl FnOnce() -> Context<'a>>,
) -> (BTreeMap<String, String>, Vec<(String, NoNumber)>) {
    let mut resolved = BTreeMap::new();
    let mut failed = Vec::new();
    for (resource, amount) in amounts {
        let text = match amount {
            Amount::Quantity(quantity) => Ok(quantity.clone()),
            Amount::Expression(expression) => expression
                .evaluate(scope)
                .and_then(|number| in_units(resource, number)),
        };
        match text {
            Ok(text) => {
                resolved.insert(resource.clone(), text);
            }
            Err(error) => failed.push((resource.clone(), error)),
        }
    }
    (resolved, failed)
}

/// A number in the unit of its resource. Rounded up, so that instance types that differ by little
/// share launch templates.
fn in_units(resource: &str, number: i64) -> Result<String, NoNumber> {
    if number < 0 {
        return Err(NoNumber::Negative(number));
    }
    Ok(match resource {
        "cpu" => format!("{}m", round_up(number, 10)),
        "memory" => format!("{}Mi", round_up(number, 16)),
        "ephemeral-storage" => format!("{number}Gi"),
        _ => number.to_string(),
    })
}

/// The next multiple; the largest one that there is, where the next is beyond all numbers.
fn round_up(number: i64, step: i64) -> i64 {
    let rest = number % step;
    if rest == 0 {
        return number;
    }
    let below = number - rest;
    below.checked_add(step).unwrap_or(below)
}

#[cfg(test)]
mod tests;
