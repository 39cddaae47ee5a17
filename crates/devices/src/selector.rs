//! CEL selectors over devices.
//!
//! Of a device an expression sees only what it can tell apart: attributes and capacities whose name
//! stands in its text. Thousands of devices that differ in a serial number are then looked at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use expressions::cel::objects::{Key, Map};
use expressions::cel::{Context, Value};
use expressions::{Expression, KubeCelExt, excerpt};
use model::Quantity;
use model::k8s::dra::{Device, DeviceAttribute};

/// What an expression says about a device.
pub(crate) type Verdict = Result<bool, Arc<str>>;

/// Index of a compiled expression.
pub(crate) type SelectorId = usize;

/// Compiles expressions, once each, and evaluates them on devices, once for each that it can tell
/// apart.
pub(crate) struct Selectors {
    functions: Context<'static>,
    quantity: Option<Expression>,
    version: Option<Expression>,
    ids: BTreeMap<String, Result<SelectorId, String>>,
    list: Vec<Selector>,
    verdicts: BTreeMap<(SelectorId, Sight), Verdict>,
}

struct Selector {
    text: String,
    expression: Expression,
    /// Texts in the expression, any of which may be a domain.
    literals: Vec<String>,
    /// Whether names can be made up, so that every attribute may matter.
    sees_all: bool,
}

/// What an expression can see of a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sight {
    driver: Arc<str>,
    attributes: BTreeMap<String, DeviceAttribute>,
    capacity: BTreeMap<String, Quantity>,
    shared: bool,
}

impl Selectors {
    pub(crate) fn new() -> Self {
        Self {
            functions: Context::default().with_all(),
            quantity: Expression::compile("quantity(text)").ok(),
            version: Expression::compile("semver(text)").ok(),
            ids: BTreeMap::new(),
            list: Vec::new(),
            verdicts: BTreeMap::new(),
        }
    }

    /// The expression, compiled.
    pub(crate) fn compile(&mut self, text: &str) -> Result<SelectorId, String> {
        if let Some(known) = self.ids.get(text) {
            return known.clone();
        }
        let compiled = Expression::compile(text).map_err(|error| error.to_string());
        let id = compiled.map(|expression| {
            self.list.push(Selector {
                text: text.to_owned(),
                expression,
                literals: literals(text),
                sees_all: can_make_names(text),
            });
            self.list.len() - 1
        });
        self.ids.insert(text.to_owned(), id.clone());
        id
    }

    /// Whether a device matches. An expression that fails on a device has no answer.
    pub(crate) fn matches(
        &mut self,
        id: SelectorId,
        driver: &Arc<str>,
        device: &Device,
    ) -> Verdict {
        let sight = self.list[id].sight(driver, device);
        if let Some(known) = self.verdicts.get(&(id, sight.clone())) {
            return known.clone();
        }
        let verdict = self.evaluate(id, &sight);
        self.verdicts.insert((id, sight), verdict.clone());
        verdict
    }

    fn evaluate(&self, id: SelectorId, sight: &Sight) -> Verdict {
        let selector = &self.list[id];
        let mut scope = self.functions.new_inner_scope();
        scope.add_variable_from_value("device", self.device(sight, &selector.literals));
        match selector.expression.evaluate(&scope) {
            Ok(Value::Bool(verdict)) => Ok(verdict),
            Ok(_) => Err(format!("{:?} is neither true nor false", excerpt(&selector.text)).into()),
            Err(error) => Err(excerpt(&error.to_string()).into()),
        }
    }

    fn device(&self, sight: &Sight, literals: &[String]) -> Value {
        let attributes = sight.attributes.iter();
        let attributes =
            attributes.filter_map(|(name, value)| Some((name, self.attribute(value)?)));
        let capacity = sight.capacity.iter();
        let capacity = capacity
            .filter_map(|(name, value)| Some((name, self.typed(self.quantity.as_ref(), value)?)));
        let fields = [
            ("driver", text(&sight.driver)),
            ("attributes", by_domain(attributes, &sight.driver, literals)),
            ("capacity", by_domain(capacity, &sight.driver, literals)),
            ("allowMultipleAllocations", Value::Bool(sight.shared)),
        ];
        map(fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)))
    }

    fn attribute(&self, attribute: &DeviceAttribute) -> Option<Value> {
        let DeviceAttribute {
            int,
            bool,
            string,
            version,
        } = attribute;
        int.map(Value::Int)
            .or_else(|| bool.map(Value::Bool))
            .or_else(|| string.as_deref().map(text))
            .or_else(|| self.typed(self.version.as_ref(), version.as_ref()?))
    }

    /// A value of a type that only a function makes.
    fn typed(&self, make: Option<&Expression>, value: &impl ToString) -> Option<Value> {
        let mut scope = self.functions.new_inner_scope();
        scope.add_variable_from_value("text", text(&value.to_string()));
        make?.evaluate(&scope).ok()
    }
}

impl Selector {
    fn sight(&self, driver: &Arc<str>, device: &Device) -> Sight {
        let sees = |name: &str| {
            let name = name.rsplit('/').next().unwrap_or(name);
            self.sees_all || self.text.contains(name)
        };
        let attributes = device.attributes.iter().filter(|(name, _)| sees(name));
        let capacity = device.capacity.iter().filter(|(name, _)| sees(name));
        Sight {
            driver: driver.clone(),
            attributes: attributes.map(|(n, v)| (n.clone(), v.clone())).collect(),
            capacity: capacity.map(|(n, v)| (n.clone(), v.value)).collect(),
            shared: device.allow_multiple_allocations == Some(true),
        }
    }
}

fn text(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

fn map(entries: impl Iterator<Item = (String, Value)>) -> Value {
    let entries = entries.map(|(name, value)| (Key::String(Arc::new(name)), value));
    Value::Map(Map {
        map: Arc::new(entries.collect()),
    })
}

/// Values by domain and name. A domain that the expression asks for is there, if empty: a device
/// without it lacks the name and not the domain, as Kubernetes has it.
fn by_domain<'a>(
    values: impl Iterator<Item = (&'a String, Value)>,
    driver: &str,
    literals: &[String],
) -> Value {
    let mut domains: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for literal in literals {
        domains.entry(literal.clone()).or_default();
    }
    for (name, value) in values {
        let (domain, name) = name.split_once('/').unwrap_or((driver, name));
        let of = domains.entry(domain.to_owned()).or_default();
        of.insert(name.to_owned(), value);
    }
    map(domains
        .into_iter()
        .map(|(domain, values)| (domain, map(values.into_iter()))))
}

/// The quoted texts of an expression.
fn literals(expression: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = &rest[start..=start];
        let inside = &rest[start + 1..];
        let Some(end) = inside.find(quote) else {
            break;
        };
        found.push(inside[..end].to_owned());
        rest = &inside[end + 1..];
    }
    found
}

/// Whether an expression may reach an attribute whose name does not stand in it: by going over all,
/// or with a name that it puts together.
fn can_make_names(expression: &str) -> bool {
    const OVER_ALL: [&str; 7] = ["all(", "exists", "filter(", "map(", "size(", "+", "\\"];
    let compact: String = expression.split_whitespace().collect();
    let computed = compact.split('[').skip(1).any(|index| {
        !index.starts_with(['"', '\'']) && !index.starts_with(|c: char| c.is_ascii_digit())
    });
    // Whole maps that are compared or handed on.
    let whole = ["attributes", "capacity"].iter().any(|field| {
        compact
            .match_indices(&format!(".{field}"))
            .any(|(at, found)| !compact[at + found.len()..].starts_with(['[', '.']))
    });
    computed || whole || OVER_ALL.iter().any(|word| compact.contains(word))
}
