use api::ec2nodeclass::SecurityGroupSelectorTerm;
use aws::ec2::SecurityGroup;

use super::*;
use crate::fake::FakeGroup;

const CALL: Operation = Operation::DescribeSecurityGroups;

fn term(id: &str, name: &str, with: &[(&str, &str)]) -> SecurityGroupSelectorTerm {
    SecurityGroupSelectorTerm {
        id: id.to_owned(),
        name: name.to_owned(),
        tags: tags(with),
        ..SecurityGroupSelectorTerm::default()
    }
}

async fn select(world: &mut World, terms: &[SecurityGroupSelectorTerm]) -> Vec<String> {
    world.edit(|class| class.spec.security_group_selector_terms = terms.to_vec());
    let found = world.discovery.security_groups.list(&world.class).await;
    let found = found.expect("an answer");
    let mut ids: Vec<String> = found.iter().map(|group| group.id.clone()).collect();
    ids.sort();
    ids
}

/// SG-1: groups are found by id, several ids, name and tags; the name is the group's own, not the
/// tag `Name`.
#[tokio::test(start_paused = true)]
async fn groups_are_found_by_id_name_and_tags() {
    let mut world = World::new().await;
    let mut several = term("", "", &[]);
    several.ids = vec!["sg-test1".to_owned(), "sg-test2".to_owned()];
    let cases: [(Vec<SecurityGroupSelectorTerm>, &[&str]); 7] = [
        (vec![term("sg-test1", "", &[])], &["sg-test1"]),
        (vec![several], &["sg-test1", "sg-test2"]),
        (
            vec![term("sg-test1", "", &[]), term("sg-test3", "", &[])],
            &["sg-test1", "sg-test3"],
        ),
        (vec![term("", "securityGroup-test2", &[])], &["sg-test2"]),
        (
            vec![
                term("", "securityGroup-test2", &[]),
                term("", "securityGroup-test3", &[]),
            ],
            &["sg-test2", "sg-test3"],
        ),
        (vec![term("", "test-security-group-2", &[])], &[]),
        (vec![term("", "", &[("TestTag", "*")])], &["sg-test3"]),
    ];
    for (terms, expected) in cases {
        assert_eq!(select(&mut world, &terms).await, expected, "{terms:?}");
    }
    let filters = world.filters(CALL);
    assert_eq!(filters[2], ["group-id=sg-test1,sg-test3"]);
    assert_eq!(
        filters[4],
        ["group-name=securityGroup-test2,securityGroup-test3"]
    );
}

/// SG-2: terms are alternatives.
#[tokio::test(start_paused = true)]
async fn terms_are_alternatives() {
    let mut world = World::new().await;
    let terms = [
        term("sg-test1", "", &[]),
        term("", "", &[("Name", "test-security-group-2")]),
    ];
    assert_eq!(select(&mut world, &terms).await, ["sg-test1", "sg-test2"]);
}

/// SG-3: of a term that has both, only the name counts.
#[tokio::test(start_paused = true)]
async fn a_name_stands_alone() {
    let mut world = World::new().await;
    let both = term(
        "",
        "securityGroup-test1",
        &[("Name", "test-security-group-2")],
    );
    assert_eq!(select(&mut world, &[both]).await, ["sg-test1"]);
    assert_eq!(world.filters(CALL), [["group-name=securityGroup-test1"]]);
}

/// SG-4: tags of one term must all match, those of two terms are alternatives.
#[tokio::test(start_paused = true)]
async fn tags_of_a_term_must_all_match() {
    let mut world = World::new().await;
    let [name, foo] = [("Name", "test-security-group-1"), ("foo", "bar")];
    assert_eq!(
        select(&mut world, &[term("", "", &[name, foo])]).await,
        ["sg-test1"]
    );
    let either = [term("", "", &[name]), term("", "", &[foo])];
    let found = select(&mut world, &either).await;
    assert_eq!(found, ["sg-test1", "sg-test2", "sg-test3"]);
}

/// SG-5: what was found for a class is good for a minute.
#[tokio::test(start_paused = true)]
async fn groups_are_remembered_for_a_minute() {
    let mut world = World::new().await;
    select(&mut world, &[term("", "", &[("foo", "bar")])]).await;
    let list = || async { world.discovery.security_groups.list(&world.class).await };
    world
        .pass(MINUTE.saturating_sub(Duration::from_secs(1)))
        .await;
    assert_eq!(list().await.expect("groups").len(), 3);
    assert_eq!(world.fake.count(CALL), 1);
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(list().await.expect("groups").len(), 3);
    assert_eq!(world.fake.count(CALL), 2);
}

/// SG-6: answers with nothing in them end nothing, and what is answered twice is found once.
#[tokio::test(start_paused = true)]
async fn a_group_is_found_once() {
    let mut world = World::new().await;
    let again = FakeGroup {
        group: SecurityGroup {
            id: "sg-test1".to_owned(),
            name: "securityGroup-test1".to_owned(),
        },
        tags: tags(&[("foo", "bar")]),
    };
    world.fake.change(|state| state.groups.push(again));
    let terms = [
        term("", "", &[("foo", "none")]),
        term("", "", &[("foo", "bar")]),
        term("sg-none", "", &[]),
        term("", "securityGroup-test1", &[]),
    ];
    let found = select(&mut world, &terms).await;
    assert_eq!(found, ["sg-test1", "sg-test2", "sg-test3"]);
}

/// SG-7: callers that come at the same time share one round.
#[tokio::test(start_paused = true)]
async fn callers_share_a_round() {
    let mut world = World::new().await;
    let foo = term("", "", &[("foo", "bar")]);
    world.edit(|class| class.spec.security_group_selector_terms = vec![foo]);
    world.fake.answer_after(Duration::from_secs(1));
    let one = || async {
        let found = world.discovery.security_groups.list(&world.class).await;
        let found = found.expect("groups");
        let mut sorted = found.to_vec();
        sorted.reverse();
        found
    };
    let lists = futures::future::join_all((0..50).map(|_| one())).await;
    assert_eq!(world.fake.count(CALL), 1);
    for list in lists {
        assert_eq!(list[0].id, "sg-test1");
    }
}
