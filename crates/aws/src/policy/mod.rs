//! What the controller must be allowed to do in AWS, as policies of IAM.
//!
//! [`allowed_by`] says for each [`Operation`] which statements allow it; there is no operation
//! without one. The policies are made from that, so that they grant what is called and nothing
//! else, only on what belongs to the cluster where AWS can tell.
//!
//! What is *not* here: the files and the CloudFormation template that people apply (`install`), and
//! the policies of nodes, which are AWS' own.

mod statement;
#[cfg(test)]
mod tests;

pub use statement::{Condition, Document, Statement, Words};

use crate::Operation;

/// Whose resources the policies are about. Each part may as well be a placeholder that somebody
/// fills in later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The cluster's region.
    pub region: String,
    /// The account.
    pub account: String,
    /// The cluster's name.
    pub cluster: String,
    /// ARN of the role that nodes have.
    pub node_role: String,
    /// ARN of the queue of interruptions.
    pub queue: String,
}

impl Scope {
    /// With the node role and the queue that the installation makes for a cluster.
    pub fn conventional(partition: &str, region: &str, account: &str, cluster: &str) -> Self {
        Self {
            partition: partition.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            cluster: cluster.to_owned(),
            node_role: format!("arn:{partition}:iam::{account}:role/KarpenterNodeRole-{cluster}"),
            queue: format!("arn:{partition}:sqs:{region}:{account}:{cluster}"),
        }
    }

    /// The cluster's ARN.
    pub fn cluster_arn(&self) -> String {
        let Self {
            partition,
            region,
            account,
            cluster,
            ..
        } = self;
        format!("arn:{partition}:eks:{region}:{account}:cluster/{cluster}")
    }
}

/// A policy of the controller. Each is far below the size that IAM allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Policy {
    /// Instances and launch templates come and go.
    NodeLifecycle,
    /// Instance profiles of node classes with a role.
    IamIntegration,
    /// What EKS says of the cluster.
    EksIntegration,
    /// The queue of interruptions.
    Interruption,
    /// Zones that are shifted away from.
    ZonalShift,
    /// What there is to launch: types, prices, images, networks.
    ResourceDiscovery,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::NodeLifecycle,
        Self::IamIntegration,
        Self::EksIntegration,
        Self::Interruption,
        Self::ZonalShift,
        Self::ResourceDiscovery,
    ];

    /// Its name; the cluster's follows in the account, behind a dash.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NodeLifecycle => "KarpenterControllerNodeLifecyclePolicy",
            Self::IamIntegration => "KarpenterControllerIAMIntegrationPolicy",
            Self::EksIntegration => "KarpenterControllerEKSIntegrationPolicy",
            Self::Interruption => "KarpenterControllerInterruptionPolicy",
            Self::ZonalShift => "KarpenterControllerZonalShiftPolicy",
            Self::ResourceDiscovery => "KarpenterControllerResourceDiscoveryPolicy",
        }
    }

    /// What it grants.
    pub fn document(self, scope: &Scope) -> Document {
        let own = Sid::ALL.iter().filter(|sid| sid.policy() == self);
        Document::new(own.map(|sid| sid.statement(scope)).collect())
    }
}

/// Defines the statements with their policy, in the order of the documents.
macro_rules! statements {
    ($($ident:ident = $policy:ident, $doc:literal;)*) => {
        /// A statement of a policy, by its id.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Sid {
            $(#[doc = $doc] $ident,)*
        }

        impl Sid {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$ident,)*];

            /// The policy that it is in.
            pub const fn policy(self) -> Policy {
                match self {
                    $(Self::$ident => Policy::$policy,)*
                }
            }

            /// Its id in the policy.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$ident => stringify!($ident),)*
                }
            }
        }
    };
}

statements! {
    AllowScopedEC2InstanceAccessActions = NodeLifecycle,
        "Launches may use any image, network and reservation.";
    AllowScopedEC2LaunchTemplateAccessActions = NodeLifecycle,
        "Launches may use the cluster's launch templates.";
    AllowScopedEC2InstanceActionsWithTags = NodeLifecycle,
        "What is launched is tagged as the cluster's.";
    AllowScopedResourceCreationTagging = NodeLifecycle, "Tags come with what is made.";
    AllowScopedResourceTagging = NodeLifecycle, "Three tags of the cluster's instances.";
    AllowScopedDeletion = NodeLifecycle, "The cluster's instances and launch templates go.";
    AllowPassingInstanceRole = IamIntegration, "Instances get the node role and no other.";
    AllowScopedInstanceProfileCreationActions = IamIntegration, "Profiles tagged as the cluster's.";
    AllowScopedInstanceProfileTagActions = IamIntegration, "Tags of the cluster's profiles.";
    AllowScopedInstanceProfileActions = IamIntegration, "The cluster's profiles change and go.";
    AllowAPIServerEndpointDiscovery = EksIntegration, "The one cluster.";
    AllowInterruptionQueueActions = Interruption, "The one queue.";
    AllowZonalShiftStatusReadOnly = ZonalShift, "Shifts of the one cluster.";
    AllowRegionalReadActions = ResourceDiscovery, "What there is in the region.";
    AllowSSMReadActions = ResourceDiscovery, "Public parameters with images.";
    AllowPricingReadActions = ResourceDiscovery, "Prices.";
    AllowUnscopedInstanceProfileListAction = ResourceDiscovery, "Which profiles there are.";
    AllowInstanceProfileReadActions = ResourceDiscovery, "What is in a profile.";
}

/// The statements that allow an operation. A launch needs several at once: one for each kind of
/// resource that it touches.
pub const fn allowed_by(operation: Operation) -> &'static [Sid] {
    use Operation as Op;
    match operation {
        Op::RunInstances | Op::CreateFleet => &[
            Sid::AllowScopedEC2InstanceAccessActions,
            Sid::AllowScopedEC2LaunchTemplateAccessActions,
            Sid::AllowScopedEC2InstanceActionsWithTags,
        ],
        Op::CreateLaunchTemplate => &[Sid::AllowScopedEC2InstanceActionsWithTags],
        Op::CreateTags => &[
            Sid::AllowScopedResourceCreationTagging,
            Sid::AllowScopedResourceTagging,
        ],
        Op::TerminateInstances | Op::DeleteLaunchTemplate => &[Sid::AllowScopedDeletion],
        Op::CreateInstanceProfile => &[Sid::AllowScopedInstanceProfileCreationActions],
        Op::AddRoleToInstanceProfile
        | Op::RemoveRoleFromInstanceProfile
        | Op::DeleteInstanceProfile => &[Sid::AllowScopedInstanceProfileActions],
        Op::DescribeCluster => &[Sid::AllowAPIServerEndpointDiscovery],
        Op::GetQueueUrl | Op::ReceiveMessage | Op::DeleteMessage => {
            &[Sid::AllowInterruptionQueueActions]
        }
        Op::GetManagedResource => &[Sid::AllowZonalShiftStatusReadOnly],
        Op::DescribeInstanceTypes
        | Op::DescribeInstanceTypeOfferings
        | Op::DescribeSpotPriceHistory
        | Op::DescribeSubnets
        | Op::DescribeSecurityGroups
        | Op::DescribeImages
        | Op::DescribeCapacityReservations
        | Op::DescribePlacementGroups
        | Op::DescribeLaunchTemplates
        | Op::DescribeInstances
        | Op::DescribeInstanceStatus => &[Sid::AllowRegionalReadActions],
        Op::GetParameter => &[Sid::AllowSSMReadActions],
        Op::GetProducts => &[Sid::AllowPricingReadActions],
        Op::ListInstanceProfiles => &[Sid::AllowUnscopedInstanceProfileListAction],
        Op::GetInstanceProfile => &[Sid::AllowInstanceProfileReadActions],
    }
}
