//! One suite of requests and answers for the embedded server and for a real kube-apiserver.
//!
//! Every case is a function over a [`World`]. On the embedded server each is a test of its own; a
//! real one is started (`cargo xtask control-plane build` makes its programs once), unless
//! `KARPENTER_CONFORMANCE_KUBECONFIG` names the kubeconfig of a disposable cluster.

mod apply;
mod create;
mod custom;
mod delete;
mod evict;
mod list;
mod patch;
mod pods;
mod update;
mod watch;
mod workloads;
mod world;

use std::path::PathBuf;

use control_plane::{Identity, TestCluster};
use world::World;

/// Makes one test per case for the embedded server, and a list of all for a real one.
macro_rules! cases {
    ($($module:ident: [$($case:ident),* $(,)?]),* $(,)?) => {
        mod embedded {
            $(mod $module {
                $(#[tokio::test(start_paused = true)]
                async fn $case() {
                    crate::$module::$case(&crate::World::embedded().await).await;
                })*
            })*
        }

        /// Runs every case, and returns the names of those that failed.
        async fn run_all(world: impl AsyncFn() -> World) -> Vec<&'static str> {
            let mut failed = Vec::new();
            $($({
                println!("{}::{}", stringify!($module), stringify!($case));
                let world = world().await;
                let run = tokio::spawn(async move { $module::$case(&world).await });
                if run.await.is_err() {
                    failed.push(concat!(stringify!($module), "::", stringify!($case)));
                }
            })*)*
            failed
        }
    };
}

cases! {
    create: [
        fills_in_what_the_server_owns,
        refuses_a_second_object_of_a_name,
        draws_a_name_from_generate_name,
        refuses_a_resource_version,
        refuses_names_and_labels_out_of_syntax,
        needs_an_existing_namespace,
        refuses_another_namespace_than_the_path,
        leaves_nothing_behind_in_a_dry_run,
    ],
    update: [
        needs_the_current_resource_version,
        refuses_another_name_or_uid,
        changes_nothing_when_nothing_changed,
        keeps_status_out_of_the_main_path,
        counts_generations_by_spec,
    ],
    patch: [
        merge_patch_removes_by_null,
        json_patch_tests_and_replaces,
        json_patch_that_does_not_fit_is_refused,
        strategic_patch_merges_lists_by_key,
        patch_with_an_old_resource_version_conflicts,
        patch_of_a_missing_object_is_not_found,
        unknown_patch_types_are_refused,
    ],
    apply: [
        creates_and_owns,
        conflicts_name_the_other_manager,
        force_takes_the_field,
        gives_up_what_is_no_longer_said,
        keeps_what_another_manager_wants_too,
        merges_lists_by_key,
        needs_a_field_manager,
        the_same_apply_twice_changes_nothing,
    ],
    delete: [
        removes_and_reports,
        waits_for_finalizers,
        refuses_new_finalizers_of_a_deleted_object,
        checks_preconditions,
        unbound_pods_go_at_once,
        bound_pods_get_their_grace_period,
        a_second_delete_can_only_shorten,
        collections_go_by_selector,
    ],
    evict: [
        without_a_budget_is_a_delete,
        is_refused_by_a_budget_that_is_used_up,
        takes_from_the_budget,
        unknown_pods_are_not_found,
    ],
    list: [
        selects_by_labels_and_fields,
        pages_with_continue_tokens,
        refuses_unknown_field_labels,
        gives_metadata_only,
        gives_tables,
    ],
    watch: [
        replays_from_a_resource_version,
        starts_with_what_is_there,
        follows_selectors,
        marks_the_end_of_initial_events,
        tells_of_a_version_that_is_gone,
    ],
    pods: [
        get_their_defaults,
        take_priority_from_their_class,
        are_bound_once,
        refuse_changes_of_their_spec,
        name_what_is_missing,
        take_defaults_from_a_limit_range,
        nodes_start_not_ready,
    ],
    workloads: [
        get_their_defaults,
        need_a_selector_that_matches,
        scale_by_the_scale_subresource,
    ],
    custom: [
        prunes_and_defaults,
        reports_every_structural_error,
        reports_type_errors,
        checks_rules,
        checks_transition_rules,
        strict_validation_names_unknown_fields,
        does_not_hold_old_errors_against_an_update,
        separates_status,
        scales_by_declared_paths,
        refuses_duplicate_keys,
        refuses_definitions_that_make_no_sense,
    ],
}

#[test]
fn the_same_holds_on_a_real_server() {
    let given = std::env::var_os("KARPENTER_CONFORMANCE_KUBECONFIG").map(PathBuf::from);
    let cluster = given
        .is_none()
        .then(|| TestCluster::start("conformance").expect("a cluster"));
    let path = given.unwrap_or_else(|| {
        cluster
            .as_ref()
            .expect("started above")
            .kubeconfig(Identity::Admin)
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let failed = runtime
        .expect("a runtime")
        .block_on(run_all(async || World::real(&path).await));
    assert!(failed.is_empty(), "{failed:#?}");
}
