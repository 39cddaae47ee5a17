//! Types of expressions, found without evaluating them.
//!
//! The interpreter has no type checker, and which branch an expression takes depends on the
//! instance type; so the types of all of its parts are inferred here, as strictly as the language
//! has it: no conversion but by `int()` and the like. Maps, messages and whatever else says nothing
//! about an instance type are refused.

use expressions::cel::common::ast::{
    CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue, operators,
};

/// Why an expression is no number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypeError {
    /// There is no such variable.
    #[error("there is no variable {0:?}")]
    Variable(String),
    /// There is no such function for these types.
    #[error("there is no {function} for ({arguments})")]
    Function {
        /// Name of the function or operator.
        function: String,
        /// Types of what it is given.
        arguments: String,
    },
    /// Values of different types stand where there can only be one type.
    #[error("{0} and {1} stand where one type is expected")]
    Mixed(String, String),
    /// It uses a part of the language that has no use here.
    #[error("{0} can't be used here")]
    Unsupported(&'static str),
    /// The result is something else.
    #[error("its type is {0}")]
    Result(String),
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Type {
    Int,
    Uint,
    Double,
    Bool,
    Text,
    List(Box<Type>),
    /// Of the elements of an empty list: whatever is expected.
    Open,
}

use Type::{Bool, Double, Int, List, Open, Text, Uint};

impl Type {
    fn name(&self) -> String {
        match self {
            Int => "int".to_owned(),
            Uint => "uint".to_owned(),
            Double => "double".to_owned(),
            Bool => "bool".to_owned(),
            Text => "string".to_owned(),
            List(of) => format!("list({})", of.name()),
            Open => "dyn".to_owned(),
        }
    }

    /// The one type that both are.
    fn same(&self, other: &Self) -> Result<Self, TypeError> {
        match (self, other) {
            (Open, known) | (known, Open) => Ok(known.clone()),
            (List(a), List(b)) => Ok(List(Box::new(a.same(b)?))),
            (a, b) if a == b => Ok(a.clone()),
            (a, b) => Err(TypeError::Mixed(a.name(), b.name())),
        }
    }
}

/// Variables that are seen, the innermost last.
type Scope<'a> = Vec<(&'a str, Type)>;

/// Checks that the result is an integer or a double.
pub(super) fn check_number(expression: &IdedExpr) -> Result<(), TypeError> {
    let mut scope = vec![
        ("vcpus", Int),
        ("memory_mib", Int),
        ("default_enis", Int),
        ("ips_per_eni", Int),
        ("max_pods", Int),
        ("instance_type", Text),
    ];
    match infer(expression, &mut scope)? {
        Int | Double => Ok(()),
        other => Err(TypeError::Result(other.name())),
    }
}

fn infer<'a>(expression: &'a IdedExpr, scope: &mut Scope<'a>) -> Result<Type, TypeError> {
    match &expression.expr {
        Expr::Literal(literal) => of_literal(literal),
        Expr::Ident(name) => scope
            .iter()
            .rev()
            .find(|(known, _)| known == name)
            .map(|(_, of)| of.clone())
            .ok_or_else(|| TypeError::Variable(name.clone())),
        Expr::List(list) => {
            let mut of = Open;
            for element in &list.elements {
                of = of.same(&infer(element, scope)?)?;
            }
            Ok(List(Box::new(of)))
        }
        Expr::Call(call) => of_call(call, scope),
        Expr::Comprehension(comprehension) => of_comprehension(comprehension, scope),
        Expr::Map(_) => Err(TypeError::Unsupported("a map")),
        Expr::Struct(_) => Err(TypeError::Unsupported("a message")),
        Expr::Select(_) => Err(TypeError::Unsupported("a field")),
        Expr::Unspecified => Err(TypeError::Unsupported("an empty expression")),
    }
}

fn of_literal(literal: &LiteralValue) -> Result<Type, TypeError> {
    match literal {
        LiteralValue::Boolean(_) => Ok(Bool),
        LiteralValue::Double(_) => Ok(Double),
        LiteralValue::Int(_) => Ok(Int),
        LiteralValue::UInt(_) => Ok(Uint),
        LiteralValue::String(_) => Ok(Text),
        LiteralValue::Bytes(_) => Err(TypeError::Unsupported("bytes")),
        LiteralValue::Null => Err(TypeError::Unsupported("null")),
    }
}

/// `all`, `exists`, `filter`, `map`: the accumulated value begins as one thing and stays of that
/// type.
fn of_comprehension<'a>(
    comprehension: &'a ComprehensionExpr,
    scope: &mut Scope<'a>,
) -> Result<Type, TypeError> {
    let List(element) = infer(&comprehension.iter_range, scope)? else {
        return Err(TypeError::Unsupported("going over what is no list"));
    };
    if comprehension.iter_var2.is_some() {
        return Err(TypeError::Unsupported("a second variable"));
    }
    let begin = infer(&comprehension.accu_init, scope)?;
    let depth = scope.len();
    scope.push((&comprehension.iter_var, *element));
    scope.push((&comprehension.accu_var, begin.clone()));
    let result = of_steps(comprehension, &begin, scope);
    scope.truncate(depth);
    result
}

fn of_steps<'a>(
    comprehension: &'a ComprehensionExpr,
    begin: &Type,
    scope: &mut Scope<'a>,
) -> Result<Type, TypeError> {
    Bool.same(&infer(&comprehension.loop_cond, scope)?)?;
    let accumulated = begin.same(&infer(&comprehension.loop_step, scope)?)?;
    if let Some((_, of)) = scope.last_mut() {
        *of = accumulated;
    }
    infer(&comprehension.result, scope)
}

fn of_call<'a>(call: &'a CallExpr, scope: &mut Scope<'a>) -> Result<Type, TypeError> {
    let mut given = Vec::new();
    for argument in call.target.iter().map(AsRef::as_ref).chain(&call.args) {
        given.push(infer(argument, scope)?);
    }
    let function = call.func_name.as_str();
    if function == operators::CONDITIONAL
        && let [Bool, a, b] = &given[..]
    {
        return a.same(b);
    }
    let found = if call.target.is_some() {
        of_method(function, &given)
    } else {
        of_operator(function, &given).or_else(|| of_function(function, &given))
    };
    found.ok_or_else(|| {
        let arguments: Vec<String> = given.iter().map(Type::name).collect();
        TypeError::Function {
            function: function.to_owned(),
            arguments: arguments.join(", "),
        }
    })
}

fn of_operator(operator: &str, given: &[Type]) -> Option<Type> {
    match given {
        [Bool] if operator == operators::LOGICAL_NOT => Some(Bool),
        [Bool] if operator == operators::NOT_STRICTLY_FALSE => Some(Bool),
        [of @ (Int | Double)] if operator == operators::NEGATE => Some(of.clone()),
        [element, List(of)] if operator == operators::IN => element.same(of).ok().map(|_| Bool),
        [List(of), Int] if operator == operators::INDEX => Some((**of).clone()),
        [a, b] => {
            let same = a.same(b).ok()?;
            let of = |kinds: &[Type]| kinds.contains(&same).then(|| same.clone());
            match operator {
                operators::ADD if matches!(same, List(_)) => Some(same.clone()),
                operators::ADD => of(&[Int, Uint, Double, Text]),
                operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE => {
                    of(&[Int, Uint, Double])
                }
                operators::MODULO => of(&[Int, Uint]),
                operators::EQUALS | operators::NOT_EQUALS => Some(Bool),
                operators::LESS
                | operators::LESS_EQUALS
                | operators::GREATER
                | operators::GREATER_EQUALS => of(&[Int, Uint, Double, Text, Bool]).map(|_| Bool),
                operators::LOGICAL_AND | operators::LOGICAL_OR => of(&[Bool]),
                _ => None,
            }
        }
        _ => None,
    }
}

fn of_function(function: &str, given: &[Type]) -> Option<Type> {
    match (function, given) {
        ("max" | "min", [Int, Int])
        | ("int", [Int | Uint | Double | Text])
        | ("size", [Text | List(_)]) => Some(Int),
        ("max" | "min", [Int | Double, Int | Double])
        | ("double", [Int | Uint | Double | Text]) => Some(Double),
        ("uint", [Int | Uint | Double | Text]) => Some(Uint),
        ("string", [Int | Uint | Double | Text | Bool]) => Some(Text),
        ("matches", [Text, Text]) => Some(Bool),
        _ => None,
    }
}

fn of_method(method: &str, given: &[Type]) -> Option<Type> {
    match (method, given) {
        ("size", [Text | List(_)])
        | ("indexOf" | "lastIndexOf", [Text, Text] | [Text, Text, Int]) => Some(Int),
        ("contains" | "startsWith" | "endsWith" | "matches", [Text, Text]) => Some(Bool),
        ("lowerAscii" | "upperAscii" | "trim", [Text])
        | ("charAt", [Text, Int])
        | ("replace", [Text, Text, Text] | [Text, Text, Text, Int])
        | ("substring", [Text, Int] | [Text, Int, Int]) => Some(Text),
        ("join", [List(of)] | [List(of), Text]) if **of == Text => Some(Text),
        ("split", [Text, Text] | [Text, Text, Int]) => Some(List(Box::new(Text))),
        _ => None,
    }
}
