//! From arguments and environment to the raw value of each setting.

use std::{collections::BTreeMap, time::Duration};

use model::duration::parse_go;

use super::flags::{FLAGS, Flag, ValueKind, flag};

/// What is wrong with the command line. The texts are those of Go's flag package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// No setting has that name.
    #[error("flag provided but not defined: -{0}{1}")]
    Unknown(String, Suggestion),
    /// The value is missing.
    #[error("flag needs an argument: -{0}")]
    NoValue(&'static str),
    /// The value has the wrong type.
    #[error("invalid value {value:?} for flag -{name}: parse error")]
    Value {
        /// The flag.
        name: &'static str,
        /// The value.
        value: String,
    },
    /// The value of a boolean flag is neither `true` nor `false`.
    #[error(
        "invalid value {value:?} for flag -{name}: {value:?} is not a valid value, must be true or false"
    )]
    Bool {
        /// The flag.
        name: &'static str,
        /// The value.
        value: String,
    },
    /// An argument that is no flag.
    #[error("unexpected argument {0:?}, all settings are flags or environment variables")]
    Positional(String),
}

/// The flag that was probably meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggestion(Option<&'static str>);

impl std::fmt::Display for Suggestion {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(name) => write!(formatter, ", did you mean -{name}?"),
            None => Ok(()),
        }
    }
}

/// What the command line asks for.
pub(super) enum Outcome {
    Help,
    Version,
    Values(Values),
}

/// The raw value of each setting; every one can be read as its type.
pub(super) struct Values(BTreeMap<&'static str, String>);

impl Values {
    /// Flag, else environment if it can be read, else default.
    pub(super) fn read(
        args: &[String],
        env: &BTreeMap<String, String>,
    ) -> Result<Outcome, FlagError> {
        let mut values: BTreeMap<&'static str, String> = FLAGS
            .iter()
            .map(|flag| {
                let from_env = env.get(flag.env).filter(|value| reads(flag, value));
                // Where the kubeconfig is comes from the client's own reading of its variable,
                // which may hold several paths.
                let from_env = from_env.filter(|_| flag.name != "kubeconfig");
                (
                    flag.name,
                    from_env.map_or_else(|| flag.default.to_owned(), Clone::clone),
                )
            })
            .collect();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let Some(text) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')) else {
                return Err(FlagError::Positional(arg.clone()));
            };
            let (name, inline) = match text.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (text, None),
            };
            match name {
                "" => break,
                "h" | "help" => return Ok(Outcome::Help),
                "version" => return Ok(Outcome::Version),
                _ => {}
            }
            let Some(flag) = FLAGS.iter().find(|flag| flag.name == name) else {
                return Err(FlagError::Unknown(name.to_owned(), suggest(name)));
            };
            let value = inline.or_else(|| args.next().cloned());
            let value = value.ok_or(FlagError::NoValue(flag.name))?;
            check(flag, &value)?;
            values.insert(flag.name, value);
        }
        if let Some(arg) = args.next() {
            return Err(FlagError::Positional(arg.clone()));
        }
        Ok(Outcome::Values(Self(values)))
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.0
            .get(name)
            .cloned()
            .unwrap_or_else(|| flag(name).default.to_owned())
    }

    // What can't be read never gets into the map, so the fallbacks below are never taken.

    pub(super) fn int(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or_default()
    }

    pub(super) fn float(&self, name: &str) -> f64 {
        self.text(name).parse().unwrap_or_default()
    }

    pub(super) fn bool(&self, name: &str) -> bool {
        parse_bool(&self.text(name)).unwrap_or_default()
    }

    pub(super) fn duration(&self, name: &str) -> Duration {
        parse_go(&self.text(name)).unwrap_or_default()
    }
}

/// A flag's boolean is spelled out; a variable's may be short.
fn check(flag: &'static Flag, value: &str) -> Result<(), FlagError> {
    if flag.kind == ValueKind::Bool && value != "true" && value != "false" {
        return Err(FlagError::Bool {
            name: flag.name,
            value: value.to_owned(),
        });
    }
    if !reads(flag, value) {
        return Err(FlagError::Value {
            name: flag.name,
            value: value.to_owned(),
        });
    }
    Ok(())
}

fn reads(flag: &Flag, value: &str) -> bool {
    match flag.kind {
        ValueKind::Text => true,
        ValueKind::Int => value.parse::<i64>().is_ok(),
        ValueKind::Float => value.parse::<f64>().is_ok(),
        ValueKind::Bool => parse_bool(value).is_some(),
        ValueKind::Duration => parse_go(value).is_ok(),
    }
}

/// The spellings that Go accepts.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The known name that shares the longest beginning, if that is more than half of what was typed.
fn suggest(name: &str) -> Suggestion {
    let shared = |known: &str| {
        known
            .bytes()
            .zip(name.bytes())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let best = FLAGS
        .iter()
        .map(|flag| flag.name)
        .max_by_key(|known| shared(known));
    Suggestion(best.filter(|known| shared(known) * 2 > name.len()))
}
