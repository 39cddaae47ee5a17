//! Requests and answers of EC2 as values: only the fields that decide anything, under EC2's names.
//!
//! What is *not* here: how they come from and go to the wire (`provider-aws`), and what is made of
//! them.

mod discovery;
mod fleet;
mod instance;
mod template;

pub use discovery::{
    Filter, Image, ImageQuery, PlacementGroup, PlacementGroupQuery, Reservation, ReservationQuery,
    SecurityGroup, SpotPrice, Subnet, TypeOffering,
};
pub use fleet::{
    FleetCapacity, FleetConfig, FleetError, FleetInstance, FleetOutput, FleetOverride,
    FleetRequest, RunCheck,
};
pub use instance::{
    ImpairedCheck, Instance, InstanceState, InstanceStatus, ScheduledEvent, StatusCategory,
    StatusFilter, TerminatedInstance,
};
pub use template::{
    BlockDevice, Interface, InterfaceType, LaunchTemplate, Market, Metadata, Placement,
    ReservationPreference, ReservationTarget, ResourceType, StoredTemplate, TagSpecification,
    TemplateData, TemplateKey,
};
