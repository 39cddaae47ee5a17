use api::ec2nodeclass::{
    AmiSelectorTerm, PlacementGroupSelector, SecurityGroupSelectorTerm, SubnetSelectorTerm,
};

use super::*;
use crate::ec2::PlacementGroup;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn class() -> Ec2NodeClass {
    let mut class = Ec2NodeClass::default();
    class.metadata.generation = 3;
    class
}

fn findings(class: &mut Ec2NodeClass) -> Findings<'_> {
    Findings::new(class, Reserved::Used, NOW)
}

/// Status, reason and message of a condition.
fn said(class: &Ec2NodeClass, condition: &str) -> (String, String, String) {
    let found = condition::find(&class.status.conditions, condition).expect(condition);
    assert_eq!(found.observed_generation, 3);
    let text = [&found.status, &found.reason, &found.message];
    let [status, reason, message] = text.map(String::clone);
    (status, reason, message)
}

fn is_true(class: &Ec2NodeClass, condition: &str) -> bool {
    condition::is_true(&class.status.conditions, condition)
}

#[test]
fn a_selector_that_finds_nothing_is_named() {
    let mut class = class();
    let tags = [("team", "a*"), ("Name", "b")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    class.spec.subnet_selector_terms = vec![
        SubnetSelectorTerm {
            tags: tags.clone().into(),
            ..SubnetSelectorTerm::default()
        },
        SubnetSelectorTerm {
            ids: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
            ..SubnetSelectorTerm::default()
        },
    ];
    class.spec.security_group_selector_terms = vec![SecurityGroupSelectorTerm {
        name: "web".to_owned(),
        ..SecurityGroupSelectorTerm::default()
    }];
    class.spec.ami_selector_terms = vec![AmiSelectorTerm {
        name: "my-*".to_owned(),
        owner: "123456789012".to_owned(),
        tags: tags.into(),
        ..AmiSelectorTerm::default()
    }];
    let mut findings = findings(&mut class);
    assert_eq!(findings.subnets(&[]), SOON);
    assert_eq!(findings.security_groups(&[]), SOON);
    assert_eq!(findings.images(&[]), SOON);
    let is = |condition: &str, reason: &str, message: &str| {
        let text = ["False", reason, message].map(str::to_owned);
        assert_eq!(said(&class, condition), text.into());
    };
    is(
        SUBNETS_READY,
        "SubnetsNotFound",
        "SubnetSelector did not match any Subnets: tags Name=b, team=a*; ids subnet-1, subnet-2",
    );
    is(
        SECURITY_GROUPS_READY,
        "SecurityGroupsNotFound",
        "SecurityGroupSelector did not match any SecurityGroups: name web",
    );
    is(
        AMIS_READY,
        "AMINotFound",
        "AMISelector did not match any AMIs: name my-*, owner 123456789012, tags Name=b, team=a*",
    );
}

#[test]
fn many_terms_are_counted() {
    let terms = (1..=7).map(|number| number.to_string()).collect();
    let message = words::nothing("nothing", terms);
    assert_eq!(message, "nothing: 1; 2; 3; 4; 5 and 2 other(s)");
}

#[test]
fn what_is_found_replaces_what_was_found_before() {
    let mut class = class();
    let subnet = |id: &str| Subnet {
        id: id.to_owned(),
        ..Subnet::default()
    };
    let group = |id: &str| SecurityGroup {
        id: id.to_owned(),
        ..SecurityGroup::default()
    };
    class.status.subnets = selectors::subnet_status(&[subnet("subnet-old")]);
    let mut findings = findings(&mut class);
    assert_eq!(findings.subnets(&[subnet("subnet-1")]), SOON);
    assert_eq!(findings.security_groups(&[group("sg-1")]), FOUND);
    findings.instance_profile("profile");
    assert_eq!(class.status.subnets.len(), 1);
    assert_eq!(class.status.subnets[0].id, "subnet-1");
    assert_eq!(class.status.security_groups[0].id, "sg-1");
    assert_eq!(class.status.instance_profile, "profile");
    for condition in [SUBNETS_READY, SECURITY_GROUPS_READY, INSTANCE_PROFILE_READY] {
        assert!(is_true(&class, condition), "{condition}");
    }
}

#[test]
fn images_that_cannot_be_looked_for_leave_those_that_were_found() {
    let mut class = class();
    class.status.amis = vec![Ami {
        id: "ami-1".to_owned(),
        ..Ami::default()
    }];
    findings(&mut class).images_unsearchable(&Unsearchable::Al2);
    let (status, reason, message) = said(&class, AMIS_READY);
    assert_eq!(
        (status.as_str(), reason.as_str()),
        ("False", "UnsupportedAlias")
    );
    assert!(
        message.starts_with("AL2 aliases are no longer supported"),
        "{message}"
    );
    assert_eq!(class.status.amis.len(), 1);
    let none = Unsearchable::NoTerms("Custom".to_owned());
    findings(&mut class).images_unsearchable(&none);
    assert_eq!(said(&class, AMIS_READY).1, "AMINotFound");
}

#[test]
fn a_class_without_reservations_is_ready_for_them() {
    let mut class = class();
    let (again, unreadable) = findings(&mut class).reservations(&[]);
    assert_eq!((again, unreadable.len()), (SOON, 0));
    assert!(is_true(&class, CAPACITY_RESERVATIONS_READY));
    assert!(
        Reserved::Used
            .dependents()
            .contains(&CAPACITY_RESERVATIONS_READY)
    );
    assert!(
        !Reserved::Ignored
            .dependents()
            .contains(&CAPACITY_RESERVATIONS_READY)
    );
    assert_eq!(Reserved::Ignored.dependents().len(), 6);
}

#[test]
fn a_placement_group_that_is_missed_is_named() {
    let mut class = class();
    findings(&mut class).placement_group(&Resolved::Unselected);
    assert!(is_true(&class, PLACEMENT_GROUP_READY));
    class.spec.placement_group_selector = Some(PlacementGroupSelector {
        name: "workers".to_owned(),
        id: String::new(),
    });
    findings(&mut class).placement_group(&Resolved::Missing);
    let expected = [
        "False",
        "PlacementGroupNotFound",
        "Placement group \"workers\" not found",
    ];
    assert_eq!(
        said(&class, PLACEMENT_GROUP_READY),
        expected.map(str::to_owned).into()
    );
    findings(&mut class).placement_group(&Resolved::Unknown);
    assert_eq!(
        said(&class, PLACEMENT_GROUP_READY).1,
        "PlacementGroupResolutionFailed"
    );
    findings(&mut class).placement_group(&Resolved::Group(PlacementGroup::default()));
    assert!(is_true(&class, PLACEMENT_GROUP_READY));
}

#[test]
fn a_class_without_role_and_profile_says_what_is_missing() {
    let mut class = class();
    findings(&mut class).no_instance_profile();
    let (status, _, message) = said(&class, INSTANCE_PROFILE_READY);
    assert_eq!(status, "False");
    for missing in [
        "spec.role",
        "spec.instanceProfile",
        "settings.defaultInstanceProfile",
    ] {
        assert!(message.contains(missing), "{message}");
    }
}
