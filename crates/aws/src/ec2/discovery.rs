//! What exists in an account and region: subnets, groups, images, reservations, prices.

use catalog::Price;
use model::Timestamp;

/// One filter of a Describe call; values are alternatives, filters must all match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Filter {
    /// Name, such as `tag:Name` or `subnet-id`.
    pub name: String,
    /// Values, any of which matches.
    pub values: Vec<String>,
}

impl Filter {
    /// A filter for any of these values.
    pub fn new<V: Into<String>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        Self {
            name: name.into(),
            values: values.into_iter().map(Into::into).collect(),
        }
    }
}

/// A subnet, as DescribeSubnets tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subnet {
    /// `subnet-...`.
    pub id: String,
    /// Name of its zone.
    pub zone: String,
    /// Id of its zone.
    pub zone_id: String,
    /// Addresses that are free.
    pub free_addresses: i64,
}

/// A security group, as DescribeSecurityGroups tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityGroup {
    /// `sg-...`.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// One call of DescribeImages. Deprecated images are always included; only available ones are asked
/// for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageQuery {
    /// Filters, `state` not among them.
    pub filters: Vec<Filter>,
    /// Account ids or aliases such as `self`; empty: any.
    pub owners: Vec<String>,
}

/// An image, as DescribeImages tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// `ami-...`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// In EC2's spelling: `x86_64`, `arm64`.
    pub architecture: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When its owner wants it no longer used.
    pub deprecated: Option<Timestamp>,
}

/// One call of DescribeCapacityReservations, of active ones only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReservationQuery {
    /// These ids.
    Ids(Vec<String>),
    /// Those that match, `state` not among the filters.
    Filters(Vec<Filter>),
}

/// A capacity reservation, as DescribeCapacityReservations tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reservation {
    /// `cr-...`.
    pub id: String,
    /// Account that owns it.
    pub owner_id: String,
    /// The type that it is for.
    pub instance_type: String,
    /// Name of its zone.
    pub zone: String,
    /// `open` or `targeted`.
    pub instance_match_criteria: String,
    /// `default` or `capacity-block`; may be absent.
    pub reservation_type: Option<String>,
    /// Whether EC2 may take its capacity away; may be absent.
    pub interruptible: Option<bool>,
    /// When it ends, if it does.
    pub ends: Option<Timestamp>,
    /// Instances that can still be launched into it.
    pub available: u32,
}

/// One call of DescribePlacementGroups, of available ones only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlacementGroupQuery {
    /// By id.
    Id(String),
    /// By name.
    Name(String),
}

/// A placement group, as DescribePlacementGroups tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlacementGroup {
    /// `pg-...`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `cluster`, `partition` or `spread`.
    pub strategy: String,
    /// How many partitions it has, for strategy `partition`.
    pub partitions: u32,
    /// `rack` or `host`, for strategy `spread`.
    pub spread_level: Option<String>,
}

/// That a type is offered in a zone, as DescribeInstanceTypeOfferings tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeOffering {
    /// Name of the type.
    pub instance_type: String,
    /// Name of the zone.
    pub zone: String,
}

/// A spot price, as DescribeSpotPriceHistory tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpotPrice {
    /// Name of the type.
    pub instance_type: String,
    /// Name of the zone.
    pub zone: String,
    /// Per hour; absent where the text was no number.
    pub price: Option<Price>,
    /// Since when.
    pub since: Option<Timestamp>,
}
