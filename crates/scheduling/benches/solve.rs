//! `solve` for plain pods of 100 deployments over the bundled EC2 table, from a snapshot to planned
//! claims. `cargo bench -p scheduling`.

use std::hint::black_box;
use std::sync::Arc;

use catalog::Catalog;
use catalog::ec2::Ec2Options;
use cluster::{Change, Cluster, Event, PodDecoder, Settings, Snapshot, UnknownReadiness};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use model::Timestamp;
use scheduling::{Batch, Effort, Options, solve};
use serde_json::json;

const DEPLOYMENTS: usize = 100;

/// Pods of 100 deployments with different requests, pending in one namespace.
fn snapshot(pods: usize, catalog: &Catalog) -> Snapshot {
    let settings = Settings {
        unknown_readiness: UnknownReadiness::Ready,
        ..Settings::default()
    };
    let mut cluster = Cluster::new(catalog.vocabulary(), settings);
    let types: Arc<[_]> = catalog.types.clone().into();
    cluster.apply(Event::PoolTypes {
        pool: "default".to_owned(),
        types,
    });
    let pool = json!({
        "metadata": {"name": "default"},
        "spec": {"template": {"spec": {
            "requirements": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}],
            "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "default"},
        }}},
    });
    let pool = serde_json::from_value(pool).expect("a pool");
    cluster.apply(Event::NodePool(Change::Applied(pool)));
    let mut decoder = PodDecoder::new();
    let updates = (0..pods)
        .map(|number| {
            let text = pod(number).to_string();
            decoder.decode(text.as_bytes()).expect("a pod")
        })
        .collect();
    cluster.apply(Event::Pod(Change::Reset(updates)));
    cluster.snapshot()
}

fn pod(number: usize) -> serde_json::Value {
    let deployment = number % DEPLOYMENTS;
    let cpu = 50 + 50 * (deployment * 7 % 40);
    let memory = 64 + 128 * (deployment * 11 % 64);
    json!({
        "metadata": {
            "name": format!("app-{deployment}-{number}"),
            "namespace": "default",
            "labels": {"app": format!("app-{deployment}")},
        },
        "spec": {"containers": [{"name": "app", "resources": {
            "requests": {"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")},
        }}]},
        "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"},
        ]},
    })
}

fn benchmark(c: &mut Criterion) {
    let catalog = catalog::ec2::bundled(&Ec2Options::default()).expect("the bundled table");
    let now = Timestamp::from_seconds(1_767_268_800);
    let mut group = c.benchmark_group("solve");
    group.sample_size(20);
    for pods in [1_000, 10_000, 100_000] {
        let snapshot = snapshot(pods, &catalog);
        group.throughput(Throughput::Elements(pods as u64));
        for (name, effort) in [("single", Effort::Single), ("portfolio", Effort::Portfolio)] {
            let options = Options {
                effort,
                ..Options::default()
            };
            group.bench_with_input(BenchmarkId::new(name, pods), &snapshot, |b, snapshot| {
                b.iter(|| black_box(solve(snapshot, &Batch::default(), &options, now, 1)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
