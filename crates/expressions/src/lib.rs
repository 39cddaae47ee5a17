//! CEL expressions that other people wrote.
//!
//! The library behind [`cel`] parses and evaluates by recursion, and whoever may write a resource
//! claim or a node class writes the text. So every expression comes in by [`Expression::compile`],
//! which refuses what is longer or makes a deeper tree than any that is of use, and has the stack
//! that parsing the rest can need.
//!
//! What is *not* here: variables, functions and types. They differ by who asks.

mod depth;

use std::panic;

use kube_cel::cel::common::ast::IdedExpr;
use kube_cel::cel::{Context, ExecutionError, Program, Value};
use thiserror::Error;

pub use kube_cel::{KubeCelExt, cel};

/// Longest text, in bytes: as long as Kubernetes lets a selector of devices be
/// (`CELSelectorExpressionMaxLength`).
pub const MAX_LENGTH: usize = 10 * 1024;
/// How deep the tree may be. A sum grows by one with every summand; what is joined by `&&` and `||`
/// hardly grows.
pub const MAX_DEPTH: usize = 100;

/// What the parser needs for each byte of text: a chain like `a.b.b` grows the tree with every
/// second byte. Measured, and doubled.
const STACK_PER_BYTE: usize = if cfg!(debug_assertions) {
    64 << 10
} else {
    2 << 10
};
/// What the parser needs for brackets that stand in each other, at which it stops by itself (96).
/// Measured, and doubled.
const STACK: usize = if cfg!(debug_assertions) {
    64 << 20
} else {
    8 << 20
};
/// What evaluation needs for trees as deep as they may be. Measured, and doubled.
const EVALUATION: usize = if cfg!(debug_assertions) {
    16 << 20
} else {
    1 << 20
};

/// Why a text is no expression that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// It is too long.
    #[error("it is {0} bytes long, and {MAX_LENGTH} is the most")]
    TooLong(usize),
    /// The tree is too deep.
    #[error("it has more than {MAX_DEPTH} steps one after the other")]
    TooDeep,
    /// It is not CEL, or brackets and choices nest deeper than the parser goes.
    #[error("{0}")]
    Syntax(String),
}

/// An expression that can be evaluated without harm to who does it.
#[derive(Debug)]
pub struct Expression(Program);

impl Expression {
    /// Reads an expression. Fails with what is wrong with it.
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        if text.len() > MAX_LENGTH {
            return Err(CompileError::TooLong(text.len()));
        }
        // A tree that is too deep is dropped in there too.
        stacker::grow(parser_stack(text), || {
            let program = parse(text)?;
            depth::check(program.expression())?;
            Ok(Self(program))
        })
    }

    /// Its value where these variables and functions are known.
    pub fn evaluate(&self, scope: &Context<'_>) -> Result<Value, ExecutionError> {
        stacker::maybe_grow(EVALUATION, EVALUATION, || self.0.execute(scope))
    }

    /// The tree, no deeper than [`MAX_DEPTH`].
    pub fn tree(&self) -> &IdedExpr {
        self.0.expression()
    }

    /// Whether a variable stands in it.
    pub fn has_variable(&self, name: &str) -> bool {
        self.0.references().has_variable(name)
    }
}

/// How much stack the parser is given for a text.
fn parser_stack(text: &str) -> usize {
    STACK + text.len() * STACK_PER_BYTE
}

/// In builds that check arithmetic the parser panics where it should say that choices nest too
/// deep.
fn parse(text: &str) -> Result<Program, CompileError> {
    match panic::catch_unwind(|| Program::compile(text)) {
        Ok(Ok(program)) => Ok(program),
        // It repeats the text for each of its errors.
        Ok(Err(error)) => Err(CompileError::Syntax(excerpt(&error.to_string()))),
        Err(_panic) => Err(CompileError::Syntax("the parser failed".to_owned())),
    }
}

/// The beginning of a text, for messages about what was refused: who wrote it knows it by that.
pub fn excerpt(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
