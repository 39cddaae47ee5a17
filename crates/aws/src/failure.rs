//! Why calls of AWS fail: what kind of failure it is, and what people are told of it.
//!
//! Codes decide; texts only where AWS has no code of its own for the case. What is *not* here: when
//! a call is made again.

use std::fmt;

use crate::Operation;

/// A call of AWS that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The call.
    pub operation: Operation,
    /// Code of AWS, such as `UnauthorizedOperation`; empty if there was no answer.
    pub code: String,
    /// Text of AWS, or what went wrong on the way.
    pub message: String,
    /// Status of HTTP, if there was an answer.
    pub status: Option<u16>,
    /// Id by which AWS can find the call.
    pub request_id: String,
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        match (self.code.as_str(), self.status) {
            ("", None) => write!(f, "{}", self.message),
            ("", Some(status)) => write!(f, "HTTP status {status}: {}", self.message),
            (code, _) => write!(f, "{code}: {}", self.message),
        }
    }
}

/// Something that was asked for does not exist.
const NOT_FOUND: &[&str] = &[
    "InvalidCapacityReservationId.NotFound",
    "InvalidInstanceID.NotFound",
    LAUNCH_TEMPLATE_NOT_FOUND,
    "InvalidLaunchTemplateId.NotFound",
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchEntity",
    "ParameterNotFound",
    "ResourceNotFoundException",
    "InvalidPlacementGroup.Unknown",
    "InvalidPlacementGroupId.Malformed",
];
/// A launch template of a name does not exist.
const LAUNCH_TEMPLATE_NOT_FOUND: &str = "InvalidLaunchTemplateName.NotFoundException";
/// AWS asks to call less often.
const THROTTLED: &[&str] = &[
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestThrottled",
    "RequestThrottledException",
    "EC2ThrottledException",
    "SlowDown",
];
/// Code of what can't be had now, and so may be had elsewhere.
pub const UNFULFILLABLE: &[&str] = &[
    "InsufficientInstanceCapacity",
    "MaxSpotInstanceCountExceeded",
    "VcpuLimitExceeded",
    "UnfulfillableCapacity",
    "Unsupported",
    INSUFFICIENT_ADDRESSES,
    "MaxFleetCountExceeded",
    "ReservationCapacityExceeded",
];
/// Code of a subnet that is full.
pub const INSUFFICIENT_ADDRESSES: &str = "InsufficientFreeAddressesInSubnet";
/// Code of an account without the role that spot instances need.
pub const SPOT_ROLE_MISSING: &str = "AuthFailure.ServiceLinkedRoleCreationNotPermitted";

impl Failure {
    /// A failure with a code, as AWS answers it.
    pub fn new(operation: Operation, code: &str, message: &str) -> Self {
        Self {
            operation,
            code: code.to_owned(),
            message: message.to_owned(),
            status: Some(400),
            request_id: String::new(),
        }
    }

    /// What was asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        NOT_FOUND.contains(&self.code.as_str())
    }

    /// The launch template does not exist under this name.
    pub fn is_launch_template_not_found(&self) -> bool {
        self.code == LAUNCH_TEMPLATE_NOT_FOUND
    }

    /// What is to be made exists.
    pub fn is_already_exists(&self) -> bool {
        self.code == "EntityAlreadyExists"
            || self.code == "InvalidLaunchTemplateName.AlreadyExistsException"
    }

    /// A dry run would have succeeded.
    pub fn is_dry_run_success(&self) -> bool {
        self.code == "DryRunOperation"
    }

    /// Permission is missing.
    pub fn is_unauthorized(&self) -> bool {
        self.code == "UnauthorizedOperation"
            || self.code == "AccessDenied"
            || self.code == "AccessDeniedException"
    }

    /// AWS asks to call less often.
    pub fn is_throttled(&self) -> bool {
        THROTTLED.contains(&self.code.as_str())
    }

    /// AWS has failed, not the caller.
    pub fn is_server_fault(&self) -> bool {
        self.status.is_some_and(|status| status >= 500)
    }

    /// Worth asking again as it is: throttled, a fault of AWS, or no answer at all.
    pub fn is_transient(&self) -> bool {
        self.is_throttled() || self.is_server_fault() || self.status.is_none()
    }

    /// The instance profile does not exist, or not everywhere yet.
    pub fn is_instance_profile_missing(&self) -> bool {
        self.code == "InvalidParameterValue"
            && self.message.contains("Invalid IAM Instance Profile name")
    }

    /// User data is larger than EC2 takes.
    pub fn is_user_data_too_large(&self) -> bool {
        self.code == "InvalidUserData.Malformed" && self.message.contains(USER_DATA_LIMIT)
    }

    /// The role of an instance profile does not exist.
    pub fn is_role_missing(&self) -> bool {
        self.code == "NoSuchEntity" && self.message.to_lowercase().contains("role")
    }

    /// What people are told.
    pub fn explain(&self) -> Explained {
        explain(&format!("{}: {}", self.code, self.message))
    }
}

/// What EC2 says of user data that is too large.
const USER_DATA_LIMIT: &str = "User data is limited to";

/// A failure as people are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Reason of a condition.
    pub reason: &'static str,
    /// Its message.
    pub message: &'static str,
}

/// Texts of which all must occur, and what that means. The first that fits counts.
const EXPLANATIONS: &[(&[&str], &str, &str)] = &[
    (
        &[SPOT_ROLE_MISSING],
        "SpotSLRCreationFailed",
        "User does not have sufficient permission to create the Spot ServiceLinkedRole to launch spot instances",
    ),
    (
        &["InvalidParameter", "belong to different networks"],
        "SecurityGroupSubnetVPCMismatch",
        "Security groups and subnets must be in the same VPC.",
    ),
    (
        &["iamInstanceProfile.name is invalid"],
        "InstanceProfileNameInvalid",
        "Instance profile name used from EC2NodeClass status does not exist",
    ),
    (
        &["InvalidLaunchTemplateId.NotFound"],
        "LaunchTemplateNotFound",
        "Launch template used for instance launch wasn't found",
    ),
    (
        &[LAUNCH_TEMPLATE_NOT_FOUND],
        "LaunchTemplateNotFound",
        "Launch template used for instance launch wasn't found",
    ),
    (
        &[USER_DATA_LIMIT],
        "UserDataSizeLimitExceeded",
        "Rendered user data exceeds the EC2 user data size limit",
    ),
    (
        &["InvalidAMIID.Malformed"],
        "InvalidAMIID",
        "AMI used for instance launch is invalid",
    ),
    (
        &["InvalidAMIID.NotFound"],
        "AMINotFound",
        "AMI used for instance launch either does not exist or you don't have permissions to use it",
    ),
    (
        &["RequestLimitExceeded"],
        "RequestLimitExceeded",
        "Request limit exceeded",
    ),
    (
        &["InternalError"],
        "InternalError",
        "An internal error has occurred",
    ),
    (
        &["not eligible for Free Tier"],
        "FreeTierIneligible",
        "The specified instance type is not eligible for Free Tier",
    ),
    (
        &["MaxFleetCountExceeded"],
        "FleetQuotaExceeded",
        "A fleet launch was requested but this would exceed your fleet request quota",
    ),
    (
        &["PendingVerification"],
        "AccountPendingVerification",
        "An instance launch was requested but the request for launching resources in this region is still being verified",
    ),
    (
        &["MaxSpotInstanceCountExceeded"],
        "SpotQuotaExceeded",
        "A spot instance launch was requested but this would exceed your spot instance quota",
    ),
    (
        &["VcpuLimitExceeded"],
        "VCPULimitExceeded",
        "An instance was requested that would exceed your VCPU quota",
    ),
    (
        &[INSUFFICIENT_ADDRESSES],
        INSUFFICIENT_ADDRESSES,
        "There are not enough free IP addresses to launch an instance in this subnet",
    ),
];

/// Parts of a refusal for want of permission, and what that means; the last always fits.
const REFUSALS: &[(&str, &str, &str)] = &[
    (
        "with an explicit deny in a permissions boundary",
        "Unauthorized",
        "User is not authorized to perform this operation due to a permission boundary",
    ),
    (
        "with an explicit deny in a service control policy",
        "Unauthorized",
        "User is not authorized to perform this operation due to a service control policy",
    ),
    (
        "Not authorized for images",
        "AMIAuthorizationFailure",
        "User is not authorized for AMI used in instance launch",
    ),
    (
        "",
        "Unauthorized",
        "User is not authorized to perform this operation because no identity-based policy allows it",
    ),
];

/// What an error text of AWS, `<code>: <message>`, means to people.
pub fn explain(text: &str) -> Explained {
    let refused = ["UnauthorizedOperation", "AccessDenied", "AuthFailure"];
    if !text.contains(SPOT_ROLE_MISSING) && refused.iter().any(|code| text.contains(code)) {
        let refusal = REFUSALS.iter().find(|(part, ..)| text.contains(part));
        if let Some((_, reason, message)) = refusal {
            return Explained { reason, message };
        }
    }
    let found = EXPLANATIONS
        .iter()
        .find(|(parts, ..)| parts.iter().all(|part| text.contains(part)));
    found.map_or(
        Explained {
            reason: "LaunchFailed",
            message: "Instance launch failed",
        },
        |(_, reason, message)| Explained { reason, message },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_of_aws_has_its_meaning() {
        for (text, reason) in [
            (
                "AuthFailure.ServiceLinkedRoleCreationNotPermitted: x",
                "SpotSLRCreationFailed",
            ),
            ("UnauthorizedOperation: x", "Unauthorized"),
            (
                "AccessDenied: Not authorized for images: [ami-1]",
                "AMIAuthorizationFailure",
            ),
            (
                "InvalidParameter: sg and subnet belong to different networks",
                "SecurityGroupSubnetVPCMismatch",
            ),
            (
                "InvalidParameterValue: Value (x) for parameter iamInstanceProfile.name is invalid",
                "InstanceProfileNameInvalid",
            ),
            (
                "InvalidUserData.Malformed: User data is limited to 16384 bytes",
                "UserDataSizeLimitExceeded",
            ),
            ("VcpuLimitExceeded: x", "VCPULimitExceeded"),
            ("InsufficientInstanceCapacity: x", "LaunchFailed"),
        ] {
            assert_eq!(explain(text).reason, reason, "{text}");
        }
        let denied = "UnauthorizedOperation: x with an explicit deny in a permissions boundary";
        assert!(
            explain(denied)
                .message
                .ends_with("due to a permission boundary")
        );
        let denied = "UnauthorizedOperation: x with an explicit deny in a service control policy";
        assert!(
            explain(denied)
                .message
                .ends_with("due to a service control policy")
        );
    }

    #[test]
    fn failures_say_the_call_and_the_code() {
        let failure = Failure::new(Operation::CreateFleet, "UnauthorizedOperation", "no");
        assert_eq!(
            failure.to_string(),
            "ec2:CreateFleet: UnauthorizedOperation: no"
        );
        assert!(failure.is_unauthorized() && !failure.is_transient());
    }

    #[test]
    fn a_missing_role_is_told_in_any_case() {
        let operation = Operation::AddRoleToInstanceProfile;
        for text in ["Role x not found", "The role with name x cannot be found."] {
            assert!(Failure::new(operation, "NoSuchEntity", text).is_role_missing());
        }
        assert!(!Failure::new(operation, "NoSuchEntity", "Instance Profile x").is_role_missing());
    }
}
