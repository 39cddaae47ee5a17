//! Every call that is made of AWS. Permissions, metrics and call limits are by this list, so that a
//! call that is not in it can't be made.
//!
//! What is *not* here: what is asked and answered ([`crate::ec2`] and the traits of `provider-
//! aws`).

use std::fmt;

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Elastic Compute Cloud.
    Ec2,
    /// Elastic Kubernetes Service.
    Eks,
    /// Identity and Access Management.
    Iam,
    /// Systems Manager.
    Ssm,
    /// Price List.
    Pricing,
    /// Simple Queue Service.
    Sqs,
    /// Application Recovery Controller: zonal shift.
    ArcZonalShift,
}

impl Service {
    /// Prefix of its actions in policies.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::Eks => "eks",
            Self::Iam => "iam",
            Self::Ssm => "ssm",
            Self::Pricing => "pricing",
            Self::Sqs => "sqs",
            Self::ArcZonalShift => "arc-zonal-shift",
        }
    }

    /// Its name in metrics and logs, as AWS' SDK for Go says it.
    pub const fn sdk_id(self) -> &'static str {
        match self {
            Self::Ec2 => "EC2",
            Self::Eks => "EKS",
            Self::Iam => "IAM",
            Self::Ssm => "SSM",
            Self::Pricing => "Pricing",
            Self::Sqs => "SQS",
            Self::ArcZonalShift => "ARC Zonal Shift",
        }
    }
}

/// Defines the operations with their service and the name that AWS gives them.
macro_rules! operations {
    ($($ident:ident = $service:ident, $doc:literal;)*) => {
        /// A call of AWS.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $(#[doc = $doc] $ident,)*
        }

        impl Operation {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$ident,)*];

            /// Its service.
            pub const fn service(self) -> Service {
                match self {
                    $(Self::$ident => Service::$service,)*
                }
            }

            /// Its name, as AWS spells it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$ident => stringify!($ident),)*
                }
            }
        }
    };
}

operations! {
    DescribeInstanceTypes = Ec2, "What types there are; also asked as a dry run when starting.";
    DescribeInstanceTypeOfferings = Ec2, "Which types are offered in which zones.";
    DescribeSpotPriceHistory = Ec2, "Spot prices.";
    DescribeSubnets = Ec2, "Subnets of a selector.";
    DescribeSecurityGroups = Ec2, "Security groups of a selector.";
    DescribeImages = Ec2, "Images of a selector.";
    DescribeCapacityReservations = Ec2, "Capacity reservations of a selector.";
    DescribePlacementGroups = Ec2, "The placement group of a selector.";
    DescribeLaunchTemplates = Ec2, "Launch templates by name or tags.";
    CreateLaunchTemplate = Ec2, "A launch template is made.";
    DeleteLaunchTemplate = Ec2, "A launch template is deleted.";
    CreateFleet = Ec2, "Instances are launched.";
    RunInstances = Ec2, "As a dry run only.";
    DescribeInstances = Ec2, "Instances by id or tags.";
    TerminateInstances = Ec2, "Instances are ended.";
    CreateTags = Ec2, "Tags of instances.";
    DescribeInstanceStatus = Ec2, "Instances that are not well.";
    DescribeCluster = Eks, "Endpoint, version, addresses and ARN of the cluster.";
    GetParameter = Ssm, "The image that a parameter names.";
    GetInstanceProfile = Iam, "An instance profile.";
    CreateInstanceProfile = Iam, "An instance profile is made.";
    AddRoleToInstanceProfile = Iam, "A role is put into an instance profile.";
    RemoveRoleFromInstanceProfile = Iam, "A role is taken out of an instance profile.";
    DeleteInstanceProfile = Iam, "An instance profile is deleted.";
    ListInstanceProfiles = Iam, "Instance profiles of a path.";
    GetProducts = Pricing, "On-demand prices.";
    GetQueueUrl = Sqs, "The URL of the queue of interruptions.";
    ReceiveMessage = Sqs, "Messages about interruptions.";
    DeleteMessage = Sqs, "A message is done with.";
    GetManagedResource = ArcZonalShift, "Zones that are shifted away from.";
}

impl Operation {
    /// As policies name it: `ec2:RunInstances`.
    pub fn action(self) -> String {
        format!("{}:{}", self.service().prefix(), self.name())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.action())
    }
}
