//! AWS throttles, fails and cuts connections: every call in turn.

use std::collections::BTreeSet;

use aws::Operation;
use moto::{Call, Fault, PROGRAM_KEY};
use serde_json::json;

use crate::cloud::{CLUSTER, Cloud, REGION, example, inflate, instance_of, one_of, pool};
use crate::common::until_within;

/// Faults of the program's calls of an operation.
fn fault(operation: Operation) -> Fault {
    Fault::on(operation.service().prefix(), operation.name()).of(PROGRAM_KEY)
}

fn throttled(operation: Operation) -> Fault {
    let fault = fault(operation).message("Rate exceeded");
    match operation.service() {
        aws::Service::Ec2 => fault.code("RequestLimitExceeded").status(503),
        _ => fault.code("ThrottlingException").status(400),
    }
}

fn failing(operation: Operation) -> Fault {
    fault(operation).code("InternalError").status(500)
}

/// Every call is throttled once and cut once while the process starts, which nobody notices. Then
/// every call is throttled and fails more often than the SDK repeats it, while pods come, a node is
/// interrupted, and all goes: it takes longer, and what there is in the end is right.
#[test]
fn every_call_may_be_throttled_fail_or_be_cut() -> anyhow::Result<()> {
    let cloud = Cloud::start("aws-faults")?;
    cloud.moto.reservations(&json!([{
        "CapacityReservationId": "cr-00000000000000001", "InstanceType": "m5.large",
        "AvailabilityZone": "us-west-2a", "AvailableInstanceCount": 0, "TotalInstanceCount": 1,
    }]))?;
    cloud.moto.placement_groups(&json!([{
        "GroupId": "pg-00000000000000001", "GroupName": "apart", "Strategy": "spread",
        "SpreadLevel": "rack",
    }]))?;
    let arn = format!("arn:aws:eks:{REGION}:123456789012:cluster/{CLUSTER}");
    cloud.moto.shifts(&arn, &json!([]))?;
    let mut class = example("default-pool/ec2nodeclass.yaml");
    class["spec"]["capacityReservationSelectorTerms"] = json!([{"id": "cr-00000000000000001"}]);
    class["spec"]["placementGroupSelector"] = json!({"name": "apart"});
    let kind = one_of("node.kubernetes.io/instance-type", &["m5.large"]);
    let capacity = one_of("karpenter.sh/capacity-type", &["on-demand"]);
    cloud
        .world
        .apply(&[pool(&json!([kind, capacity])), inflate()]);
    for operation in Operation::ALL {
        cloud.moto.fault(&throttled(*operation).times(1))?;
        cloud.moto.fault(&fault(*operation).cut().times(1))?;
    }
    let mut karpenter = cloud.karpenter(&["--enable-zonal-shift", "true"]);
    karpenter.says("discovered instance types");
    // What has not been asked yet keeps its first faults: something may be asked at any moment.
    for operation in Operation::ALL {
        cloud.moto.fault(&throttled(*operation).times(3))?;
        cloud.moto.fault(&failing(*operation).times(3))?;
    }

    cloud.world.apply(&[class]);
    cloud.scale(2);
    // One call after the other fails, and waits grow up to a minute.
    until_within(10, "two pods run", || cloud.history.now().is_settled(2));
    let now = cloud.history.now();
    let interrupted = instance_of(now.claims()[0]);
    let notice = json!({"instance-id": interrupted, "instance-action": "terminate"});
    cloud.event("EC2 Spot Instance Interruption Warning", &notice);
    until_within(10, "the instance has ended, and pods run", || {
        let machines = cloud.machines();
        let is_there = machines.iter().any(|one| one.id == interrupted);
        !is_there && cloud.history.now().is_settled(2)
    });
    cloud.until_nothing_leaks();
    cloud.scale(0);
    until_within(10, "all instances have ended", || {
        cloud.machines().is_empty() && cloud.history.now().claims().is_empty()
    });
    let gone = cloud.world.kubectl(&["delete", "ec2nodeclass", "default"]);
    gone.expect("deletes");

    let calls = cloud.moto.calls()?;
    // Cut ones have no status.
    let is_failed = |call: &&Call| call.status.is_some_and(|it| it == 0 || it >= 400);
    let failed: BTreeSet<&str> = calls
        .iter()
        .filter(is_failed)
        .map(|it| &*it.action)
        .collect();
    let spared: Vec<&str> = Operation::ALL
        .iter()
        .map(|operation| operation.name())
        .filter(|name| !failed.contains(name))
        .collect();
    assert_eq!(spared, Vec::<&str>::new(), "never called, or never in vain");
    assert_eq!(cloud.machines(), []);
    karpenter.signal("-TERM");
    assert_eq!(karpenter.ends().code(), Some(0));
    Ok(())
}
