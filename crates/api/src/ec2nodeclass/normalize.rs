//! From what a user wrote to the one strict form.

use super::{AmiSelectorTerm, Ec2NodeClass, Ec2NodeClassSpec};

/// Families by alias, in the spelling of `amiFamily`.
const FAMILIES: &[(&str, &str)] = &[
    ("al2", "AL2"),
    ("al2023", "AL2023"),
    ("bottlerocket", "Bottlerocket"),
    ("ubuntu", "Ubuntu"),
    ("windows2019", "Windows2019"),
    ("windows2022", "Windows2022"),
    ("windows2025", "Windows2025"),
];

impl Ec2NodeClass {
    /// The strict form: images are always selected by terms, and each term has at most one id.
    ///
    /// A class with a family and no terms selects the newest image of that family. `Custom` without
    /// terms stays without: nothing can be selected.
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut class = self.clone();
        let spec = &mut class.spec;
        spec.subnet_selector_terms = split(&spec.subnet_selector_terms, |term| {
            (std::mem::take(&mut term.ids), &mut term.id)
        });
        spec.security_group_selector_terms = split(&spec.security_group_selector_terms, |term| {
            (std::mem::take(&mut term.ids), &mut term.id)
        });
        if let (true, Some(alias)) = (spec.ami_selector_terms.is_empty(), spec.family_alias()) {
            spec.ami_selector_terms.push(AmiSelectorTerm {
                alias: format!("{alias}@latest"),
                ..AmiSelectorTerm::default()
            });
        }
        class
    }
}

/// One term for each id that a term lists.
fn split<T: Clone>(terms: &[T], ids: impl Fn(&mut T) -> (Vec<String>, &mut String)) -> Vec<T> {
    let mut split = Vec::new();
    for term in terms {
        let mut base = term.clone();
        let (listed, id) = ids(&mut base);
        let has_id = !id.is_empty();
        if listed.is_empty() || has_id {
            split.push(base.clone());
        }
        for one in listed {
            let mut term = base.clone();
            *ids(&mut term).1 = one;
            split.push(term);
        }
    }
    split
}

impl Ec2NodeClassSpec {
    /// The alias of the first term that has one.
    pub fn alias(&self) -> Option<(&str, &str)> {
        self.ami_selector_terms
            .iter()
            .find_map(AmiSelectorTerm::alias_parts)
    }

    /// How user data and the like are written: `amiFamily`, else the family of the alias, else
    /// `Custom`.
    pub fn resolved_family(&self) -> &str {
        let of_alias = || {
            let (family, _) = self.alias()?;
            FAMILIES
                .iter()
                .find(|(alias, _)| *alias == family)
                .map(|(_, name)| *name)
        };
        match &self.ami_family {
            Some(family) if !family.is_empty() => family,
            _ => of_alias().unwrap_or("Custom"),
        }
    }

    fn family_alias(&self) -> Option<&'static str> {
        let family = self.ami_family.as_deref()?;
        FAMILIES
            .iter()
            .find(|(_, name)| *name == family)
            .map(|(alias, _)| *alias)
    }
}
