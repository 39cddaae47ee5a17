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
use world::World;

fn all() -> Vec<Case> {
    let tables = [
        pool::cases(),
        ec2_class::cases(),
        others::cases(),
        guide::cases(),
    ];
    tables.into_iter().flatten().collect()
}

async fn run(world: &World) {
    let mut failures = Vec::new();
    for case in all() {
        if let Err(why) = case.run(world).await {
            failures.push(format!("{}: {why}", case.name));
        }
    }
    let (failed, of) = (failures.len(), all().len());
    assert!(
        failures.is_empty(),
        "{failed} of {of} cases:\n{}",
        failures.join("\n")
    );
}

#[tokio::test]
async fn the_embedded_server_accepts_and_refuses_what_it_must() {
    run(&World::embedded().await).await;
}

#[tokio::test]
async fn a_real_server_accepts_and_refuses_what_it_must() {
    let start = || control_plane::TestCluster::start("admission");
    let cluster = tokio::task::spawn_blocking(start)
        .await
        .expect("joins")
        .expect("starts");
    let kubeconfig = cluster.kubeconfig(control_plane::Identity::Admin);
    run(&World::real(&kubeconfig).await).await;
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
