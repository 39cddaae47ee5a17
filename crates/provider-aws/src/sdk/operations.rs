//! Which operation an error of the SDK is of. Each call of the SDK has an error type of its own, so
//! that a call that is not in the list of operations can't be made into an answer of a trait, and
//! none can be taken for another.

use aws::Operation;

/// An error type of the SDK.
pub(super) trait OfOperation {
    /// The operation that fails so.
    const OPERATION: Operation;
}

/// Defines the error types by operation: crate of the SDK, module, type.
macro_rules! operations {
    ($($sdk:ident { $($operation:ident = $module:ident :: $error:ident;)* })*) => {
        $($(
            impl OfOperation for $sdk::operation::$module::$error {
                const OPERATION: Operation = Operation::$operation;
            }
        )*)*

        /// The operations that this file knows.
        #[cfg(test)]
        const KNOWN: &[Operation] = &[$($(Operation::$operation,)*)*];
    };
}

operations! {
    aws_sdk_ec2 {
        CreateFleet = create_fleet::CreateFleetError;
        CreateLaunchTemplate = create_launch_template::CreateLaunchTemplateError;
        CreateTags = create_tags::CreateTagsError;
        DeleteLaunchTemplate = delete_launch_template::DeleteLaunchTemplateError;
        DescribeCapacityReservations =
            describe_capacity_reservations::DescribeCapacityReservationsError;
        DescribeImages = describe_images::DescribeImagesError;
        DescribeInstanceStatus = describe_instance_status::DescribeInstanceStatusError;
        DescribeInstanceTypeOfferings =
            describe_instance_type_offerings::DescribeInstanceTypeOfferingsError;
        DescribeInstanceTypes = describe_instance_types::DescribeInstanceTypesError;
        DescribeInstances = describe_instances::DescribeInstancesError;
        DescribeLaunchTemplates = describe_launch_templates::DescribeLaunchTemplatesError;
        DescribePlacementGroups = describe_placement_groups::DescribePlacementGroupsError;
        DescribeSecurityGroups = describe_security_groups::DescribeSecurityGroupsError;
        DescribeSpotPriceHistory = describe_spot_price_history::DescribeSpotPriceHistoryError;
        DescribeSubnets = describe_subnets::DescribeSubnetsError;
        RunInstances = run_instances::RunInstancesError;
        TerminateInstances = terminate_instances::TerminateInstancesError;
    }
    aws_sdk_eks {
        DescribeCluster = describe_cluster::DescribeClusterError;
    }
    aws_sdk_iam {
        AddRoleToInstanceProfile = add_role_to_instance_profile::AddRoleToInstanceProfileError;
        CreateInstanceProfile = create_instance_profile::CreateInstanceProfileError;
        DeleteInstanceProfile = delete_instance_profile::DeleteInstanceProfileError;
        GetInstanceProfile = get_instance_profile::GetInstanceProfileError;
        ListInstanceProfiles = list_instance_profiles::ListInstanceProfilesError;
        RemoveRoleFromInstanceProfile =
            remove_role_from_instance_profile::RemoveRoleFromInstanceProfileError;
    }
    aws_sdk_ssm {
        GetParameter = get_parameter::GetParameterError;
    }
    aws_sdk_pricing {
        GetProducts = get_products::GetProductsError;
    }
    aws_sdk_sqs {
        DeleteMessage = delete_message::DeleteMessageError;
        GetQueueUrl = get_queue_url::GetQueueUrlError;
        ReceiveMessage = receive_message::ReceiveMessageError;
    }
    aws_sdk_arczonalshift {
        GetManagedResource = get_managed_resource::GetManagedResourceError;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_is_called_for_the_operations_of_the_list_and_for_no_others() {
        let mut known = KNOWN.to_vec();
        let mut all = Operation::ALL.to_vec();
        known.sort_unstable();
        all.sort_unstable();
        assert_eq!(known, all);
    }
}
