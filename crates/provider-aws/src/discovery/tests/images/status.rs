//! What a class' status has of its images.

use super::*;

/// What the class' status says of its images, after a search: id, and whether it is deprecated.
async fn status(world: &mut World) -> Vec<(String, bool)> {
    let found = world.discovery.find_images(&mut world.class).await;
    found.expect("images");
    let amis = world.class.status.amis.iter();
    amis.map(|ami| (ami.id.clone(), ami.deprecated)).collect()
}

/// NC-3: a class' status has the images of its alias, each with sorted requirements.
#[tokio::test(start_paused = true)]
async fn the_status_has_the_images_of_each_alias() {
    for (alias, version, count) in [
        ("al2@latest", "1.30", 4),
        ("al2023@latest", "1.33", 5),
        ("bottlerocket@latest", "1.30", 5),
        ("windows2019@latest", "1.35", 1),
        ("windows2022@latest", "1.35", 1),
        ("windows2025@latest", "1.35", 1),
    ] {
        let mut world = aliased(alias, version).await;
        let found = status(&mut world).await;
        assert_eq!(found.len(), count, "{alias}");
        assert!(found.iter().all(|(_, deprecated)| !deprecated), "{alias}");
        for ami in &world.class.status.amis {
            let keys = ami.requirements.iter().map(|item| &item.key);
            let keys: Vec<(usize, &String)> = keys.map(|key| (key.len(), key)).collect();
            assert!(keys.len() > 1 && keys.is_sorted(), "{alias}: {keys:?}");
        }
        let conditions = &world.class.status.conditions;
        assert!(api::condition::is_true(conditions, aws::class::AMIS_READY));
    }
}

/// NC-3: some parameters, a deprecated image, and the one that comes in its place.
#[tokio::test(start_paused = true)]
async fn the_status_follows_what_the_parameters_say() {
    let mut world = aliased("al2023@latest", "1.33").await;
    let name = world.fake.change(|state| {
        state
            .parameters
            .retain(|name, _| name.contains("x86_64/standard"));
        for image in &mut state.images {
            image.image.deprecated = Some(Timestamp::from_seconds(1_750_000_000));
        }
        state.parameters.keys().next().cloned().expect("a name")
    });
    let old = ("ami-0".to_owned(), true);
    assert_eq!(status(&mut world).await, std::slice::from_ref(&old));
    put(&world, image("ami-new", "x86_64"), "amazon", &[]);
    set(&world, &name, "ami-new");
    assert_eq!(status(&mut world).await, [old]);
    world
        .discovery
        .images
        .invalidation_round()
        .await
        .expect("a round");
    world.pass(MINUTE * 2).await;
    let new = ("ami-new".to_owned(), false);
    assert_eq!(status(&mut world).await, [new]);
}
