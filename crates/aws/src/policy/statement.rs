//! Statements: which actions, on what, under which conditions.

use std::collections::BTreeMap;

use api::labels;
use serde::{Serialize, Serializer};

use super::{Scope, Sid, allowed_by};
use crate::{Operation, tags};

/// A policy as IAM reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Document {
    version: &'static str,
    /// What it grants.
    pub statement: Vec<Statement>,
}

impl Document {
    pub(super) fn new(statement: Vec<Statement>) -> Self {
        let version = "2012-10-17";
        Self { version, statement }
    }
}

/// One grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    /// Its id.
    pub sid: &'static str,
    effect: &'static str,
    /// What may be done.
    pub action: Vec<String>,
    /// On what.
    pub resource: Vec<String>,
    /// If what; all must hold.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<Condition, BTreeMap<String, Words>>,
}

/// How a key of the request is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Condition {
    /// It has one of the values.
    StringEquals,
    /// The same, where the request has the key at all.
    StringEqualsIfExists,
    /// It is there and matches a pattern.
    StringLike,
    /// Each of its values is one of these.
    #[serde(rename = "ForAllValues:StringEquals")]
    ForAllValuesStringEquals,
}

/// Values to compare with; one stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(pub Vec<String>);

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [word] => word.serialize(serializer),
            words => words.serialize(serializer),
        }
    }
}

/// What a launch makes, by the kind of resource in the ARN.
const MADE: [&str; 6] = [
    "fleet",
    "instance",
    "volume",
    "network-interface",
    "launch-template",
    "spot-instances-request",
];
/// What a launch uses, of this account or another's.
const USED: [&str; 4] = [
    "security-group",
    "subnet",
    "capacity-reservation",
    "placement-group",
];

impl Sid {
    /// The statement for a cluster.
    pub fn statement(self, scope: &Scope) -> Statement {
        Statement {
            sid: self.name(),
            effect: "Allow",
            action: self.actions(),
            resource: self.resources(scope),
            condition: self.conditions(scope),
        }
    }

    /// The operations that it is there for, and two actions that IAM looks at without a call.
    fn actions(self) -> Vec<String> {
        let own = Operation::ALL
            .iter()
            .filter(|operation| allowed_by(**operation).contains(&self));
        let implied: &[&str] = match self {
            // Handing the role over in a launch or to a profile.
            Self::AllowPassingInstanceRole => &["iam:PassRole"],
            // Making a profile with tags.
            Self::AllowScopedInstanceProfileTagActions => &["iam:TagInstanceProfile"],
            _ => &[],
        };
        own.map(|operation| operation.action())
            .chain(implied.iter().map(|&action| action.to_owned()))
            .collect()
    }

    fn resources(self, scope: &Scope) -> Vec<String> {
        let Scope {
            partition,
            region,
            account,
            ..
        } = scope;
        let ec2 = |kind: &str| format!("arn:{partition}:ec2:{region}:*:{kind}/*");
        match self {
            Self::AllowScopedEC2InstanceAccessActions => ["image", "snapshot"]
                .map(|kind| format!("arn:{partition}:ec2:{region}::{kind}/*"))
                .into_iter()
                .chain(USED.map(ec2))
                .collect(),
            Self::AllowScopedEC2LaunchTemplateAccessActions => vec![ec2("launch-template")],
            Self::AllowScopedEC2InstanceActionsWithTags
            | Self::AllowScopedResourceCreationTagging => MADE.map(ec2).to_vec(),
            Self::AllowScopedResourceTagging => vec![ec2("instance")],
            Self::AllowScopedDeletion => ["instance", "launch-template"].map(ec2).to_vec(),
            Self::AllowPassingInstanceRole => vec![scope.node_role.clone()],
            Self::AllowScopedInstanceProfileCreationActions
            | Self::AllowScopedInstanceProfileTagActions
            | Self::AllowScopedInstanceProfileActions
            | Self::AllowInstanceProfileReadActions => {
                vec![format!("arn:{partition}:iam::{account}:instance-profile/*")]
            }
            Self::AllowAPIServerEndpointDiscovery => vec![scope.cluster_arn()],
            Self::AllowInterruptionQueueActions => vec![scope.queue.clone()],
            Self::AllowSSMReadActions => {
                vec![format!(
                    "arn:{partition}:ssm:{region}::parameter/aws/service/*"
                )]
            }
            Self::AllowZonalShiftStatusReadOnly
            | Self::AllowRegionalReadActions
            | Self::AllowPricingReadActions
            | Self::AllowUnscopedInstanceProfileListAction => vec!["*".to_owned()],
        }
    }

    fn conditions(self, scope: &Scope) -> BTreeMap<Condition, BTreeMap<String, Words>> {
        let of = Keys(scope);
        let conditions = Conditions::default();
        match self {
            Self::AllowScopedEC2LaunchTemplateAccessActions | Self::AllowScopedDeletion => {
                conditions.equal(of.owned("Resource")).any(pool("Resource"))
            }
            Self::AllowScopedEC2InstanceActionsWithTags => conditions
                .equal(of.owned("Request"))
                .equal(of.named("Request"))
                .any(pool("Request")),
            Self::AllowScopedResourceCreationTagging => conditions
                .equal(of.owned("Request"))
                .equal(of.named("Request"))
                .one_of(
                    "ec2:CreateAction",
                    [
                        Operation::RunInstances,
                        Operation::CreateFleet,
                        Operation::CreateLaunchTemplate,
                    ]
                    .map(Operation::name),
                )
                .any(pool("Request")),
            Self::AllowScopedResourceTagging => conditions
                .equal(of.owned("Resource"))
                .any(pool("Resource"))
                .put(Condition::StringEqualsIfExists, of.named("Request"))
                .only_keys([tags::CLUSTER_NAME, tags::NODECLAIM, tags::NAME]),
            Self::AllowPassingInstanceRole => conditions.one_of(
                "iam:PassedToService",
                ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"],
            ),
            Self::AllowScopedInstanceProfileCreationActions => conditions
                .equal(of.owned("Request"))
                .equal(of.named("Request"))
                .equal(of.region("Request"))
                .any(class("Request")),
            Self::AllowScopedInstanceProfileTagActions => conditions
                .equal(of.owned("Resource"))
                .equal(of.region("Resource"))
                .equal(of.owned("Request"))
                .equal(of.named("Request"))
                .equal(of.region("Request"))
                .any(class("Resource"))
                .any(class("Request")),
            Self::AllowScopedInstanceProfileActions => conditions
                .equal(of.owned("Resource"))
                .equal(of.region("Resource"))
                .any(class("Resource")),
            Self::AllowZonalShiftStatusReadOnly => conditions.equal((
                "arc-zonal-shift:ResourceIdentifier".to_owned(),
                scope.cluster_arn(),
            )),
            Self::AllowRegionalReadActions => {
                conditions.equal(("aws:RequestedRegion".to_owned(), scope.region.clone()))
            }
            Self::AllowScopedEC2InstanceAccessActions
            | Self::AllowAPIServerEndpointDiscovery
            | Self::AllowInterruptionQueueActions
            | Self::AllowSSMReadActions
            | Self::AllowPricingReadActions
            | Self::AllowUnscopedInstanceProfileListAction
            | Self::AllowInstanceProfileReadActions => conditions,
        }
        .0
    }
}

/// A key of the request and what it is compared with.
type Pair = (String, String);

/// Keys of tags, of the `Request` or of the `Resource`.
struct Keys<'a>(&'a Scope);

impl Keys<'_> {
    fn owned(&self, of: &str) -> Pair {
        let prefix = tags::CLUSTER_PREFIX;
        let key = format!("aws:{of}Tag/{prefix}{}", self.0.cluster);
        (key, tags::OWNED.to_owned())
    }

    fn named(&self, of: &str) -> Pair {
        let key = format!("aws:{of}Tag/{}", tags::CLUSTER_NAME);
        (key, self.0.cluster.clone())
    }

    fn region(&self, of: &str) -> Pair {
        let key = format!("aws:{of}Tag/{}", labels::REGION);
        (key, self.0.region.clone())
    }
}

/// The tag with the pool, whichever it is.
fn pool(of: &str) -> Pair {
    (format!("aws:{of}Tag/{}", tags::NODEPOOL), "*".to_owned())
}

/// The tag with the node class, whichever it is.
fn class(of: &str) -> Pair {
    (format!("aws:{of}Tag/{}", tags::NODE_CLASS), "*".to_owned())
}

/// Conditions as they are put together.
#[derive(Default)]
struct Conditions(BTreeMap<Condition, BTreeMap<String, Words>>);

impl Conditions {
    fn put(mut self, condition: Condition, (key, value): Pair) -> Self {
        let keys = self.0.entry(condition).or_default();
        keys.insert(key, Words(vec![value]));
        self
    }

    fn equal(self, pair: Pair) -> Self {
        self.put(Condition::StringEquals, pair)
    }

    fn any(self, pair: Pair) -> Self {
        self.put(Condition::StringLike, pair)
    }

    fn one_of<const N: usize>(mut self, key: &str, values: [&str; N]) -> Self {
        let words = Words(values.map(str::to_owned).to_vec());
        let keys = self.0.entry(Condition::StringEquals).or_default();
        keys.insert(key.to_owned(), words);
        self
    }

    fn only_keys<const N: usize>(mut self, values: [&str; N]) -> Self {
        let words = Words(values.map(str::to_owned).to_vec());
        let all = Condition::ForAllValuesStringEquals;
        let keys = self.0.entry(all).or_default();
        keys.insert("aws:TagKeys".to_owned(), words);
        self
    }
}
