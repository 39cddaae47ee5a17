//! The API access of this crate against two servers: the embedded one and a real kube-apiserver.
//! What holds on one must hold on the other.

mod behaviour;

use std::sync::Arc;

use runtime::{Client, client::Source};

/// The embedded server.
fn embedded() -> (apiserver::Server, Client) {
    let now = jiff::Timestamp::from_second(1_767_268_800).expect("a time");
    let server = apiserver::Server::new(apiserver::Config::frozen(now, 1));
    let client = Client::from_service(server.client_service());
    (server, client)
}

/// Runs a behaviour on the embedded server, and on a real one that all behaviours share.
macro_rules! on_both_servers {
    ($($behaviour:ident),* $(,)?) => {
        mod on_the_embedded_server {
            $(
                #[tokio::test]
                async fn $behaviour() {
                    let (_server, client) = super::embedded();
                    super::behaviour::$behaviour(client).await;
                }
            )*
        }

        /// One test, because starting the server costs more than all of them.
        #[test]
        fn the_same_holds_on_a_real_server() -> anyhow::Result<()> {
            let cluster = Arc::new(control_plane::TestCluster::start("runtime")?);
            // Another test of this process may have installed one; either will do.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(async {
                let path = cluster.kubeconfig(control_plane::Identity::Admin);
                let source = Source::File { path, context: None };
                let client = Client::connect(&source, "runtime-tests").await?;
                $(
                    eprintln!("{}", stringify!($behaviour));
                    behaviour::$behaviour(client.clone()).await;
                )*
                Ok(())
            })
        }
    };
}

on_both_servers! {
    writes_are_guarded_by_version_and_uid,
    lists_find_by_label_and_watches_tell_what_changes,
    status_is_written_apart_from_the_rest,
    discovery_knows_what_is_served,
    events_are_written_and_counted,
    one_of_two_candidates_leads_and_the_other_follows_a_release,
}
