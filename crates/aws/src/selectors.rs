//! From the selector terms of a class to queries of EC2 for subnets and security groups, and from
//! what is found to the class' status.
//!
//! Terms are alternatives; the fields of one term must all match, but for an id or a name, which
//! stands alone. What is *not* here: images, reservations and placement groups, which have modules
//! of their own.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use api::Ec2NodeClass;
use api::ec2nodeclass::{self, SecurityGroupSelectorTerm, SubnetSelectorTerm};

use crate::ec2::{Filter, SecurityGroup, Subnet};

/// What is found for a class in one generation is remembered under this key.
pub fn cache_key(class: &Ec2NodeClass) -> String {
    format!("{}-{}", class.metadata.uid, class.metadata.generation)
}

/// Filters of each DescribeSubnets that a class needs: one for each term with tags, and one for all
/// ids.
pub fn subnets(terms: &[SubnetSelectorTerm]) -> Vec<Vec<Filter>> {
    let mut queries = Vec::new();
    let mut ids = Vec::new();
    for term in terms {
        let mut listed = listed(&term.id, &term.ids);
        if listed.is_empty() {
            queries.extend(by_tags(&term.tags));
        }
        ids.append(&mut listed);
    }
    queries.extend(by_values("subnet-id", ids));
    queries
}

/// Filters of each DescribeSecurityGroups that a class needs: one for each term with tags, one for
/// all ids, one for all names.
pub fn security_groups(terms: &[SecurityGroupSelectorTerm]) -> Vec<Vec<Filter>> {
    let mut queries = Vec::new();
    let mut ids = Vec::new();
    let mut names = Vec::new();
    for term in terms {
        let mut listed = listed(&term.id, &term.ids);
        if !listed.is_empty() {
            ids.append(&mut listed);
        } else if !term.name.is_empty() {
            names.push(term.name.clone());
        } else {
            queries.extend(by_tags(&term.tags));
        }
    }
    queries.extend(by_values("group-id", ids));
    queries.extend(by_values("group-name", names));
    queries
}

/// A filter for each tag; `*` stands for any value.
pub(crate) fn tag_filters(tags: &BTreeMap<String, String>) -> Vec<Filter> {
    let filter = |(key, value): (&String, &String)| match value.as_str() {
        "*" => Filter::new("tag-key", [key.as_str()]),
        value => Filter::new(format!("tag:{key}"), [value]),
    };
    tags.iter().map(filter).collect()
}

/// None for a term that says nothing: a query without filters would find everything.
fn by_tags(tags: &BTreeMap<String, String>) -> Option<Vec<Filter>> {
    (!tags.is_empty()).then(|| tag_filters(tags))
}

fn by_values(name: &str, values: Vec<String>) -> Option<Vec<Filter>> {
    let values = distinct(values);
    (!values.is_empty()).then(|| vec![Filter::new(name, values)])
}

/// The ids of a term: its one and its list.
fn listed(id: &str, ids: &[String]) -> Vec<String> {
    let one = (!id.is_empty()).then(|| id.to_owned());
    one.into_iter().chain(ids.iter().cloned()).collect()
}

/// Without repetition, in the order of first occurrence.
pub(crate) fn distinct(values: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let fresh = |value: &String| seen.insert(value.clone());
    values.into_iter().filter(fresh).collect()
}

/// Subnets as a class' status has them: those with the most free addresses first, then by id.
pub fn subnet_status(found: &[Subnet]) -> Vec<ec2nodeclass::Subnet> {
    let mut found: Vec<&Subnet> = found.iter().collect();
    found.sort_by_key(|subnet| (Reverse(subnet.free_addresses), &subnet.id));
    let entry = |subnet: &Subnet| ec2nodeclass::Subnet {
        id: subnet.id.clone(),
        zone: subnet.zone.clone(),
        zone_id: subnet.zone_id.clone(),
    };
    found.into_iter().map(entry).collect()
}

/// Security groups as a class' status has them: by id.
pub fn security_group_status(found: &[SecurityGroup]) -> Vec<ec2nodeclass::SecurityGroup> {
    let entry = |group: &SecurityGroup| ec2nodeclass::SecurityGroup {
        id: group.id.clone(),
        name: group.name.clone(),
    };
    let mut groups: Vec<_> = found.iter().map(entry).collect();
    groups.sort_by(|one, other| one.id.cmp(&other.id));
    groups
}

#[cfg(test)]
mod tests;
