//! Amazon's cloud: nodes are EC2 instances.
//!
//! - [`batch`]: calls of many that are made as one.
//! - [`cache`]: what is remembered for a time.
//! - [`calls`]: what is asked of AWS, one trait for each service.
//! - [`instance_types`], [`pricing`]: what can be launched, and for how much.
//! - [`unavailable`]: what could not be had lately.
//! - [`cluster`], [`version`]: what is known of the cluster.
//! - [`discovery`]: what exists in the account, by the selectors of node classes.
//! - [`profiles`]: instance profiles for the roles of node classes.
//! - `fake` (feature `fake`): a pretended AWS in memory, for tests.
//! - [`objects`]: the Kubernetes objects that the loops work from. [`world`]: all that they touch.
//! - [`instances`]: instances found, listed, ended and tagged.
//! - [`interruption`], [`instance_status`]: what happens to instances. [`zonal_shift`]: to zones.
//! - [`garbage`], [`reserved`], [`tagging`], [`placement_hook`]: the small loops, and the hook.
//! - `sdk` (a feature): the official SDK behind these traits.
//! - [`limits`]: how often EC2 is called to change something.
//! - [`launch`]: from a claim to an instance; [`templates`]: launch templates that it needs;
//!   [`nodes`], [`kubelets`]: how the instance becomes a node; [`lessons`]: what launches teach.
//! - [`node_class`]: the loop of node classes. [`cloud`]: the cloud as the loops of every cloud
//!   call it. [`start`]: all of this put together, which makes the [`provider`].
//!
//! What is *not* here: what requests and answers mean (`aws`, without I/O), and the phases of a
//! NodeClaim (`lifecycle`).

pub mod batch;
pub mod cache;
pub mod calls;
pub mod cloud;
pub mod cluster;
pub mod discovery;
#[cfg(any(test, feature = "fake"))]
pub mod fake;
pub mod garbage;
pub mod instance_status;
pub mod instance_types;
pub mod instances;
pub mod interruption;
pub mod kubelets;
pub mod launch;
pub mod lessons;
pub mod limits;
pub mod node_class;
pub mod nodes;
pub mod objects;
pub mod placement_hook;
pub mod pricing;
pub mod profiles;
pub mod provider;
pub mod reserved;
mod rounds;
#[cfg(feature = "sdk")]
pub mod sdk;
pub mod start;
pub mod tagging;
pub mod templates;
#[cfg(test)]
mod testing;
pub mod unavailable;
pub mod version;
pub mod world;
pub mod zonal_shift;
