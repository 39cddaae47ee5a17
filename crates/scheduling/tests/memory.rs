//! Passes that remember earlier ones: what is put in numbers is what has changed.

mod common;

use cluster::{Cluster, Event, PodDecoder};
use common::world::{World, bound, node, now, pod};
use scheduling::{Batch, Memory, Options, Placement, Remembered, solve, solve_with};
use serde_json::{Value, json};
use testkit::world;

/// A cluster that is told what happens, and what passes over it remember.
struct Live {
    cluster: Cluster,
    decoder: PodDecoder,
    memory: Memory,
}

impl Live {
    fn is(&mut self, object: &Value) {
        let event = world::event(object, &mut self.decoder).expect("a kind that decides");
        self.cluster.apply(event);
    }

    /// A pass, and what it put in numbers.
    fn pass(&mut self) -> (Placement, Remembered) {
        let (snapshot, batch, options) = (
            self.cluster.snapshot(),
            Batch::default(),
            Options::default(),
        );
        let before = self.memory.work();
        let placement = solve_with(&mut self.memory, &snapshot, &batch, &options, now(), 1);
        let fresh = solve(&snapshot, &batch, &options, now(), 1);
        assert_eq!(placement.new_claims.len(), fresh.new_claims.len());
        assert_eq!(placement.existing.len(), fresh.existing.len());
        let after = self.memory.work();
        let work = Remembered {
            nodes: after.nodes - before.nodes,
            types: after.types - before.types,
        };
        (placement, work)
    }
}

/// Nodes in two zones, each with a pod and room for one more.
fn live(nodes: usize, spec: &Value) -> Live {
    let mut world = World::new().pod("first", "1", spec.clone());
    for at in 0..nodes {
        let zone = format!("test-zone-{}", 1 + at % 2);
        let name = format!("n{at}");
        world = world
            .node(
                &name,
                "2",
                json!({"metadata": {"labels": {
                    "topology.kubernetes.io/zone": zone,
                }}}),
            )
            .object(bound(&format!("on-{name}"), "500m", &name, spec.clone()));
    }
    Live {
        cluster: world::cluster(&world.items, &world.catalog),
        decoder: PodDecoder::new(),
        memory: Memory::default(),
    }
}

fn spread() -> Value {
    json!({"topologySpreadConstraints": [{
        "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {},
    }]})
}

#[test]
fn a_pass_puts_in_numbers_what_has_changed() {
    for spec in [json!({}), spread()] {
        let mut live = live(500, &spec);
        let (_, all) = live.pass();
        assert_eq!(all.nodes, 500);
        assert!(all.types > 0);
        assert_eq!(live.pass().1, Remembered::default(), "nothing has changed");
        live.is(&pod("second", "1", spec.clone()));
        assert_eq!(live.pass().1, Remembered::default(), "only a pod came");
        live.is(&bound("first", "1", "n7", spec.clone()));
        let (_, one) = live.pass();
        assert_eq!(
            one,
            Remembered { nodes: 1, types: 0 },
            "its node has changed"
        );
        live.is(&node("new", "2", json!({})));
        assert_eq!(live.pass().1, Remembered { nodes: 1, types: 0 });
    }
}

#[test]
fn another_key_in_play_changes_all_numbers_and_the_old_ones_are_kept() {
    let mut live = live(20, &json!({}));
    live.pass();
    live.is(&pod(
        "picky",
        "1",
        json!({"nodeSelector": {"kubernetes.io/arch": "amd64"}}),
    ));
    assert_eq!(live.pass().1.nodes, 20);
    live.is(&bound(
        "picky",
        "1",
        "n0",
        json!({"nodeSelector": {"kubernetes.io/arch": "amd64"}}),
    ));
    assert!(
        live.pass().1.nodes <= 1,
        "what was known before is known still"
    );
}

/// Prices and availability of types change for as long as a controller runs.
#[test]
fn types_that_a_pool_had_before_are_forgotten() {
    let mut live = live(2, &json!({}));
    live.pass();
    let kept = live.memory.kept_types();
    assert!(kept > 0);
    for _ in 0..3 {
        let types = World::new().catalog.types.into();
        let pool = "default".to_owned();
        live.cluster.apply(Event::PoolTypes { pool, types });
        assert!(live.pass().1.types > 0, "they are new");
        assert_eq!(live.memory.kept_types(), kept);
    }
}
