//! What aliases, selectors and parameters find, and what is remembered of it. What is *not* here:
//! the status of a class ([`status`]).

use api::ec2nodeclass::AmiSelectorTerm;
use aws::ec2::Image;

use super::*;
use crate::discovery::images::ImagesError;
use crate::fake::FakeImage;

mod status;

const CALL: Operation = Operation::DescribeImages;
const SSM: Operation = Operation::GetParameter;

fn term() -> AmiSelectorTerm {
    AmiSelectorTerm::default()
}

/// A class with an alias, in a cluster of this version, where all of its parameters exist: each
/// image is named by its parameter.
async fn aliased(alias: &str, version: &str) -> World {
    let mut world = World::new().await;
    world.fake.change(|state| {
        let cluster = state.clusters.get_mut("test-cluster").expect("the cluster");
        version.clone_into(&mut cluster.version);
        state.images.clear();
        state.parameters.clear();
    });
    world.versions.update().await.expect("a version");
    select(
        &mut world,
        vec![AmiSelectorTerm {
            alias: alias.to_owned(),
            ..term()
        }],
    );
    let search = aws::images::Search::new(&world.class, &world.versions.get());
    for (number, lookup) in search.expect("an alias").lookups.iter().enumerate() {
        let name = &lookup.names[0];
        let architecture = if name.contains("arm64") {
            "arm64"
        } else {
            "x86_64"
        };
        put(
            &world,
            image(&format!("ami-{number}"), architecture),
            "amazon",
            &[],
        );
        set(&world, name, &format!("ami-{number}"));
    }
    world.fake.forget_calls();
    world
}

fn image(id: &str, architecture: &str) -> Image {
    Image {
        id: id.to_owned(),
        name: format!("image-{id}"),
        architecture: architecture.to_owned(),
        created: Some(Timestamp::from_seconds(1_700_000_000)),
        deprecated: None,
    }
}

fn put(world: &World, image: Image, owner: &str, with: &[(&str, &str)]) {
    let image = FakeImage {
        image,
        owner: owner.to_owned(),
        tags: tags(with),
    };
    world.fake.change(|state| state.images.push(image));
}

fn set(world: &World, parameter: &str, value: &str) {
    let (parameter, value) = (parameter.to_owned(), value.to_owned());
    world
        .fake
        .change(|state| state.parameters.insert(parameter, value));
}

fn select(world: &mut World, terms: Vec<AmiSelectorTerm>) {
    world.edit(|class| class.spec.ami_selector_terms = terms);
}

/// Images of the class: id, then the last parts of the keys of its requirements.
async fn found(world: &World) -> Result<Vec<String>, ImagesError> {
    let found = world.discovery.images.list(&world.class).await?;
    let entry = |image: &aws::images::Selected| {
        let status = image.status();
        let items = status.requirements.iter().map(|item| {
            let key = item.key.rsplit('/').next().unwrap_or_default();
            match item.operator.as_str() {
                "In" => format!(" {key}={}", item.values.join(",")),
                "DoesNotExist" => format!(" !{key}"),
                _ => format!(" {key}"),
            }
        });
        status.id.clone() + &items.collect::<String>()
    };
    Ok(found.iter().map(entry).collect())
}

async fn ids(world: &World) -> Vec<String> {
    let found = found(world).await.expect("images").into_iter();
    let id = |text: String| text.split(' ').next().unwrap_or_default().to_owned();
    found.map(id).collect()
}

const STANDARD: &str = "!instance-gpu-count !instance-accelerator-count";

/// AMI-1: AL2 has one image for machines with accelerators of both kinds.
#[tokio::test(start_paused = true)]
async fn al2_has_four_entries() {
    let world = aliased("al2@latest", "1.30").await;
    let expected = [
        format!("ami-0 arch=amd64 {STANDARD}"),
        format!("ami-1 arch=arm64 {STANDARD}"),
        "ami-2 arch=amd64 instance-accelerator-count".to_owned(),
        "ami-2 arch=amd64 instance-gpu-count".to_owned(),
    ];
    let mut images = found(&world).await.expect("images");
    images.sort();
    assert_eq!(images, expected);
    assert_eq!(world.filters(CALL), [["image-id=ami-0,ami-1,ami-2"]]);
}

/// AMI-2: AL2023 has an image for each kind of machine.
#[tokio::test(start_paused = true)]
async fn al2023_has_five_entries() {
    let world = aliased("al2023@latest", "1.33").await;
    let expected = [
        format!("ami-0 arch=amd64 {STANDARD}"),
        "ami-1 arch=amd64 instance-gpu-count".to_owned(),
        "ami-2 arch=amd64 instance-accelerator-count".to_owned(),
        format!("ami-3 arch=arm64 {STANDARD}"),
        "ami-4 arch=arm64 instance-gpu-count".to_owned(),
    ];
    assert_eq!(found(&world).await.expect("images"), expected);
}

/// AMI-3: Bottlerocket's standard image also serves AWS' own accelerators.
#[tokio::test(start_paused = true)]
async fn bottlerocket_has_five_entries() {
    let world = aliased("bottlerocket@latest", "1.30").await;
    let mut images = found(&world).await.expect("images");
    images.sort();
    let expected = [
        format!("ami-0 arch=amd64 {STANDARD}"),
        "ami-0 arch=amd64 instance-accelerator-count".to_owned(),
        format!("ami-1 arch=arm64 {STANDARD}"),
        "ami-2 arch=amd64 instance-gpu-count".to_owned(),
        "ami-3 arch=arm64 instance-gpu-count".to_owned(),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(images, expected);
}

/// AMI-4: a Windows has one image, which says its build.
#[tokio::test(start_paused = true)]
async fn each_windows_has_one_entry() {
    for (alias, build) in [
        ("windows2019@latest", "10.0.17763"),
        ("windows2022@latest", "10.0.20348"),
        ("windows2025@latest", "10.0.26100"),
    ] {
        let world = aliased(alias, "1.35").await;
        let expected = format!("ami-0 os=windows arch=amd64 windows-build={build}");
        assert_eq!(found(&world).await, Ok(vec![expected]));
    }
}

#[tokio::test(start_paused = true)]
async fn an_alias_that_the_version_does_not_have_is_told_without_a_call() {
    let mut world = aliased("al2@latest", "1.32").await;
    assert_eq!(ids(&world).await.len(), 4);
    world.fake.change(|state| {
        let cluster = state.clusters.get_mut("test-cluster").expect("the cluster");
        "1.33".clone_into(&mut cluster.version);
    });
    world.versions.update().await.expect("a version");
    world.fake.forget_calls();
    let outcome = world.discovery.find_images(&mut world.class).await;
    assert_eq!(outcome, Ok(MINUTE * 5));
    let conditions = &world.class.status.conditions;
    let told = api::condition::find(conditions, aws::class::AMIS_READY).expect("told");
    assert_eq!(told.reason, "UnsupportedAlias");
    assert_eq!(world.fake.count(SSM) + world.fake.count(CALL), 0);
}

/// AMI-7: parameters that don't exist are left out; if none exists, that is a failure.
#[tokio::test(start_paused = true)]
async fn parameters_that_do_not_exist_are_left_out() {
    let mut world = aliased("al2023@latest", "1.33").await;
    world.fake.change(|state| {
        state
            .parameters
            .retain(|name, _| name.contains("x86_64/standard"));
    });
    assert_eq!(ids(&world).await, ["ami-0"]);
    world.fake.change(|state| state.parameters.clear());
    world.edit(|class| {
        "al2023@v20250101".clone_into(&mut class.spec.ami_selector_terms[0].alias);
    });
    let error = found(&world).await.expect_err("nothing").to_string();
    let expected = "failed to discover any AMIs for alias \"al2023@v20250101\"";
    assert_eq!(error, expected);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_cannot_be_found_out_for_a_moment_is_not_left_out() {
    let mut world = aliased("al2023@latest", "1.33").await;
    world.fake.fail(throttled(SSM), 1);
    assert_eq!(
        found(&world).await,
        Err(ImagesError::Failed(throttled(SSM)))
    );
    assert_eq!(ids(&world).await.len(), 5);
    let denied = Failure::new(SSM, "AccessDeniedException", "not you");
    world.edit(|class| {
        "al2023@v20250101".clone_into(&mut class.spec.ami_selector_terms[0].alias);
    });
    world.fake.fail(denied, 5);
    let error = found(&world).await.expect_err("nothing").to_string();
    assert!(error.contains("failed to discover any AMIs"), "{error}");
    assert!(
        error.contains("ssm:GetParameter: AccessDeniedException: not you"),
        "{error}"
    );
}

/// AMI-9: without an owner names are looked for among our own images and Amazon's; for tags and
/// ids any owner's count.
#[tokio::test(start_paused = true)]
async fn owners_count_for_names() {
    const OTHER: &str = "123456789012";
    let mut world = World::new().await;
    for (number, owner) in ["self", "amazon", OTHER, "999999999999"].iter().enumerate() {
        let with = [("team", "a"), ("number", &*number.to_string())];
        put(
            &world,
            image(&format!("ami-{number}"), "x86_64"),
            owner,
            &with,
        );
    }
    let named = |name: &str, owner: &str, with: &[(&str, &str)]| AmiSelectorTerm {
        name: name.to_owned(),
        owner: owner.to_owned(),
        tags: tags(with),
        ..term()
    };
    let by_id = AmiSelectorTerm {
        id: "ami-3".to_owned(),
        ..term()
    };
    // Of those that match the one with the greatest name is used.
    let cases = [
        (
            named("image-ami-*", "", &[]),
            "ami-1",
            vec!["self", "amazon"],
        ),
        (named("image-ami-*", OTHER, &[]), "ami-2", vec![OTHER]),
        (named("", "", &[("team", "a")]), "ami-3", vec![]),
        (by_id, "ami-3", vec![]),
        (named("", OTHER, &[("team", "*")]), "ami-2", vec![OTHER]),
    ];
    for (term, expected, owners) in cases {
        select(&mut world, vec![term.clone()]);
        world.fake.forget_calls();
        assert_eq!(ids(&world).await, [expected], "{term:?}");
        let requests = world.fake.requests(CALL);
        let [Request::Images(query)] = requests.as_slice() else {
            panic!("{requests:?}");
        };
        assert_eq!(query.owners, owners, "{term:?}");
    }
}

/// AMI-12: tags of images are no requirements, whatever their key.
#[tokio::test(start_paused = true)]
async fn tags_of_images_are_no_requirements() {
    let mut world = World::new().await;
    let with = [
        ("kubernetes.io/os", "windows"),
        ("karpenter.k8s.aws/instance-gpu-count", "1"),
    ];
    put(&world, image("ami-a", "x86_64"), "self", &with);
    select(
        &mut world,
        vec![AmiSelectorTerm {
            tags: tags(&with),
            ..term()
        }],
    );
    assert_eq!(found(&world).await, Ok(vec!["ami-a arch=amd64".to_owned()]));
}

/// AMI-13: a user's parameter holds the id of an image. One that is missing, or holds something
/// else, is left out; one that can't be read is a failure.
#[tokio::test(start_paused = true)]
async fn users_parameters_hold_ids_of_images() {
    let mut world = World::new().await;
    put(&world, image("ami-x", "x86_64"), "self", &[]);
    put(&world, image("ami-y", "arm64"), "self", &[]);
    set(&world, "/mine", "ami-x");
    set(&world, "/odd", "foo");
    let parameter = |name: &str| AmiSelectorTerm {
        ssm_parameter: name.to_owned(),
        ..term()
    };
    let by_id = AmiSelectorTerm {
        id: "ami-y".to_owned(),
        ..term()
    };
    let terms = vec![
        parameter("/mine"),
        parameter("/none"),
        parameter("/odd"),
        by_id,
    ];
    select(&mut world, terms.clone());
    assert_eq!(ids(&world).await, ["ami-x", "ami-y"]);
    assert_eq!(world.filters(CALL), [["image-id=ami-y,ami-x"]]);
    select(&mut world, vec![parameter("/none")]);
    world.fake.forget_calls();
    assert_eq!(ids(&world).await, [""; 0]);
    assert_eq!(world.fake.count(CALL), 0);
    let denied = Failure::new(SSM, "AccessDeniedException", "no");
    world.fake.fail(denied.clone(), 1);
    select(&mut world, terms);
    assert_eq!(found(&world).await, Err(ImagesError::Failed(denied)));
}

#[tokio::test(start_paused = true)]
async fn users_parameters_are_read_again_after_five_minutes() {
    let mut world = World::new().await;
    put(&world, image("ami-x", "x86_64"), "self", &[]);
    put(&world, image("ami-y", "x86_64"), "self", &[]);
    set(&world, "/mine", "ami-x");
    select(
        &mut world,
        vec![AmiSelectorTerm {
            ssm_parameter: "/mine".to_owned(),
            ..term()
        }],
    );
    assert_eq!(ids(&world).await, ["ami-x"]);
    set(&world, "/mine", "ami-y");
    world.pass(MINUTE * 4).await;
    assert_eq!(ids(&world).await, ["ami-x"]);
    world.pass(MINUTE).await;
    assert_eq!(ids(&world).await, ["ami-y"]);
}

#[tokio::test(start_paused = true)]
async fn images_are_remembered_and_ssm_is_not_asked_meanwhile() {
    let world = aliased("al2023@latest", "1.33").await;
    ids(&world).await;
    assert_eq!((world.fake.count(SSM), world.fake.count(CALL)), (5, 1));
    let denied = Failure::new(SSM, "AccessDeniedException", "no");
    world.fake.fail(denied, 100);
    world.pass(MINUTE / 2).await;
    assert_eq!(ids(&world).await.len(), 5);
    assert_eq!((world.fake.count(SSM), world.fake.count(CALL)), (5, 1));
    world.pass(MINUTE / 2).await;
    assert_eq!(ids(&world).await.len(), 5);
    assert_eq!((world.fake.count(SSM), world.fake.count(CALL)), (5, 2));
}

#[tokio::test(start_paused = true)]
async fn parameters_are_good_for_a_day_and_callers_share_a_round() {
    let world = aliased("al2023@latest", "1.33").await;
    world.fake.answer_after(Duration::from_secs(1));
    futures::future::join_all((0..20).map(|_| ids(&world))).await;
    assert_eq!((world.fake.count(SSM), world.fake.count(CALL)), (5, 1));
    world.pass(Duration::from_hours(24)).await;
    ids(&world).await;
    assert_eq!((world.fake.count(SSM), world.fake.count(CALL)), (10, 2));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_of_another_version_has_other_images() {
    let world = aliased("bottlerocket@latest", "1.30").await;
    ids(&world).await;
    world.fake.change(|state| {
        let cluster = state.clusters.get_mut("test-cluster").expect("the cluster");
        "1.31".clone_into(&mut cluster.version);
    });
    put(&world, image("ami-new", "x86_64"), "amazon", &[]);
    let name = "/aws/service/bottlerocket/aws-k8s-1.31/x86_64/latest/image_id";
    set(&world, name, "ami-new");
    world.versions.update().await.expect("a version");
    assert_eq!(ids(&world).await, ["ami-new", "ami-new"]);
}

#[tokio::test(start_paused = true)]
async fn ubuntu_of_an_older_release_serves_where_there_is_no_newer_one() {
    let mut world = aliased("ubuntu@latest", "1.31").await;
    world.edit(|class| {
        class.spec.ami_selector_terms.clear();
        class.spec.ami_family = Some("Ubuntu".to_owned());
    });
    let arm = |release: &str| {
        let folder = format!("/aws/service/canonical/ubuntu/eks/{release}/1.31/stable/current");
        let volume = if release == "24.04" { "gp3" } else { "gp2" };
        format!("{folder}/arm64/hvm/ebs-{volume}/ami-id")
    };
    world
        .fake
        .change(|state| state.parameters.remove(&arm("24.04")));
    put(&world, image("ami-old", "arm64"), "amazon", &[]);
    set(&world, &arm("22.04"), "ami-old");
    assert_eq!(ids(&world).await, ["ami-0", "ami-old"]);
}

/// SSM-1: of parameters that change in time, those whose image is deprecated are read again; all
/// of them, where several hold the same.
#[tokio::test(start_paused = true)]
async fn parameters_whose_image_is_deprecated_are_read_again() {
    let mut world = aliased("al2023@latest", "1.33").await;
    let root = "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023";
    let name = |kind: &str| format!("{root}/x86_64/{kind}/recommended/image_id");
    set(&world, &name("nvidia"), "ami-0");
    assert_eq!(ids(&world).await.len(), 5);
    // A version that is named does not change, deprecated or not.
    let image_name = "amazon-eks-node-al2023-x86_64-standard-1.33-v20250101";
    set(
        &world,
        &format!("{root}/x86_64/standard/{image_name}/image_id"),
        "ami-0",
    );
    let latest = world.class.clone();
    world.edit(|class| {
        "al2023@v20250101".clone_into(&mut class.spec.ami_selector_terms[0].alias);
    });
    assert_eq!(ids(&world).await, ["ami-0"]);

    let nothing: Vec<String> = Vec::new();
    assert_eq!(
        world.discovery.images.invalidate().await,
        Ok(nothing.clone())
    );
    let now = world.clock.now();
    world
        .fake
        .change(|state| state.images[0].image.deprecated = Some(now));
    put(&world, image("ami-new", "x86_64"), "amazon", &[]);
    set(&world, &name("standard"), "ami-new");
    let forgotten = [name("nvidia"), name("standard")];
    assert_eq!(
        world.discovery.images.invalidate().await,
        Ok(forgotten.to_vec())
    );
    assert_eq!(world.discovery.images.invalidate().await, Ok(nothing));
    world.pass(MINUTE).await;
    world.fake.forget_calls();
    assert_eq!(ids(&world).await, ["ami-0"]);
    world.class = latest;
    let images = ids(&world).await;
    assert!(images.contains(&"ami-new".to_owned()), "{images:?}");
    let read = world.fake.requests(SSM);
    assert!(read.contains(&Request::Name(name("standard"))), "{read:?}");
    assert!(!read.contains(&Request::Name(name("neuron"))), "{read:?}");
}

#[tokio::test(start_paused = true)]
async fn parameters_are_looked_at_every_half_hour_and_a_failure_is_tried_again() {
    let world = aliased("al2023@latest", "1.33").await;
    let images = &world.discovery.images;
    let half_hour = Ok(MINUTE * 30);
    assert_eq!(images.invalidation_round().await, half_hour);
    assert_eq!(
        world.fake.count(CALL),
        0,
        "nothing is known, so nothing is asked"
    );
    ids(&world).await;
    world.fake.fail(throttled(CALL), 1);
    assert_eq!(images.invalidation_round().await, Err(throttled(CALL)));
    assert_eq!(images.invalidation_round().await, half_hour);
    assert_eq!(world.fake.count(SSM), 5);
}
