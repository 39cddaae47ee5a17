//! What tests rely on when they run on a real control plane, and that it can be emptied, broken and
//! stopped.
//!
//! One cluster for all checks of behaviour: groups run side by side, each in a namespace of its
//! own. What is *not* here: anything of the product.

mod api;
mod kubectl;
mod nodes;
mod pods;
mod tool;

use std::panic::{self, AssertUnwindSafe};
use std::thread;

use control_plane::TestCluster;

use kubectl::Kubectl;

/// A check, with what it shows.
type Check = (&'static str, fn(&Kubectl));

#[test]
fn a_real_control_plane_behaves_as_tests_rely_on() {
    let mut cluster = TestCluster::start("acceptance").unwrap();
    let kubectl = Kubectl::admin(&cluster);
    pods::a_pod_is_unschedulable_without_any_node(&kubectl);
    let groups: [&[Check]; 4] = [nodes::CHECKS, pods::CHECKS, pods::DELETION, api::CHECKS];
    nodes::create(&kubectl, "shared", "");
    let failed: Vec<&str> = thread::scope(|scope| {
        let groups = groups.map(|group| scope.spawn(|| failures(group, &kubectl)));
        groups
            .into_iter()
            .flat_map(|group| group.join().unwrap())
            .collect()
    });
    assert!(failed.is_empty(), "{failed:?}");
    tool::karpenter_has_only_the_rights_that_it_is_granted(&cluster);
    tool::killed_servers_come_back_with_their_data(&mut cluster);
    tool::a_soft_reset_leaves_nothing_that_a_fresh_cluster_does_not_have(&mut cluster);
    tool::a_hard_reset_keeps_address_and_tokens(&mut cluster);
    tool::a_panic_stops_the_servers_and_removes_the_folder(cluster);
}

/// Runs all checks of a group, also after one has failed.
fn failures(group: &[Check], kubectl: &Kubectl) -> Vec<&'static str> {
    let fails = |(name, check): &Check| {
        panic::catch_unwind(AssertUnwindSafe(|| check(kubectl)))
            .is_err()
            .then_some(*name)
    };
    group.iter().filter_map(fails).collect()
}
