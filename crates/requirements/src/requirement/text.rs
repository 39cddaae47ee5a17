//! The text form: `key In [a b c]`, `key Exists >=2 <=8`.

use std::fmt;

use super::Requirement;
use crate::Operator;

/// How many values are shown before `and N others`.
const SHOWN: usize = 5;

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = self.operator();
        write!(f, "{} {operator}", self.key)?;
        if !matches!(operator, Operator::Exists | Operator::DoesNotExist) {
            f.write_str(" [")?;
            for (index, value) in self.values.iter().take(SHOWN).enumerate() {
                let space = if index == 0 { "" } else { " " };
                write!(f, "{space}{value}")?;
            }
            if self.values.len() > SHOWN {
                write!(f, " and {} others", self.values.len() - SHOWN)?;
            }
            f.write_str("]")?;
        }
        if let Some(gte) = self.gte {
            write!(f, " >={gte}")?;
        }
        if let Some(lte) = self.lte {
            write!(f, " <={lte}")?;
        }
        if let Some(min_values) = self.min_values {
            write!(f, " minValues {min_values}")?;
        }
        Ok(())
    }
}
