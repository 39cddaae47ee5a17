//! Placement groups: how a class' selector asks for its group, and what the group means for what is
//! launched into it.
//!
//! What is *not* here: offerings for each partition (the instance types), and what is remembered of
//! groups (`provider-aws`).

use api::ec2nodeclass::PlacementGroupSelector;
use api::labels;
use requirements::Requirement;

use crate::ec2::{PlacementGroup, PlacementGroupQuery};

/// How the group of a selector is asked for. A selector that says nothing asks for nothing.
pub fn query(selector: &PlacementGroupSelector) -> Option<PlacementGroupQuery> {
    match (selector.id.as_str(), selector.name.as_str()) {
        ("", "") => None,
        ("", name) => Some(PlacementGroupQuery::Name(name.to_owned())),
        (id, _) => Some(PlacementGroupQuery::Id(id.to_owned())),
    }
}

/// The name or id that a query is for.
pub fn wanted(query: &PlacementGroupQuery) -> &str {
    match query {
        PlacementGroupQuery::Id(text) | PlacementGroupQuery::Name(text) => text,
    }
}

/// The partitions of a group, from 1 on; none where it has no partitions.
pub fn partitions(group: &PlacementGroup) -> impl Iterator<Item = u32> {
    let count = match group.strategy.as_str() {
        "partition" => group.partitions,
        _ => 0,
    };
    1..=count
}

/// What the labels of nodes in the group can be: its id, and each of its partitions.
pub fn requirements(group: &PlacementGroup) -> Vec<Requirement> {
    let id = Requirement::single(labels::PLACEMENT_GROUP_ID, group.id.as_str());
    let numbers: Vec<String> = partitions(group).map(|number| number.to_string()).collect();
    let partition = (!numbers.is_empty())
        .then(|| Requirement::any_of(labels::PLACEMENT_GROUP_PARTITION, numbers));
    std::iter::once(id).chain(partition).collect()
}

/// What is known of the group that a class' instances are put into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resolved {
    /// The class selects none.
    #[default]
    Unselected,
    /// It selects one that does not exist, or is not available.
    Missing,
    /// It selects this one.
    Group(PlacementGroup),
    /// It selects one of which nothing is known: EC2 did not answer, and never has before.
    Unknown,
}

impl Resolved {
    /// The group, if there is one.
    pub fn group(&self) -> Option<&PlacementGroup> {
        match self {
            Self::Group(group) => Some(group),
            Self::Unselected | Self::Missing | Self::Unknown => None,
        }
    }

    /// Whether a node with this label of its group (none: without) is where the class no longer
    /// wants it. Where nothing is known nobody has drifted.
    pub fn is_drifted(&self, node_group: Option<&str>) -> bool {
        let node_group = node_group.filter(|id| !id.is_empty());
        match self {
            Self::Unknown => false,
            Self::Unselected | Self::Missing => node_group.is_some(),
            Self::Group(group) => node_group != Some(&group.id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(name: &str, id: &str) -> PlacementGroupSelector {
        PlacementGroupSelector {
            name: name.to_owned(),
            id: id.to_owned(),
        }
    }

    fn group(strategy: &str, partitions: u32) -> PlacementGroup {
        PlacementGroup {
            id: "pg-1".to_owned(),
            name: "workers".to_owned(),
            strategy: strategy.to_owned(),
            partitions,
            spread_level: None,
        }
    }

    #[test]
    fn a_name_stays_a_name_whatever_it_looks_like() {
        let by_name = query(&selector("pg-0123", ""));
        assert_eq!(
            by_name,
            Some(PlacementGroupQuery::Name("pg-0123".to_owned()))
        );
        let by_id = query(&selector("", "pg-0123"));
        assert_eq!(by_id, Some(PlacementGroupQuery::Id("pg-0123".to_owned())));
        assert_eq!(query(&selector("", "")), None);
    }

    #[test]
    fn nodes_of_a_group_have_its_id_and_one_of_its_partitions() {
        let partitioned = requirements(&group("partition", 3));
        assert_eq!(partitioned.len(), 2);
        assert!(partitioned[0].has("pg-1") && !partitioned[0].admits_absence());
        assert!(partitioned[1].has("1") && partitioned[1].has("3") && !partitioned[1].has("4"));
        assert_eq!(requirements(&group("cluster", 0)).len(), 1);
        assert_eq!(requirements(&group("spread", 7)).len(), 1);
    }

    #[test]
    fn a_node_drifts_when_the_group_is_another_one_but_not_when_nothing_is_known() {
        let found = Resolved::Group(group("cluster", 0));
        assert!(!found.is_drifted(Some("pg-1")));
        assert!(found.is_drifted(Some("pg-2")) && found.is_drifted(None));
        for gone in [Resolved::Unselected, Resolved::Missing] {
            assert!(gone.is_drifted(Some("pg-1")));
            assert!(!gone.is_drifted(None) && !gone.is_drifted(Some("")));
        }
        assert!(!Resolved::Unknown.is_drifted(Some("pg-1")));
    }
}
