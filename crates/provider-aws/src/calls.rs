//! What is asked of AWS: one trait for each service, one method for each call.
//!
//! Lists come whole: pages are put together behind the trait. Retries of the SDK have happened when
//! a method fails. Methods are never called with more than one call of AWS in mind, but for pages.
//! What is *not* here: batching, caches and limits, which are in front of these traits.

use std::sync::Arc;

use async_trait::async_trait;
use aws::ec2::{
    Filter, FleetOutput, FleetRequest, Image, ImageQuery, Instance, InstanceStatus, LaunchTemplate,
    PlacementGroup, PlacementGroupQuery, Reservation, ReservationQuery, RunCheck, SecurityGroup,
    SpotPrice, StatusFilter, StoredTemplate, Subnet, TemplateKey, TerminatedInstance, TypeOffering,
};
use aws::{Failure, Tags};
use catalog::ec2::Machine;
use model::Timestamp;

pub use aws::shift::Shift;

/// All services. Cheap to clone.
#[derive(Clone)]
pub struct Calls {
    /// EC2.
    pub ec2: Arc<dyn Ec2>,
    /// EKS.
    pub eks: Arc<dyn Eks>,
    /// IAM.
    pub iam: Arc<dyn Iam>,
    /// Systems Manager.
    pub ssm: Arc<dyn Ssm>,
    /// Price list.
    pub pricing: Arc<dyn Pricing>,
    /// Queues.
    pub sqs: Arc<dyn Sqs>,
    /// Zonal shift.
    pub zonal_shift: Arc<dyn ZonalShift>,
}

/// EC2.
#[async_trait]
pub trait Ec2: Send + Sync {
    /// Whether EC2 can be reached and may be asked: a dry run of DescribeInstanceTypes. `Ok` if it
    /// would have succeeded.
    async fn check(&self) -> Result<(), Failure>;
    /// DescribeInstanceTypes: virtualization `hvm`, architectures `x86_64` and `arm64`. Facts that
    /// EC2 does not tell (branch interfaces, bandwidth) are left empty.
    async fn instance_types(&self) -> Result<Vec<Machine>, Failure>;
    /// DescribeInstanceTypeOfferings by zone.
    async fn instance_type_offerings(&self) -> Result<Vec<TypeOffering>, Failure>;
    /// DescribeSpotPriceHistory of Linux, from `start` on, in the order of EC2.
    async fn spot_prices(&self, start: Timestamp) -> Result<Vec<SpotPrice>, Failure>;
    /// DescribeSubnets.
    async fn subnets(&self, filters: &[Filter]) -> Result<Vec<Subnet>, Failure>;
    /// DescribeSecurityGroups.
    async fn security_groups(&self, filters: &[Filter]) -> Result<Vec<SecurityGroup>, Failure>;
    /// DescribeImages, of available ones, deprecated ones included.
    async fn images(&self, query: &ImageQuery) -> Result<Vec<Image>, Failure>;
    /// DescribeCapacityReservations, of active ones.
    async fn reservations(&self, query: &ReservationQuery) -> Result<Vec<Reservation>, Failure>;
    /// DescribePlacementGroups, of available ones.
    async fn placement_groups(
        &self,
        query: &PlacementGroupQuery,
    ) -> Result<Vec<PlacementGroup>, Failure>;
    /// DescribeLaunchTemplates by name.
    async fn launch_template(&self, name: &str) -> Result<Vec<StoredTemplate>, Failure>;
    /// DescribeLaunchTemplates by filters.
    async fn launch_templates(&self, filters: &[Filter]) -> Result<Vec<StoredTemplate>, Failure>;
    /// CreateLaunchTemplate.
    async fn create_launch_template(
        &self,
        template: &LaunchTemplate,
    ) -> Result<StoredTemplate, Failure>;
    /// DeleteLaunchTemplate.
    async fn delete_launch_template(&self, key: &TemplateKey) -> Result<(), Failure>;
    /// CreateFleet. A dry run that would have succeeded fails with the code `DryRunOperation`, as
    /// in EC2; the SDK does not repeat dry runs.
    async fn create_fleet(&self, request: &FleetRequest) -> Result<FleetOutput, Failure>;
    /// A dry run of RunInstances. `Ok` if it would have succeeded; not repeated by the SDK.
    async fn check_run(&self, check: &RunCheck) -> Result<(), Failure>;
    /// DescribeInstances by id, among those that match.
    async fn instances_by_id(
        &self,
        ids: &[String],
        filters: &[Filter],
    ) -> Result<Vec<Instance>, Failure>;
    /// DescribeInstances of all that match.
    async fn instances(&self, filters: &[Filter]) -> Result<Vec<Instance>, Failure>;
    /// TerminateInstances.
    async fn terminate(&self, ids: &[String]) -> Result<Vec<TerminatedInstance>, Failure>;
    /// CreateTags of one resource.
    async fn tag(&self, resource: &str, tags: &Tags) -> Result<(), Failure>;
    /// DescribeInstanceStatus.
    async fn instance_status(&self, filter: StatusFilter) -> Result<Vec<InstanceStatus>, Failure>;
}

/// EKS.
#[async_trait]
pub trait Eks: Send + Sync {
    /// DescribeCluster.
    async fn cluster(&self, name: &str) -> Result<EksCluster, Failure>;
}

/// A cluster, as EKS tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EksCluster {
    /// Its ARN.
    pub arn: String,
    /// URL of its API server.
    pub endpoint: String,
    /// `1.33`.
    pub version: String,
    /// Addresses of services; empty if there are none.
    pub service_ipv4_cidr: String,
    /// Addresses of services; empty if there are none.
    pub service_ipv6_cidr: String,
}

/// IAM.
#[async_trait]
pub trait Iam: Send + Sync {
    /// GetInstanceProfile.
    async fn instance_profile(&self, name: &str) -> Result<InstanceProfile, Failure>;
    /// CreateInstanceProfile.
    async fn create_instance_profile(
        &self,
        name: &str,
        path: &str,
        tags: &Tags,
    ) -> Result<InstanceProfile, Failure>;
    /// AddRoleToInstanceProfile.
    async fn add_role(&self, profile: &str, role: &str) -> Result<(), Failure>;
    /// RemoveRoleFromInstanceProfile.
    async fn remove_role(&self, profile: &str, role: &str) -> Result<(), Failure>;
    /// DeleteInstanceProfile.
    async fn delete_instance_profile(&self, name: &str) -> Result<(), Failure>;
    /// ListInstanceProfiles whose path begins with a text.
    async fn instance_profiles(&self, path_prefix: &str) -> Result<Vec<InstanceProfile>, Failure>;
}

/// An instance profile, as IAM tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceProfile {
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Names of its roles; at most one.
    pub roles: Vec<String>,
}

/// Systems Manager.
#[async_trait]
pub trait Ssm: Send + Sync {
    /// GetParameter: its value.
    async fn parameter(&self, name: &str) -> Result<String, Failure>;
}

/// Price list.
#[async_trait]
pub trait Pricing: Send + Sync {
    /// GetProducts of EC2 with filters of kind `TERM_MATCH`: one JSON document for each product.
    async fn products(&self, filters: &[(String, String)]) -> Result<Vec<String>, Failure>;
}

/// Queues.
#[async_trait]
pub trait Sqs: Send + Sync {
    /// GetQueueUrl.
    async fn queue_url(&self, name: &str) -> Result<String, Failure>;
    /// ReceiveMessage: up to ten, waiting for up to 20 s until there are some; what is received is
    /// not seen by others for 20 s.
    async fn receive(&self, url: &str) -> Result<Vec<Message>, Failure>;
    /// DeleteMessage.
    async fn delete_message(&self, url: &str, receipt: &str) -> Result<(), Failure>;
}

/// A message of a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// By which it is deleted.
    pub receipt: String,
    /// Its text.
    pub body: String,
}

/// Zonal shift.
#[async_trait]
pub trait ZonalShift: Send + Sync {
    /// GetManagedResource: the shifts of a resource.
    async fn shifts(&self, arn: &str) -> Result<Vec<Shift>, Failure>;
}
