//! Kubernetes REST semantics in process, as a tower service: the world of simulations and tests.
//!
//! - [`Server`] holds the objects and offers the verbs on JSON values;
//! - [`Server::client_service`] is a tower service that `kube::Client::new` takes;
//! - [`Server::serve`] answers on a TCP port, for `kubectl`.
//!
//! Everything is a function of the requests, the seed and the injected clock ([`Config`]).
//!
//! Not here: controllers, scheduler, kubelets (crate `sim`), authentication and authorization
//! (every request is allowed), admission webhooks and policies, quotas, conversion between versions
//! beyond the `apiVersion` field, the limit on the estimated cost of CEL rules, protobuf bodies
//! (`kubectl create namespace` sends one, `kubectl apply` does not), and schemas of the built-in
//! kinds: of those, the fields that people get wrong are checked, the rest is stored as given.

mod admission;
mod config;
mod discovery;
mod error;
mod garbage;
mod ids;
mod meta;
mod options;
mod patch;
mod registry;
mod request;
mod resource;
mod schema;
mod selector;
mod serve;
mod server;
mod service;
mod state;
mod storage;
mod table;
mod verbs;
mod watch;

pub use crate::{
    config::{Clock, Config, FieldTracking, GarbageCollection},
    error::{ApiError, Cause, Details, Reason},
    options::{
        Conflicts, DeleteOptions, DryRun, FieldSelector, FieldValidation, LabelSelector, Part,
        Patch, Propagation, Selectors, WriteOptions,
    },
    resource::{
        CRDS, DAEMON_SETS, DEPLOYMENTS, EVENTS, JOBS, NAMESPACES, NODES, PDBS, PODS, REPLICA_SETS,
        Resource, STATEFUL_SETS,
    },
    server::{List, Server},
    service::{Body, HttpService},
    watch::{Event, EventKind, Watch},
};
