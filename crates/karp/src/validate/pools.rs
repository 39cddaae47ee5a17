//! Pools that cannot match anything: each is asked for a node for a pod without wishes.

use std::collections::BTreeMap;

use manifests::Object;
use model::k8s::{Container, Pod, PodSpec, PodStatus, Toleration};
use model::{ObjectMeta, Timestamp};
use scheduling::{Batch, Options, Rejection};

use super::Located;
use crate::cli::ValidateArgs;
use crate::input;

pub(super) fn check(args: &ValidateArgs, objects: &[Object]) -> anyhow::Result<Vec<Located>> {
    let chosen = input::choose(&args.catalog, objects)?;
    let pools: Vec<Object> = objects
        .iter()
        .filter(|object| object.kind == "NodePool")
        .cloned()
        .collect();
    let probes = input::Expanded {
        pods: pools.iter().map(|pool| probe(&pool.name)).collect(),
        ..input::Expanded::default()
    };
    let world = input::load_world(&pools, &probes, &chosen, 1)?;
    let now = Timestamp::from_seconds(0);
    let placement = scheduling::solve(
        &world.snapshot,
        &Batch::default(),
        &Options::default(),
        now,
        1,
    );
    let mut found = Vec::new();
    for unplaced in &placement.unplaced {
        let pool_name = unplaced.pod.key().name;
        let wanted = format!("nodepool/{pool_name}");
        let refusal = unplaced
            .refusals
            .iter()
            .find(|refusal| refusal.candidate.to_string() == wanted);
        let Some(refusal) = refusal else { continue };
        if matches!(
            refusal.rejection,
            Rejection::Pool(_) | Rejection::Limit { .. }
        ) {
            continue;
        }
        if let Some(object) = pools.iter().find(|pool| pool.name == pool_name) {
            found.push(Located::warning(
                object,
                "spec.template.spec.requirements",
                format!(
                    "no instance type can ever be launched: {}",
                    refusal.rejection
                ),
                "loosen the requirements, or name types and zones that exist",
            ));
        }
    }
    Ok(found)
}

/// A pod that asks for nothing but this pool.
fn probe(pool: &str) -> Pod {
    let operator = "Exists".to_owned();
    let toleration = Toleration {
        operator,
        ..Toleration::default()
    };
    Pod {
        metadata: ObjectMeta {
            namespace: Some("default".to_owned()),
            uid: format!("probe-of-{pool}"),
            ..ObjectMeta::named(pool)
        },
        spec: PodSpec {
            node_selector: BTreeMap::from([(api::labels::NODEPOOL.to_owned(), pool.to_owned())]),
            tolerations: vec![toleration],
            containers: vec![Container {
                name: "probe".to_owned(),
                ..Container::default()
            }],
            ..PodSpec::default()
        },
        status: PodStatus::unschedulable(),
    }
}
