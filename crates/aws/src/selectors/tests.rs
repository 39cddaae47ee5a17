use super::*;

fn tags(tags: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    tags.iter().map(owned).collect()
}

fn subnet_term(id: &str, with: &[(&str, &str)]) -> SubnetSelectorTerm {
    SubnetSelectorTerm {
        id: id.to_owned(),
        tags: tags(with),
        ..SubnetSelectorTerm::default()
    }
}

fn group_term(id: &str, name: &str, with: &[(&str, &str)]) -> SecurityGroupSelectorTerm {
    SecurityGroupSelectorTerm {
        id: id.to_owned(),
        name: name.to_owned(),
        tags: tags(with),
        ..SecurityGroupSelectorTerm::default()
    }
}

/// UTIL-1: what is found for a class is remembered by its uid and generation.
#[test]
fn the_key_of_a_class_is_its_uid_and_generation() {
    let mut class = Ec2NodeClass::default();
    class.metadata.uid = "9a52".to_owned();
    class.metadata.generation = 7;
    assert_eq!(cache_key(&class), "9a52-7");
}

#[test]
fn ids_of_all_terms_are_one_query_which_comes_last() {
    let mut several = subnet_term("", &[]);
    several.ids = vec!["subnet-3".to_owned(), "subnet-1".to_owned()];
    let terms = [
        subnet_term("subnet-1", &[]),
        subnet_term("", &[("a", "b*"), ("c", "*")]),
        subnet_term("subnet-2", &[("x", "y")]),
        several,
        subnet_term("", &[]),
    ];
    let expected = [
        vec![Filter::new("tag:a", ["b*"]), Filter::new("tag-key", ["c"])],
        vec![Filter::new(
            "subnet-id",
            ["subnet-1", "subnet-2", "subnet-3"],
        )],
    ];
    assert_eq!(subnets(&terms), expected);
    assert_eq!(subnets(&[]), Vec::<Vec<Filter>>::new());
}

#[test]
fn groups_are_asked_for_by_tags_then_ids_then_names() {
    let mut several = group_term("", "", &[]);
    several.ids = vec!["sg-2".to_owned(), "sg-3".to_owned()];
    let terms = [
        group_term("", "web", &[("x", "y")]),
        group_term("sg-1", "", &[]),
        several,
        group_term("", "", &[("a", "b")]),
        group_term("", "db", &[]),
    ];
    let expected = [
        vec![Filter::new("tag:a", ["b"])],
        vec![Filter::new("group-id", ["sg-1", "sg-2", "sg-3"])],
        vec![Filter::new("group-name", ["web", "db"])],
    ];
    assert_eq!(security_groups(&terms), expected);
}

#[test]
fn the_status_has_the_roomiest_subnets_first() {
    let subnet = |id: &str, free_addresses| Subnet {
        id: id.to_owned(),
        free_addresses,
        ..Subnet::default()
    };
    let found = [
        subnet("c", 10),
        subnet("b", 10),
        subnet("a", 5),
        subnet("d", 99),
    ];
    let status = subnet_status(&found);
    let ids: Vec<&str> = status.iter().map(|subnet| subnet.id.as_str()).collect();
    assert_eq!(ids, ["d", "b", "c", "a"]);
}

#[test]
fn the_status_has_groups_by_id() {
    let group = |id: &str| SecurityGroup {
        id: id.to_owned(),
        name: format!("name of {id}"),
    };
    let status = security_group_status(&[group("sg-2"), group("sg-1")]);
    let ids: Vec<&str> = status.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(ids, ["sg-1", "sg-2"]);
    assert_eq!(status[0].name, "name of sg-1");
}
