//! How deep a tree is. Without recursion, so that it can be asked of any.

use kube_cel::cel::common::ast::{EntryExpr, Expr, IdedEntryExpr, IdedExpr};

use crate::{CompileError, MAX_DEPTH};

/// Refuses a tree that is too deep.
pub(crate) fn check(tree: &IdedExpr) -> Result<(), CompileError> {
    let mut left = vec![(tree, 1)];
    while let Some((node, depth)) = left.pop() {
        if depth > MAX_DEPTH {
            return Err(CompileError::TooDeep);
        }
        let mut below = |node| left.push((node, depth + 1));
        match &node.expr {
            Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => (),
            Expr::Call(call) => {
                call.target.iter().for_each(|target| below(target));
                call.args.iter().for_each(below);
            }
            Expr::Comprehension(of) => {
                below(&of.iter_range);
                below(&of.accu_init);
                below(&of.loop_cond);
                below(&of.loop_step);
                below(&of.result);
            }
            Expr::List(list) => list.elements.iter().for_each(below),
            Expr::Map(map) => entries(&map.entries, below),
            Expr::Select(select) => below(&select.operand),
            Expr::Struct(of) => entries(&of.entries, below),
        }
    }
    Ok(())
}

fn entries<'a>(entries: &'a [IdedEntryExpr], mut below: impl FnMut(&'a IdedExpr)) {
    for entry in entries {
        match &entry.expr {
            EntryExpr::StructField(field) => below(&field.value),
            EntryExpr::MapEntry(entry) => {
                below(&entry.key);
                below(&entry.value);
            }
        }
    }
}
