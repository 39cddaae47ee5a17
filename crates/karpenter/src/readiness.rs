//! What `/readyz` is made of.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use runtime::{
    Client, Shutdown,
    client::Kind,
    health::{Check, CheckResult},
};

/// Time between looks at the API server until the kinds are served.
const LOOK: Duration = Duration::from_secs(2);

/// What has been reached so far; cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness {
    kinds: Arc<AtomicBool>,
    stopping: Arc<AtomicBool>,
}

impl Readiness {
    /// The checks of `/readyz`. `synced` says whether the caches are filled.
    pub(crate) fn checks(
        &self,
        synced: impl Fn() -> CheckResult + Send + Sync + 'static,
    ) -> Vec<Check> {
        let (kinds, stopping) = (self.kinds.clone(), self.stopping.clone());
        vec![
            Check::new("manager", synced),
            Check::new("crd", move || {
                check(
                    &kinds,
                    true,
                    "NodePool and NodeClaim are not served, install the CRDs",
                )
            }),
            Check::new("readyz", move || check(&stopping, false, "shutting down")),
        ]
    }

    /// From now on the process is not ready.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Looks until the API server serves all `kinds`.
    pub(crate) async fn await_kinds(&self, client: Client, kinds: Vec<Kind>, shutdown: Shutdown) {
        let looking = async {
            for kind in kinds {
                loop {
                    match client.serves(kind).await {
                        Ok(true) => break,
                        Ok(false) => tracing::debug!(kind = kind.kind, "kind is not served yet"),
                        Err(error) => tracing::warn!(kind = kind.kind, %error, "discovering"),
                    }
                    tokio::time::sleep(LOOK).await;
                }
            }
            self.kinds.store(true, Ordering::Relaxed);
        };
        // Cut short means that nobody asks any more.
        let _ = shutdown.or_stop(looking).await;
    }
}

fn check(flag: &AtomicBool, wanted: bool, otherwise: &str) -> CheckResult {
    if flag.load(Ordering::Relaxed) == wanted {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
