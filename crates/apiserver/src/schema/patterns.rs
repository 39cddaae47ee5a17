//! Functions of CEL that search by pattern. A pattern is compiled when it is used first and kept:
//! compiling one costs a hundred times as much as searching a label with it.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use expressions::cel::{Context, ExecutionError, ResolveResult, Value, extractors::This};
use regex::Regex;

/// How many patterns are kept. Rules have a few dozen; one that makes up patterns from data starts
/// anew now and then.
const KEPT: usize = 256;

thread_local! {
    static COMPILED: RefCell<BTreeMap<String, Regex>> = const { RefCell::new(BTreeMap::new()) };
}

/// Puts the functions in place of those that compile each time.
pub(super) fn install(context: &mut Context<'_>) {
    context.add_function("matches", matches);
    context.add_function("find", find);
}

/// `text.matches(pattern)`.
fn matches(This(text): This<Arc<String>>, pattern: Arc<String>) -> ResolveResult {
    compiled(&pattern, "matches").map(|pattern| Value::Bool(pattern.is_match(&text)))
}

/// `text.find(pattern)`: the first match, or nothing.
fn find(This(text): This<Arc<String>>, pattern: Arc<String>) -> ResolveResult {
    let pattern = compiled(&pattern, "find")?;
    let found = pattern.find(&text).map_or("", |found| found.as_str());
    Ok(Value::String(Arc::new(found.to_owned())))
}

fn compiled(pattern: &str, function: &str) -> Result<Regex, ExecutionError> {
    COMPILED.with_borrow_mut(|kept| {
        if let Some(known) = kept.get(pattern) {
            return Ok(known.clone());
        }
        let new =
            Regex::new(pattern).map_err(|error| ExecutionError::function_error(function, error))?;
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), new.clone());
        Ok(new)
    })
}
