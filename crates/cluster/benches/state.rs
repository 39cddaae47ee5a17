//! What one event and one snapshot cost in a cluster of 100,000 pods and 5,000 nodes.
//!
//! `cargo bench -p cluster --bench state`

mod pods;

use std::hint::black_box;

use cluster::{Change, Cluster, Event, PodDecoder, PodUpdate, Settings};
use criterion::{Criterion, criterion_group, criterion_main};
use model::k8s::Node;
use requirements::Vocabulary;
use serde_json::json;

const PODS: usize = 100_000;
const NODES: usize = 5_000;

fn node(index: usize) -> Node {
    let amounts = json!({"cpu": "64", "memory": "256Gi", "pods": "110"});
    serde_json::from_value(json!({
        "metadata": {"name": pods::node_name(index), "uid": format!("node-{index}")},
        "status": {"capacity": amounts, "allocatable": amounts}
    }))
    .expect("a node")
}

fn pod(decoder: &mut PodDecoder, index: usize, node: Option<usize>) -> PodUpdate {
    decoder
        .decode(pods::json(index, node).as_bytes())
        .expect("a pod")
}

fn state(criterion: &mut Criterion) {
    let mut decoder = PodDecoder::new();
    let mut cluster = Cluster::new(Vocabulary::aws(), Settings::default());
    for index in 0..NODES {
        cluster.apply(Event::Node(Change::Applied(node(index))));
    }
    for index in 0..PODS {
        // One in ten is pending.
        let node = (index % 10 != 0).then_some(index % NODES);
        let pod = pod(&mut decoder, index, node);
        cluster.apply(Event::Pod(Change::Applied(pod)));
    }
    let pending = pod(&mut decoder, 0, None);
    let bound = pod(&mut decoder, 0, Some(7));
    let mut group = criterion.benchmark_group("100,000 pods, 5,000 nodes");
    group.sample_size(10);
    group.bench_function("a pod is bound and unbound again", |bencher| {
        bencher.iter(|| {
            black_box(cluster.apply(Event::Pod(Change::Applied(bound.clone()))));
            black_box(cluster.apply(Event::Pod(Change::Applied(pending.clone()))));
        });
    });
    group.bench_function("the same, and a snapshot of it", |bencher| {
        bencher.iter(|| {
            cluster.apply(Event::Pod(Change::Applied(bound.clone())));
            cluster.apply(Event::Pod(Change::Applied(pending.clone())));
            black_box(cluster.snapshot());
        });
    });
    let elsewhere = [pod(&mut decoder, 1, Some(8)), pod(&mut decoder, 1, Some(9))];
    let mut turn = 0;
    group.bench_function(
        "a bound pod moves, and a snapshot while the last is held",
        |bencher| {
            let mut held = cluster.snapshot();
            bencher.iter(|| {
                turn += 1;
                let moved = elsewhere[turn % 2].clone();
                cluster.apply(Event::Pod(Change::Applied(moved)));
                held = cluster.snapshot();
            });
            black_box(held);
        },
    );
    group.bench_function("a snapshot of what has not changed", |bencher| {
        bencher.iter(|| black_box(cluster.snapshot()));
    });
    group.finish();
}

criterion_group!(benches, state);
criterion_main!(benches);
