//! What AWS means to Karpenter: from node classes, claims and what AWS says of itself to the
//! requests that are made of it, and from its answers to what they mean. All of it is pure.
//!
//! - [`ec2`]: requests and answers of EC2 as values, with the fields that decide anything.
//! - [`operation`]: every call that is made of AWS, and the permission that it needs.
//! - [`policy`]: the same permissions as policies of IAM.
//! - [`subnets`], [`template`], [`fleet`]: a launch, step by step.
//! - [`failure`]: why calls fail, and what people are told of it.
//! - [`selectors`], [`images`], [`reservations`], [`placement`]: from what a class selects to
//!   queries, and from what is found to what it means.
//! - [`types`]: the instance types of a class, with their offerings.
//! - [`pricing`], [`unavailable`]: what machines cost, and what could not be had lately.
//! - [`class`]: the status of a class, from what was found.
//! - [`profiles`]: instance profiles for the roles of classes. [`version`]: of Kubernetes.
//! - [`family`], [`kubelet`], [`userdata`]: how instances are made nodes of the cluster.
//! - [`instance`]: what an instance means: labels, capacity, how it is paid for.
//! - [`messages`], [`status`]: what EC2 says happens to instances; [`interruption`]: what is done
//!   about it.
//! - [`garbage`], [`repair`], [`reserved`], [`shift`], [`tagging`]: what the small loops decide.
//!
//! What is *not* here: calls, caches, time and loops (`provider-aws`), what a machine has
//! (`catalog`), and the node class itself (`api`).

pub mod class;
pub mod digest;
pub mod drift;
pub mod ec2;
pub mod failure;
pub mod family;
pub mod fleet;
pub mod garbage;
pub mod images;
pub mod instance;
pub mod interruption;
pub mod kubelet;
pub mod messages;
pub mod operation;
pub mod placement;
pub mod policy;
pub mod pricing;
pub mod profiles;
pub mod provider_id;
pub mod repair;
pub mod reservations;
pub mod reserved;
pub mod resources;
pub mod selectors;
pub mod shift;
pub mod status;
pub mod subnets;
pub mod tagging;
pub mod tags;
pub mod template;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;
pub mod unavailable;
pub mod userdata;
pub mod validation;
pub mod version;

pub use failure::Failure;
pub use operation::{Operation, Service};
pub use tags::{Cluster, Tags};
