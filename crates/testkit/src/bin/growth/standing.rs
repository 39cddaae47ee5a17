//! Clusters that are looked at for disruption.

use std::sync::Arc;

use catalog::ec2::{Ec2Options, bundled};
use catalog::{CapacityType, InstanceType, Offering};
use serde_json::{Value, json};
use testkit::build;
use testkit::joined::{joined, unbounded};

use crate::cases::{Budget, Fill, Standing};
use crate::measure::NOW;

/// The type of all machines.
const TYPE: &str = "m6i.4xlarge";
/// CPU that pods may have together, in thousandths, a little less than there is.
const MILLICPU: usize = 15_800;
/// Memory that pods ask for with each thousandth of a CPU, in MiB.
const MIB_EACH: f64 = 3.5;
/// Workloads.
const WORKLOADS: usize = 100;

/// All objects, one by one.
pub(crate) fn objects(standing: Standing) -> Box<dyn Iterator<Item = Value>> {
    let catalog = bundled(&Ec2Options::default()).expect("the table is valid");
    let known = catalog.get(TYPE).expect("the type is in it").clone();
    let mut pool = unbounded(build::pool("default"));
    if standing.budget == Budget::Tenth {
        pool = pool.with(&json!({"spec": {"disruption": {"budgets": [{"nodes": "10%"}]}}}));
    }
    if standing.fill == Fill::Full {
        pool = pool
            .require("node.kubernetes.io/instance-type", "In", &[TYPE])
            .require("karpenter.sh/capacity-type", "In", &["on-demand"]);
    }
    let nodes = (0..standing.nodes).flat_map(move |number| node(standing, &known, number));
    Box::new(std::iter::once(pool.json()).chain(nodes))
}

/// A machine with its pods.
fn node(standing: Standing, known: &Arc<InstanceType>, number: usize) -> Vec<Value> {
    let name = format!("node-{number}");
    let mut offerings: Vec<&Offering> = known.offerings.iter().collect();
    offerings.retain(|offering| offering.capacity_type == CapacityType::OnDemand);
    let offering = offerings[number % offerings.len()];
    let since = NOW.before(std::time::Duration::from_hours(240));
    let mut all: Vec<Value> = joined(&name, "default", (known, offering), since)
        .json()
        .into();
    let most = match standing.fill {
        Fill::TwoFifths => MILLICPU * 2 / 5,
        Fill::Full => MILLICPU,
    };
    let mut used = 0;
    // Ever smaller ones, until not even the smallest has room.
    for at in 0.. {
        let left = most - used;
        let workload = (number * 7 + at) % WORKLOADS;
        let Some(workload) = (0..=workload).rev().find(|w| size(*w) <= left) else {
            break;
        };
        used += size(workload);
        all.push(pod(workload, &format!("run-{number}-{at}"), &name));
    }
    all
}

/// CPU of a workload's pods, in thousandths; the first one has the smallest.
fn size(workload: usize) -> usize {
    500 + 25 * workload
}

fn pod(workload: usize, name: &str, node: &str) -> Value {
    let cpu = size(workload);
    let memory = (cpu as f64 * MIB_EACH) as usize;
    build::pod(name)
        .label("app", &format!("app-{workload}"))
        .cpu(&format!("{cpu}m"))
        .memory(&format!("{memory}Mi"))
        .owner("apps/v1", "ReplicaSet", &format!("app-{workload}"))
        .on(node)
        .with(&json!({"status": {"startTime": NOW.before(std::time::Duration::from_hours(24))}}))
        .json()
}
