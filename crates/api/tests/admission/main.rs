//! Tables of objects that the API server must accept or refuse, with the messages of v1. They run
//! against the embedded API server and, on demand, against a real one:
//! `cargo test -p api --test admission -- --ignored`.

mod case;
mod ec2_class;
mod guide;
mod others;
mod pool;
mod world;

use case::Case;
use serde_json::json;
use world::World;

fn all() -> Vec<Case> {
    let tables = [
        pool::cases(),
        ec2_class::cases(),
        others::cases(),
        guide::cases(),
        pool::labels_of_ec2(),
    ];
    tables.into_iter().flatten().collect()
}

async fn run(world: &World, cases: Vec<Case>) {
    let mut failures = Vec::new();
    for case in &cases {
        if let Err(why) = case.run(world).await {
            failures.push(format!("{}: {why}", case.name));
        }
    }
    let (failed, of) = (failures.len(), cases.len());
    assert!(
        failures.is_empty(),
        "{failed} of {of} cases:\n{}",
        failures.join("\n")
    );
}

/// Runs a table against the embedded server.
async fn embedded(cases: Vec<Case>) {
    run(&World::embedded().await, cases).await;
}

#[tokio::test]
async fn pools_claims_and_the_rest_are_accepted_and_refused_as_they_must() {
    let tables = [pool::cases(), others::cases(), guide::cases()];
    embedded(tables.into_iter().flatten().collect()).await;
}

/// ADM-1, ADM-2, ADM-3, ADM-4, ADM-31: a class has a role or a profile, also after a change, and
/// not both. With neither it gets the default profile of the settings, which the reference refuses.
#[tokio::test]
async fn a_class_names_a_role_or_a_profile() {
    embedded(ec2_class::identity()).await;
}

/// ADM-5, ADM-6, ADM-7, ADM-9: each family with images by id, or with its own newest ones; Ubuntu
/// too, which the reference refuses. Without an alias a family is needed.
#[tokio::test]
async fn a_class_has_a_family_of_images() {
    embedded(ec2_class::families()).await;
}

/// ADM-8, ADM-20, ADM-21, ADM-22: what an alias looks like, which families go with it, and which
/// family follows from it.
#[tokio::test]
async fn an_alias_names_family_and_version() {
    embedded(ec2_class::aliases()).await;
    for (alias, family, _) in ec2_class::FAMILIES {
        let terms = json!([{"alias": format!("{alias}@latest")}]);
        let spec: api::ec2nodeclass::Ec2NodeClassSpec =
            serde_json::from_value(json!({"amiSelectorTerms": terms})).expect("a spec");
        assert_eq!(spec.resolved_family(), family);
    }
}

/// ADM-18, ADM-19, ADM-23: what goes together in terms of images.
#[tokio::test]
async fn terms_of_images_select_by_one_thing() {
    embedded(ec2_class::terms()).await;
}

/// ADM-10
#[tokio::test]
async fn tags_that_say_whose_something_is_are_not_for_users() {
    embedded(ec2_class::tags()).await;
}

/// ADM-11, ADM-12, ADM-13
#[tokio::test]
async fn terms_of_subnets_select_something() {
    embedded(ec2_class::subnets()).await;
}

/// ADM-14
#[tokio::test]
async fn terms_of_security_groups_select_by_one_thing() {
    embedded(ec2_class::groups()).await;
}

/// ADM-15, ADM-16, ADM-17
#[tokio::test]
async fn terms_of_reservations_are_well_formed() {
    embedded(ec2_class::reservations()).await;
}

/// ADM-34
#[tokio::test]
async fn a_placement_group_is_named_in_one_way() {
    embedded(ec2_class::placement()).await;
}

/// ADM-24, ADM-25, ADM-26
#[tokio::test]
async fn disks_have_a_size_that_ec2_has() {
    embedded(ec2_class::disks()).await;
}

/// ADM-27, ADM-28
#[tokio::test]
async fn metadata_options_are_known_and_have_defaults() {
    embedded(ec2_class::metadata()).await;
}

/// ADM-29, ADM-30
#[tokio::test]
async fn interfaces_and_their_connections_are_such_as_instances_have() {
    embedded(ec2_class::interfaces()).await;
}

/// ADM-33
#[tokio::test]
async fn settings_of_the_kubelet_are_kept_as_they_are() {
    embedded(ec2_class::kubelet()).await;
}

/// ADM-32, and prefixes and local disks.
#[tokio::test]
async fn the_rest_of_a_class_has_known_values() {
    embedded(ec2_class::others()).await;
}

/// ADM-35
#[tokio::test]
async fn pools_speak_of_labels_of_ec2_that_there_are() {
    embedded(pool::labels_of_ec2()).await;
}

#[tokio::test]
async fn a_real_server_accepts_and_refuses_what_it_must() {
    let start = || control_plane::TestCluster::start("admission");
    let cluster = tokio::task::spawn_blocking(start)
        .await
        .expect("joins")
        .expect("starts");
    let kubeconfig = cluster.kubeconfig(control_plane::Identity::Admin);
    run(&World::real(&kubeconfig).await, all()).await;
}

#[test]
fn the_files_of_the_chart_are_what_the_types_say() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../charts/karpenter-crd/templates"
    );
    for definition in api::crd::all() {
        let name = api::crd::file_name(&definition);
        let text = std::fs::read_to_string(format!("{folder}/{name}")).expect("a file");
        let held: serde_json::Value = serde_saphyr::from_str(&text).expect("YAML");
        assert_eq!(
            held, definition,
            "{name} is not up to date: run `cargo xtask charts`"
        );
    }
}
