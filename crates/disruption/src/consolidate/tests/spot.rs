//! Spot nodes in the place of spot nodes.

use serde_json::{Value, json};

use crate::testing::Scene;
use crate::testing::market::{spot, spot_to_spot, told, why_of};
use crate::{Options, Stays, Why};

/// A spot node that costs a dollar and so many cheaper types, the cheapest last; its pool demands
/// so many types.
fn scene(cheaper: usize, least: Option<u32>) -> Scene {
    let mut types: Vec<Value> = (1..=cheaper)
        .rev()
        .map(|number| spot(&format!("s{number:02}"), 4, 0.01 * number as f64))
        .collect();
    types.push(spot("now", 4, 1.0));
    types.push(spot("dear", 4, 2.0));
    let requirement = json!({"key": "node.kubernetes.io/instance-type", "operator": "Exists",
        "minValues": least});
    let pool = json!({"spec": {"template": {"spec": {"requirements": [requirement]}}}});
    let mut scene = Scene::market_of(&pool, &types);
    scene.launched("a", ("now", "spot")).running("x", "a", "1");
    scene
}

/// The first so many of the cheaper types, as `told` names them.
fn first(count: usize) -> [String; 1] {
    let names: Vec<String> = (1..=count).map(|number| format!("s{number:02}")).collect();
    [format!("a -> {}", names.join("|"))]
}

/// SS-01: spot nodes are not replaced by spot nodes unless that is asked for.
#[test]
fn spot_nodes_are_not_replaced_by_spot_nodes_by_default() {
    let mut scene = scene(18, None);
    assert!(scene.told().is_empty());
    let why = scene.stays("a");
    assert_eq!(why, Why::Stays(Stays::SpotToSpotOff));
    assert!(why.is_unconsolidatable());
}

/// SS-02, SS-03: with few types to choose from a new spot node would soon be taken away again.
#[test]
fn a_single_spot_node_needs_fifteen_cheaper_types() {
    for found in [1, 5, 14] {
        let mut scene = scene(found, None);
        let why = why_of(&scene.look(&spot_to_spot()), "a");
        let needed = 15;
        assert_eq!(why, Why::Stays(Stays::FewSpotTypes { found, needed }));
        let text = why.to_string();
        assert!(text.ends_with(&format!("got {found}")), "{text}");
        assert!(text.contains("requires 15 "), "{text}");
    }
}

/// CO-10, SS-04, SS-05, SS-07, SS-08: the cheapest fifteen and no more, or as many as `minValues`
/// demands, whatever the order in which the provider lists them.
#[test]
fn it_gets_the_cheapest_fifteen_or_what_min_values_demands() {
    for (cheaper, least, sent) in [
        (15, None, 15),
        (18, None, 15),
        (18, Some(16), 16),
        (18, Some(10), 15),
    ] {
        let commands = scene(cheaper, least).look(&spot_to_spot()).commands;
        assert_eq!(told(&commands), first(sent), "{cheaper} {least:?}");
        let claim = &commands[0].replacements[0];
        assert_eq!(&*claim.launch.instance_type, "s01");
        let capacity_type = claim.requirements.get(api::labels::CAPACITY_TYPE);
        assert!(capacity_type.is_some_and(|own| !own.has("on-demand")));
    }
}

/// SS-06: `minValues` is not lowered.
#[test]
fn min_values_beyond_the_cheaper_types_keep_it() {
    let plan = scene(15, Some(16)).look(&spot_to_spot());
    assert_eq!(why_of(&plan, "a"), Why::Stays(Stays::MinValues));
}

/// SS-09: for several nodes at once it may be any number of types.
#[test]
fn several_spot_nodes_may_become_one_of_few_types() {
    let types = [spot("now", 4, 1.0), spot("other", 8, 0.9)];
    let mut scene = Scene::market(&types);
    for node in ["a", "b"] {
        scene
            .launched(node, ("now", "spot"))
            .running(&format!("x{node}"), node, "3");
    }
    assert!(scene.told().is_empty());
    let commands = scene.look(&spot_to_spot()).commands;
    assert_eq!(told(&commands), ["a b -> other"]);
    // Alone neither may: there is one cheaper type.
    let mut one = Scene::market(&types);
    one.launched("a", ("now", "spot")).running("x", "a", "3");
    let plan = one.look(&spot_to_spot());
    let few = Stays::FewSpotTypes {
        found: 1,
        needed: 15,
    };
    assert_eq!(why_of(&plan, "a"), Why::Stays(few));
}

/// Spot nodes are emptied into room that is there, whatever is asked for.
#[test]
fn spot_nodes_are_removed_where_their_pods_have_room() {
    let mut scene = scene(0, None);
    scene
        .launched("b", ("now", "spot"))
        .running("y", "b", "1")
        .running("z", "b", "1");
    assert_eq!(scene.told(), ["a -> nothing"]);
    assert_eq!(
        told(&scene.look(&spot_to_spot()).commands),
        ["a -> nothing"]
    );
    assert_eq!(Options::default().spot_to_spot, crate::SpotToSpot::Off);
}
