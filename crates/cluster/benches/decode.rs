//! How long it takes to decode a pod: the first time, and when its like has been seen.
//!
//! `cargo bench -p cluster --bench decode`

mod pods;

use std::hint::black_box;

use cluster::PodDecoder;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use serde::de::IgnoredAny;

fn decode(criterion: &mut Criterion) {
    let texts: Vec<String> = (0..20_000)
        .map(|index| pods::json(index, Some(index % 500)))
        .collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("{} pods of {} bytes", texts.len(), bytes / texts.len());
    let mut group = criterion.benchmark_group("decode");
    group.sample_size(10);
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("nothing but a scan of the JSON", |bencher| {
        bencher.iter(|| {
            for text in &texts {
                black_box(serde_json::from_str::<IgnoredAny>(text).expect("JSON"));
            }
        });
    });
    group.bench_function("pods of known workloads", |bencher| {
        let mut decoder = PodDecoder::new();
        let mut held = Vec::new();
        bencher.iter(|| {
            held.clear();
            held.extend(
                texts
                    .iter()
                    .map(|text| decoder.decode(text.as_bytes()).expect("a pod")),
            );
            black_box(&held);
        });
    });
    group.bench_function("a list seen for the first time", |bencher| {
        bencher.iter_batched(
            PodDecoder::new,
            |mut decoder| -> Vec<_> {
                texts
                    .iter()
                    .map(|text| decoder.decode(text.as_bytes()).expect("a pod"))
                    .collect()
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
