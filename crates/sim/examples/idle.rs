//! What it costs to stand still: `cargo run --release -p sim --example idle -- 5000` brings up so
//! many full nodes, lets three hours pass, and prints what the third takes in processor time,
//! Karpenter and the simulated cluster together.

#[path = "../tests/fleet/mod.rs"]
mod fleet;

use std::time::Duration;

use runtime::Metrics;
use runtime::metrics::{names, process};
use sim::{Glimpse, simulate};

/// The hour that is measured.
const FROM: Duration = Duration::from_hours(2);
const TO: Duration = Duration::from_hours(3);

fn main() {
    let argument = std::env::args().nth(1);
    let nodes = argument.map_or(5000, |text| text.parse().expect("a number of nodes"));
    let (mut up, mut from, mut to) = (None, None, None);
    let report = simulate(fleet::fleet(nodes, TO), &mut |glimpse| {
        if glimpse.nodes == nodes && glimpse.waiting == 0 {
            up.get_or_insert_with(|| (processor_seconds(), glimpse.elapsed));
        }
        if glimpse.elapsed >= FROM {
            from.get_or_insert_with(|| (processor_seconds(), glimpse));
        }
        // A moment earlier: what is taken down at the end is no part of standing still.
        if glimpse.elapsed >= TO.saturating_sub(Duration::from_secs(10)) {
            to.get_or_insert_with(|| (processor_seconds(), glimpse));
        }
    })
    .expect("a run");
    let (Some((up, virtually)), Some((began, from)), Some((end, to))) = (up, from, to) else {
        panic!("the fleet did not come up");
    };
    let last = report.tally.last_write_ms.map(Duration::from_millis);
    let took = end - began;
    let share = 100.0 * took / to.elapsed.saturating_sub(from.elapsed).as_secs_f64();
    let Glimpse {
        looks, reconciles, ..
    } = from;
    println!("nodes                 {nodes}");
    println!("up after              {up:.1} s of processor, {virtually:.0?} of virtual time");
    println!("last write at         {last:.0?} of virtual time");
    println!("an hour of standing   {took:.2} s of processor, {share:.3} % of a core");
    println!("looks in that hour    {}", to.looks - looks);
    println!("reconciles            {}", to.reconciles - reconciles);
    println!("writes of the run     {:#?}", report.tally.writes);
}

/// What this process has used so far.
fn processor_seconds() -> f64 {
    let metrics = Metrics::new();
    process::measure(&metrics);
    let seconds = metrics.value(&names::PROCESS_CPU_SECONDS, &[]);
    seconds.expect("a system that tells")
}
