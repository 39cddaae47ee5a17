//! What it costs to stand still: `cargo run --release -p sim --example idle -- 5000` brings up so
//! many full nodes, lets three hours pass, and prints what the third takes in processor time of
//! one core, Karpenter and the simulated cluster together.

#[path = "../tests/fleet/mod.rs"]
mod fleet;

use std::time::{Duration, Instant};

use sim::simulate;

/// The hour that is measured.
const FROM: Duration = Duration::from_hours(2);
const TO: Duration = Duration::from_hours(3);

#[expect(clippy::disallowed_methods, reason = "real time is what is measured")]
fn main() {
    let argument = std::env::args().nth(1);
    let nodes = argument.map_or(5000, |text| text.parse().expect("a number of nodes"));
    let began = Instant::now();
    let (mut up, mut from) = (None, None);
    let report = simulate(fleet::fleet(nodes, TO), &mut |glimpse| {
        if glimpse.nodes == nodes && glimpse.waiting == 0 {
            up.get_or_insert((began.elapsed(), glimpse.elapsed));
        }
        if glimpse.elapsed >= FROM {
            from.get_or_insert_with(|| began.elapsed());
        }
    })
    .expect("a run");
    let total = began.elapsed();
    let (Some((up, virtually)), Some(from)) = (up, from) else {
        panic!("the fleet did not come up");
    };
    let last = report.tally.last_write_ms.map(Duration::from_millis);
    println!("nodes                  {nodes}");
    println!("up after               {up:.1?}, {virtually:.0?} of virtual time");
    println!("last write at          {last:.0?} of virtual time");
    println!("an hour of standing    {:.3?}", total.saturating_sub(from));
    println!("writes                 {:#?}", report.tally.writes);
}
