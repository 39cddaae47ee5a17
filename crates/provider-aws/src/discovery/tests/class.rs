use api::condition;
use api::ec2nodeclass::{AmiSelectorTerm, SecurityGroupSelectorTerm, SubnetSelectorTerm};
use aws::class::{
    AMIS_READY, INSTANCE_PROFILE_READY, SECURITY_GROUPS_READY, SUBNETS_READY, VALIDATION_SUCCEEDED,
};

use super::*;

/// A class that finds everything.
async fn world() -> World {
    let mut world = World::new().await;
    world.edit(|class| {
        class.spec.ami_selector_terms = vec![AmiSelectorTerm {
            alias: "al2023@latest".to_owned(),
            ..AmiSelectorTerm::default()
        }];
        class.spec.subnet_selector_terms = vec![SubnetSelectorTerm {
            tags: tags(&[("foo", "*")]),
            ..SubnetSelectorTerm::default()
        }];
        class.spec.security_group_selector_terms = vec![SecurityGroupSelectorTerm {
            tags: tags(&[("foo", "bar")]),
            ..SecurityGroupSelectorTerm::default()
        }];
        class.spec.role = Some("test-role".to_owned());
    });
    world
}

fn status(world: &World, r#type: &str) -> String {
    let found = condition::find(&world.class.status.conditions, r#type);
    found.expect(r#type).status.clone()
}

#[tokio::test(start_paused = true)]
async fn a_class_that_finds_everything_has_it_in_its_status() {
    let mut world = world().await;
    let outcome = world.discovery.reconcile(&mut world.class).await;
    assert_eq!(outcome.errors, []);
    assert_eq!(outcome.again, Some(MINUTE));
    let found = &world.class.status;
    assert_eq!(found.amis.len(), 5);
    assert_eq!(found.subnets.len(), 3);
    assert_eq!(found.security_groups.len(), 3);
    assert!(found.instance_profile.starts_with("test-cluster_"));
    for r#type in [
        AMIS_READY,
        SUBNETS_READY,
        SECURITY_GROUPS_READY,
        INSTANCE_PROFILE_READY,
    ] {
        assert_eq!(status(&world, r#type), "True", "{type}");
    }
    assert_eq!(status(&world, VALIDATION_SUCCEEDED), "Unknown");
    assert_eq!(status(&world, condition::READY), "Unknown");
}

#[tokio::test(start_paused = true)]
async fn what_fails_holds_up_nothing_else_and_leaves_what_was_found() {
    let mut world = world().await;
    world.discovery.reconcile(&mut world.class).await;
    let before = world.class.status.clone();
    world.pass(MINUTE * 20).await;
    for operation in [
        Operation::DescribeImages,
        Operation::DescribeSubnets,
        Operation::DescribeSecurityGroups,
        Operation::GetInstanceProfile,
    ] {
        world.fake.fail(throttled(operation), 1);
    }
    let outcome = world.discovery.reconcile(&mut world.class).await;
    let texts: Vec<String> = outcome.errors.iter().map(ToString::to_string).collect();
    let expected = [
        "discovering AMIs, ec2:DescribeImages",
        "discovering subnets, ec2:DescribeSubnets",
        "discovering security groups, ec2:DescribeSecurityGroups",
        "reconciling instance profile, iam:GetInstanceProfile",
    ];
    let expected = expected.map(|text| format!("{text}: RequestLimitExceeded: slow down"));
    assert_eq!(texts, expected);
    assert_eq!(world.class.status, before);
}

#[tokio::test(start_paused = true)]
async fn a_class_without_role_and_profile_uses_the_default_one() {
    let mut world = world().await;
    world.edit(|class| class.spec.role = None);
    world.discovery.reconcile(&mut world.class).await;
    assert_eq!(status(&world, INSTANCE_PROFILE_READY), "False");
    assert_eq!(status(&world, condition::READY), "False");
    world.discovery.default_profile = "fallback".to_owned();
    world.discovery.reconcile(&mut world.class).await;
    assert_eq!(status(&world, INSTANCE_PROFILE_READY), "True");
    assert_eq!(world.class.status.instance_profile, "fallback");
    assert_eq!(world.fake.count(Operation::GetInstanceProfile), 0);
    world.edit(|class| class.spec.instance_profile = Some("mine".to_owned()));
    world.discovery.reconcile(&mut world.class).await;
    assert_eq!(world.class.status.instance_profile, "mine");
}
