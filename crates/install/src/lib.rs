//! What is needed to install the product, made from one list each: the values of its chart, what it
//! may do in Kubernetes, what it may do in AWS.
//!
//! - [`values`]: every value of the chart; its defaults, its schema and its page of documentation.
//! - [`rbac`]: every right that the controller needs in Kubernetes; the roles of the chart.
//! - [`iam`]: the policies of [`aws::policy`] as files, and the CloudFormation template.
//!
//! All of it is text from values: `cargo xtask charts` writes the files, a test keeps them equal.
//!
//! What is *not* here: the templates of the chart that are no list (`charts/karpenter/templates`).

pub mod files;
pub mod iam;
pub mod rbac;
pub mod values;
pub mod yaml;
