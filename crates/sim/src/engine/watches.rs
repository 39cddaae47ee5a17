//! The change streams that the simulation follows.

use apiserver::{Event, Resource, Selectors, Server, Watch};
use futures::future::{FutureExt as _, select_all};
use runtime::client::Kind;

use super::SimError;

/// Which stream an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// Pods.
    Pods,
    /// Nodes.
    Nodes,
    /// Workloads of this kind.
    Workloads(&'static str),
    /// Disruption budgets.
    Budgets,
    /// NodeClaims.
    Claims,
    /// NodePools.
    Pools,
    /// Claims, volumes, storage classes and what nodes can attach.
    Storage(Stored),
    /// Namespaces.
    Namespaces,
    /// Node classes of this kind.
    Classes(Kind),
}

/// Kinds that have to do with volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// PersistentVolumeClaims.
    Claims,
    /// PersistentVolumes.
    Volumes,
    /// StorageClasses.
    Classes,
    /// CSINodes.
    Nodes,
}

/// One watch for each kind.
pub(super) struct Watches {
    watches: Vec<(Stream, Watch)>,
}

impl Watches {
    pub(super) fn start(server: &Server, classes: &[Kind]) -> Result<Self, SimError> {
        let mut all = vec![
            (
                Stream::Pools,
                Resource::new("karpenter.sh", "v1", "nodepools"),
            ),
            (
                Stream::Claims,
                Resource::new("karpenter.sh", "v1", "nodeclaims"),
            ),
            (Stream::Nodes, apiserver::NODES),
            (Stream::Namespaces, apiserver::NAMESPACES),
            (
                Stream::Storage(Stored::Classes),
                Resource::new("storage.k8s.io", "v1", "storageclasses"),
            ),
            (
                Stream::Storage(Stored::Nodes),
                Resource::new("storage.k8s.io", "v1", "csinodes"),
            ),
            (
                Stream::Storage(Stored::Volumes),
                Resource::new("", "v1", "persistentvolumes"),
            ),
            (
                Stream::Storage(Stored::Claims),
                Resource::new("", "v1", "persistentvolumeclaims"),
            ),
            (Stream::Pods, apiserver::PODS),
            (Stream::Budgets, apiserver::PDBS),
        ];
        for (kind, group, plural) in crate::workloads::KINDS {
            all.push((Stream::Workloads(kind), Resource::new(group, "v1", plural)));
        }
        for kind in classes {
            let resource = Resource::new(kind.group, kind.version, kind.plural);
            all.push((Stream::Classes(*kind), resource));
        }
        let mut watches = Vec::new();
        for (stream, resource) in all {
            let watch = server
                .watch(resource, None, Selectors::default(), None)
                .map_err(|error| SimError::Server {
                    what: format!("a watch of {resource:?}"),
                    error,
                })?;
            watches.push((stream, watch));
        }
        Ok(Self { watches })
    }

    /// Everything that has changed by now, stream by stream.
    pub(super) fn drain(&mut self) -> Result<Vec<(Stream, Event)>, SimError> {
        let mut events = Vec::new();
        for (stream, watch) in &mut self.watches {
            let drained = watch.drain().map_err(|error| SimError::Server {
                what: "to go on with a watch".to_owned(),
                error,
            })?;
            events.extend(drained.into_iter().map(|event| (*stream, event)));
        }
        Ok(events)
    }

    /// Waits until some stream has something.
    pub(super) async fn changed(&mut self) {
        let waits = self
            .watches
            .iter_mut()
            .map(|(_, watch)| watch.ready().boxed());
        select_all(waits).await;
    }
}
