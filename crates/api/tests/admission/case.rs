//! One row of a table.

use serde_json::Value;

use crate::world::World;

/// An object, what is done with it, and what must come of it.
pub(crate) struct Case {
    pub(crate) name: String,
    object: Value,
    /// The object as it is written over the first one.
    then: Option<Value>,
    outcome: Outcome,
}

enum Outcome {
    /// It is accepted, and then holds these values at these places (JSON pointers).
    Accepted(Vec<(&'static str, Value)>),
    /// It is refused, and the message has this in it.
    Refused(String),
}

impl Case {
    pub(crate) fn accepted(name: &str, object: Value) -> Self {
        Self {
            name: name.to_owned(),
            object,
            then: None,
            outcome: Outcome::Accepted(Vec::new()),
        }
    }

    pub(crate) fn refused(name: &str, object: Value, message: &str) -> Self {
        let outcome = Outcome::Refused(message.to_owned());
        Self {
            name: name.to_owned(),
            object,
            then: None,
            outcome,
        }
    }

    /// The object as accepted has `value` at `pointer`; null: nothing is there.
    pub(crate) fn with(mut self, pointer: &'static str, value: Value) -> Self {
        match &mut self.outcome {
            Outcome::Accepted(wanted) => wanted.push((pointer, value)),
            Outcome::Refused(_) => panic!("a refused object has no values"),
        }
        self
    }

    /// What counts is not the object's creation but its update to `then`.
    pub(crate) fn then(mut self, then: Value) -> Self {
        self.then = Some(then);
        self
    }

    pub(crate) async fn run(&self, world: &World) -> Result<(), String> {
        let answer = match &self.then {
            None => world.try_create(&self.object).await,
            Some(then) => world.try_update(&self.object, then).await?,
        };
        match (&self.outcome, answer) {
            (Outcome::Accepted(wanted), Ok(object)) => wanted.iter().try_for_each(|(at, value)| {
                let held = object.pointer(at).cloned().unwrap_or_default();
                if held == *value {
                    Ok(())
                } else {
                    Err(format!("{at} is {held}, not {value}"))
                }
            }),
            (Outcome::Accepted(_), Err(message)) => Err(format!("refused: {message}")),
            (Outcome::Refused(message), Ok(_)) => Err(format!("accepted, in spite of {message}")),
            (Outcome::Refused(wanted), Err(message)) => {
                if message.contains(wanted) {
                    Ok(())
                } else {
                    Err(format!("said: {message}"))
                }
            }
        }
    }
}

/// `object` changed by a merge patch: null removes.
pub(crate) fn merged(mut object: Value, patch: &Value) -> Value {
    merge(&mut object, patch);
    object
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (key, value) in fields {
        if value.is_null() {
            target.as_object_mut().expect("an object").remove(key);
        } else {
            merge(&mut target[key.as_str()], value);
        }
    }
}
