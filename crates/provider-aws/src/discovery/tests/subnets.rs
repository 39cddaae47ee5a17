use api::ec2nodeclass::SubnetSelectorTerm;
use aws::ec2::Subnet;

use super::*;
use crate::fake::FakeSubnet;

const CALL: Operation = Operation::DescribeSubnets;

fn by_id(id: &str) -> SubnetSelectorTerm {
    SubnetSelectorTerm {
        id: id.to_owned(),
        ..SubnetSelectorTerm::default()
    }
}

fn by_tags(with: &[(&str, &str)]) -> SubnetSelectorTerm {
    SubnetSelectorTerm {
        tags: tags(with),
        ..SubnetSelectorTerm::default()
    }
}

async fn select(world: &mut World, terms: &[SubnetSelectorTerm]) -> Vec<String> {
    world.edit(|class| class.spec.subnet_selector_terms = terms.to_vec());
    let found = world.discovery.subnets.list(&world.class).await;
    let found = found.expect("an answer");
    found.iter().map(|subnet| subnet.id.clone()).collect()
}

/// SUB-1: ids of all terms are one query.
#[tokio::test(start_paused = true)]
async fn subnets_by_id_are_one_query() {
    let mut world = World::new().await;
    let found = select(&mut world, &[by_id("subnet-test1"), by_id("subnet-test2")]).await;
    assert_eq!(found, ["subnet-test1", "subnet-test2"]);
    assert_eq!(
        world.filters(CALL),
        [["subnet-id=subnet-test1,subnet-test2"]]
    );
}

/// SUB-2: terms are alternatives.
#[tokio::test(start_paused = true)]
async fn terms_are_alternatives() {
    let mut world = World::new().await;
    let terms = [by_id("subnet-test1"), by_tags(&[("Name", "test-subnet-4")])];
    let mut found = select(&mut world, &terms).await;
    found.sort();
    assert_eq!(found, ["subnet-test1", "subnet-test4"]);
    let expected = [["tag:Name=test-subnet-4"], ["subnet-id=subnet-test1"]];
    assert_eq!(world.filters(CALL), expected);
}

/// SUB-3: tags of one term must all match, those of two terms are alternatives; what is found for
/// one is not taken for the other.
#[tokio::test(start_paused = true)]
async fn tags_of_a_term_must_all_match() {
    let mut world = World::new().await;
    let both = by_tags(&[("Name", "test-subnet-1"), ("foo", "bar")]);
    assert_eq!(
        select(&mut world, std::slice::from_ref(&both)).await,
        ["subnet-test1"]
    );
    let either = [
        by_tags(&[("Name", "test-subnet-1")]),
        by_tags(&[("foo", "bar")]),
    ];
    let found = select(&mut world, &either).await;
    assert_eq!(found, ["subnet-test1", "subnet-test2", "subnet-test3"]);
    assert_eq!(select(&mut world, &[both]).await, ["subnet-test1"]);
}

/// SUB-4: `*` stands for any value, and the key alone is asked for; elsewhere EC2 knows wildcards.
#[tokio::test(start_paused = true)]
async fn a_star_is_any_value_of_a_tag() {
    let mut world = World::new().await;
    let found = select(&mut world, &[by_tags(&[("TestTag", "*")])]).await;
    assert_eq!(found, ["subnet-test3"]);
    assert_eq!(world.filters(CALL), [["tag-key=TestTag"]]);
    let found = select(&mut world, &[by_tags(&[("Name", "test-*-2")])]).await;
    assert_eq!(found, ["subnet-test2"]);
}

/// SUB-5: of a term that has both, only the id counts.
#[tokio::test(start_paused = true)]
async fn an_id_stands_alone() {
    let mut world = World::new().await;
    let mut term = by_id("subnet-test1");
    term.tags = tags(&[("Name", "test-subnet-2")]);
    assert_eq!(select(&mut world, &[term]).await, ["subnet-test1"]);
    assert_eq!(world.filters(CALL), [["subnet-id=subnet-test1"]]);
}

/// SUB-6: answers with nothing in them end nothing, and what is answered twice is found once.
#[tokio::test(start_paused = true)]
async fn a_subnet_is_found_once() {
    let mut world = World::new().await;
    let again = FakeSubnet {
        subnet: Subnet {
            id: "subnet-test1".to_owned(),
            ..Subnet::default()
        },
        tags: tags(&[("foo", "bar")]),
    };
    world.fake.change(|state| state.subnets.push(again));
    let terms = [
        by_tags(&[("foo", "none")]),
        by_tags(&[("foo", "bar")]),
        by_tags(&[("foo", "no other")]),
        by_id("subnet-test1"),
        by_id("subnet-test4"),
    ];
    let found = select(&mut world, &terms).await;
    let expected = [
        "subnet-test1",
        "subnet-test2",
        "subnet-test3",
        "subnet-test4",
    ];
    assert_eq!(found, expected);
}

/// SUB-7: what was found for a class is good for a while.
#[tokio::test(start_paused = true)]
async fn subnets_are_remembered_for_the_refresh_interval() {
    let mut world = World::new().await;
    let terms = [by_tags(&[("foo", "bar")])];
    select(&mut world, &terms).await;
    let list = || async {
        world
            .discovery
            .subnets
            .list(&world.class)
            .await
            .expect("subnets")
    };
    world
        .pass(MINUTE.saturating_sub(Duration::from_secs(1)))
        .await;
    assert_eq!(list().await.len(), 3);
    assert_eq!(world.fake.count(CALL), 1);
    world.pass(Duration::from_secs(1)).await;
    assert_eq!(list().await.len(), 3);
    assert_eq!(world.fake.count(CALL), 2);
}

/// SUB-8: callers that come at the same time share one round, and what one does with the list is
/// not seen by others.
#[tokio::test(start_paused = true)]
async fn callers_share_a_round() {
    let mut world = World::new().await;
    world.edit(|class| class.spec.subnet_selector_terms = vec![by_tags(&[("foo", "bar")])]);
    world.fake.answer_after(Duration::from_secs(1));
    let one = || async {
        let found = world
            .discovery
            .subnets
            .list(&world.class)
            .await
            .expect("subnets");
        let mut sorted = found.to_vec();
        sorted.sort_by(|one, other| other.id.cmp(&one.id));
        assert_eq!(sorted[0].id, "subnet-test3");
        found
    };
    let lists = futures::future::join_all((0..50).map(|_| one())).await;
    assert_eq!(world.fake.count(CALL), 1);
    for list in lists {
        assert_eq!(list[0].id, "subnet-test1");
    }
}

#[tokio::test(start_paused = true)]
async fn listeners_are_told_what_ec2_answers_and_not_what_is_remembered() {
    let mut world = World::new().await;
    let terms = [by_id("subnet-test1")];
    select(&mut world, &terms).await;
    world
        .discovery
        .subnets
        .list(&world.class)
        .await
        .expect("remembered");
    let told = world.told.lock().expect("no panic").clone();
    assert_eq!(told, [("subnet-test1".to_owned(), 100)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_remembered_of_a_failure_and_nothing_is_asked_without_terms() {
    let mut world = World::new().await;
    assert_eq!(select(&mut world, &[]).await, [""; 0]);
    assert_eq!(world.fake.count(CALL), 0);
    world.edit(|class| class.spec.subnet_selector_terms = vec![by_id("subnet-test1")]);
    world.fake.fail(throttled(CALL), 1);
    let list = || world.discovery.subnets.list(&world.class);
    assert_eq!(list().await, Err(throttled(CALL)));
    assert_eq!(list().await.expect("subnets").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn that_nothing_was_found_is_remembered_too() {
    let mut world = World::new().await;
    assert_eq!(select(&mut world, &[by_id("subnet-none")]).await, [""; 0]);
    world
        .discovery
        .subnets
        .list(&world.class)
        .await
        .expect("nothing");
    assert_eq!(world.fake.count(CALL), 1);
}
