//! What is in the pretended account.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use aws::ec2::{
    Filter, FleetCapacity, FleetOutput, FleetRequest, Image, ImageQuery, Instance, InstanceStatus,
    LaunchTemplate, PlacementGroup, PlacementGroupQuery, Reservation, ReservationQuery, RunCheck,
    SecurityGroup, SpotPrice, StatusFilter, StoredTemplate, Subnet, TemplateKey, TypeOffering,
};
use aws::{Failure, Operation, Tags};
use catalog::ec2::Machine;
use model::Timestamp;

use crate::calls::{EksCluster, InstanceProfile, Message, Shift};

/// Everything that is in the account. Tests may change it at will.
#[derive(Default)]
pub struct State {
    /// Types.
    pub machines: Vec<Machine>,
    /// Which types are offered where.
    pub offerings: Vec<TypeOffering>,
    /// Spot prices; empty: the call fails, as there is no price data.
    pub spot_prices: Vec<SpotPrice>,
    /// Documents of the price list; empty: the call fails, as there is no price data.
    pub products: Vec<String>,
    /// Subnets.
    pub subnets: Vec<FakeSubnet>,
    /// Security groups.
    pub groups: Vec<FakeGroup>,
    /// Images.
    pub images: Vec<FakeImage>,
    /// Capacity reservations.
    pub reservations: Vec<FakeReservation>,
    /// Placement groups.
    pub placement_groups: Vec<PlacementGroup>,
    /// Launch templates by name.
    pub templates: BTreeMap<String, (StoredTemplate, LaunchTemplate)>,
    /// Fleets that were asked for with a token, and what came of them: what was asked, how many.
    pub fleets: BTreeMap<String, (u128, u32, FleetOutput)>,
    /// Instances by id, terminated ones included.
    pub instances: BTreeMap<String, Instance>,
    /// For each instance that was launched, the launch template that it came from.
    pub launched_from: BTreeMap<String, LaunchTemplate>,
    /// What is left of pools that have a limit.
    pub capacity: BTreeMap<Pool, u32>,
    /// Subnets in which nothing can be launched, with the code that EC2 then says.
    pub refusing_subnets: BTreeMap<String, String>,
    /// What DescribeInstanceStatus says.
    pub statuses: Vec<(StatusFilter, InstanceStatus)>,
    /// Clusters by name.
    pub clusters: BTreeMap<String, EksCluster>,
    /// Parameters by name.
    pub parameters: BTreeMap<String, String>,
    /// Instance profiles by name, with their tags.
    pub profiles: BTreeMap<String, (InstanceProfile, Tags)>,
    /// Roles; none: any name is a role.
    pub roles: Option<BTreeSet<String>>,
    /// Queues by name: messages in order, those in flight taken out.
    pub queues: BTreeMap<String, VecDeque<Message>>,
    /// Messages that were received and not deleted, by receipt, and when others see them again.
    pub in_flight: BTreeMap<String, (String, Message, Timestamp)>,
    /// Shifts by ARN.
    pub shifts: BTreeMap<String, Vec<Shift>>,
    /// Calls that are to fail.
    pub failing: Vec<Failing>,
    /// How long a call takes.
    pub delay: Duration,
    /// Calls so far.
    pub calls: Vec<Received>,
    /// Counts what was made, for ids.
    pub made: u64,
}

/// Where capacity comes from: type, zone, and how it is paid for.
pub type Pool = (String, String, FleetCapacity);

/// A subnet with its tags.
#[derive(Clone, Debug, Default)]
pub struct FakeSubnet {
    /// The subnet.
    pub subnet: Subnet,
    /// Its tags.
    pub tags: Tags,
}

/// A security group with its tags.
#[derive(Clone, Debug, Default)]
pub struct FakeGroup {
    /// The group.
    pub group: SecurityGroup,
    /// Its tags.
    pub tags: Tags,
}

/// An image with what can be asked of it.
#[derive(Clone, Debug, Default)]
pub struct FakeImage {
    /// The image.
    pub image: Image,
    /// Account that owns it, or an alias like `amazon`.
    pub owner: String,
    /// Its tags.
    pub tags: Tags,
}

/// A reservation with its tags.
#[derive(Clone, Debug, Default)]
pub struct FakeReservation {
    /// The reservation.
    pub reservation: Reservation,
    /// Its tags.
    pub tags: Tags,
}

/// Calls that are to fail.
#[derive(Clone, Debug)]
pub struct Failing {
    /// Which.
    pub operation: Operation,
    /// How.
    pub failure: Failure,
    /// How often yet.
    pub times: usize,
}

/// A call that was made.
#[derive(Clone, Debug)]
pub struct Received {
    /// Which.
    pub operation: Operation,
    /// What was asked.
    pub request: Request,
}

/// What was asked, as far as it matters.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Nothing that can be chosen.
    Plain,
    /// By filters.
    Filters(Vec<Filter>),
    /// By ids, and filters.
    Ids(Vec<String>, Vec<Filter>),
    /// By a name, a path or an id.
    Name(String),
    /// Something about two names: profile and role, queue and receipt.
    Names(String, String),
    /// Images.
    Images(ImageQuery),
    /// Reservations.
    Reservations(ReservationQuery),
    /// A placement group.
    PlacementGroup(PlacementGroupQuery),
    /// Making of a launch template.
    Template(Box<LaunchTemplate>),
    /// A launch template.
    TemplateKey(TemplateKey),
    /// A fleet.
    Fleet(Box<FleetRequest>),
    /// A check.
    Run(Box<RunCheck>),
    /// Tags of a resource.
    Tags(String, Tags),
    /// Making of a profile: name, path, tags.
    Profile(String, String, Tags),
    /// Since when.
    Since(Timestamp),
    /// Which instances' status.
    Status(StatusFilter),
    /// Filters of products.
    Products(Vec<(String, String)>),
}

impl State {
    /// A number that nothing else has.
    pub fn number(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// Puts a message into a queue.
    pub fn send(&mut self, queue: &str, body: &str) {
        let id = format!("message-{:06}", self.number());
        let message = Message {
            receipt: format!("receipt-of-{id}"),
            id,
            body: body.to_owned(),
        };
        let queue = self.queues.entry(queue.to_owned()).or_default();
        queue.push_back(message);
    }

    /// The instances that are not terminated.
    pub fn living(&self) -> Vec<&Instance> {
        let all = self.instances.values();
        all.filter(|instance| instance.state != aws::ec2::InstanceState::Terminated)
            .collect()
    }

    /// Says that nothing can be launched in a subnet, and why.
    pub fn full_subnet(&mut self, id: &str, code: &str) {
        self.refusing_subnets.insert(id.to_owned(), code.to_owned());
    }

    /// Says that a pool has so much left and no more.
    pub fn limit(&mut self, instance_type: &str, zone: &str, how: FleetCapacity, left: u32) {
        let pool = (instance_type.to_owned(), zone.to_owned(), how);
        self.capacity.insert(pool, left);
    }
}
