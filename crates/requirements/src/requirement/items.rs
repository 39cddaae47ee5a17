//! Between requirements and the entries of API objects.

use api::NodeRequirement;

use super::{NO_VALUES, Requirement};
use crate::Operator;

impl From<&NodeRequirement> for Requirement {
    /// An operator that does not exist admits nothing.
    fn from(item: &NodeRequirement) -> Self {
        let values = item.values.iter().map(String::as_str);
        match item.operator.parse() {
            Ok(operator) => Self::new(item.key.as_str(), operator, values, item.min_values),
            Err(_) => Self::new(item.key.as_str(), Operator::In, NO_VALUES, item.min_values),
        }
    }
}

impl Requirement {
    /// The entries that say the same, each with the `minValues`. Usually one; bounds take one each,
    /// and exclusions beside bounds or beside `Exists` take one more. `Gt` and `Lt` do not occur.
    ///
    /// Nothing is lost: the intersection of the entries is the requirement itself.
    pub fn to_items(&self) -> Vec<NodeRequirement> {
        let mut items = Vec::with_capacity(1);
        if let Some(gte) = self.gte {
            items.push(self.item(Operator::Gte, vec![gte.to_string()]));
        }
        if let Some(lte) = self.lte {
            items.push(self.item(Operator::Lte, vec![lte.to_string()]));
        }
        let bounded = !items.is_empty();
        let values = || self.values.iter().map(ToString::to_string).collect();
        match self.operator() {
            // What the bounds have said already.
            Operator::Exists if bounded => {}
            Operator::NotIn => {
                items.push(self.item(Operator::NotIn, values()));
                if !bounded && !self.absent {
                    items.push(self.item(Operator::Exists, Vec::new()));
                }
            }
            operator => items.push(self.item(operator, values())),
        }
        items
    }

    fn item(&self, operator: Operator, values: Vec<String>) -> NodeRequirement {
        NodeRequirement {
            key: self.key.to_string(),
            operator: operator.to_string(),
            values,
            min_values: self.min_values,
        }
    }
}
