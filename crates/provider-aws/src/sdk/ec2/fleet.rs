//! Fleets, and the dry run of RunInstances.

use aws::ec2::{
    FleetConfig, FleetError, FleetInstance, FleetOutput, FleetOverride, FleetRequest, RunCheck,
};
use aws_sdk_ec2::operation::create_fleet::CreateFleetOutput;
use aws_sdk_ec2::operation::create_fleet::builders::CreateFleetFluentBuilder;
use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types;
use catalog::Price;

use super::template::tag_specification;
use crate::sdk::values::{some_text, text};

/// Launch templates are always used as they are now.
const LATEST: &str = "$Latest";

/// Fills in the call. The SDK gives a token to a call that has none, so that one that it repeats
/// launches once.
pub(super) fn request(
    call: CreateFleetFluentBuilder,
    request: &FleetRequest,
) -> CreateFleetFluentBuilder {
    let target = types::TargetCapacitySpecificationRequest::builder()
        .total_target_capacity(i32::try_from(request.capacity).unwrap_or(i32::MAX))
        .default_target_capacity_type(types::DefaultTargetCapacityType::from(
            request.capacity_type.as_str(),
        ))
        .build();
    call.r#type(types::FleetType::Instant)
        .set_client_token(request.client_token.clone())
        .set_context(request.context.clone())
        .set_launch_template_configs(Some(request.configs.iter().map(config).collect()))
        .target_capacity_specification(target)
        .set_on_demand_options(request.on_demand_strategy.as_deref().map(on_demand))
        .set_spot_options(request.spot_strategy.as_deref().map(spot))
        .set_reserved_capacity_options(reserved(&request.reservation_types))
        .set_tag_specifications(Some(request.tags.iter().map(tag_specification).collect()))
        .set_dry_run(request.dry_run.then_some(true))
}

fn config(config: &FleetConfig) -> types::FleetLaunchTemplateConfigRequest {
    let template = types::FleetLaunchTemplateSpecificationRequest::builder()
        .launch_template_name(&config.template)
        .version(LATEST)
        .build();
    let overrides = config.overrides.iter().map(|given| {
        types::FleetLaunchTemplateOverridesRequest::builder()
            .instance_type(types::InstanceType::from(given.instance_type.as_str()))
            .set_subnet_id(given.subnet_id.clone())
            .set_image_id(given.image_id.clone())
            .set_availability_zone(given.zone.clone())
            .set_priority(given.priority.map(Price::dollars))
            .build()
    });
    types::FleetLaunchTemplateConfigRequest::builder()
        .launch_template_specification(template)
        .set_overrides(Some(overrides.collect()))
        .build()
}

fn on_demand(strategy: &str) -> types::OnDemandOptionsRequest {
    let strategy = types::FleetOnDemandAllocationStrategy::from(strategy);
    types::OnDemandOptionsRequest::builder()
        .allocation_strategy(strategy)
        .build()
}

fn spot(strategy: &str) -> types::SpotOptionsRequest {
    types::SpotOptionsRequest::builder()
        .allocation_strategy(types::SpotAllocationStrategy::from(strategy))
        .build()
}

fn reserved(kinds: &[String]) -> Option<types::ReservedCapacityOptionsRequest> {
    let kinds: Vec<_> = kinds
        .iter()
        .map(|kind| types::FleetReservationType::from(kind.as_str()))
        .collect();
    let options = types::ReservedCapacityOptionsRequest::builder();
    (!kinds.is_empty()).then(|| options.set_reservation_types(Some(kinds)).build())
}

pub(super) fn output(output: CreateFleetOutput) -> FleetOutput {
    FleetOutput {
        fleet_id: text(output.fleet_id),
        instances: output
            .instances
            .into_iter()
            .flatten()
            .map(instance)
            .collect(),
        errors: output.errors.into_iter().flatten().map(error).collect(),
    }
}

fn instance(launched: types::CreateFleetInstance) -> FleetInstance {
    let mut chosen = chosen(launched.launch_template_and_overrides);
    chosen.zone = chosen
        .zone
        .or_else(|| some_text(launched.availability_zone));
    chosen.subnet_id = chosen.subnet_id.or_else(|| some_text(launched.subnet_id));
    FleetInstance {
        ids: launched.instance_ids.unwrap_or_default(),
        instance_type: text(launched.instance_type),
        lifecycle: text(launched.lifecycle),
        platform: text(launched.platform),
        chosen,
    }
}

fn error(error: types::CreateFleetError) -> FleetError {
    FleetError {
        code: text(error.error_code),
        message: text(error.error_message),
        lifecycle: text(error.lifecycle),
        failed: chosen(error.launch_template_and_overrides),
    }
}

fn chosen(told: Option<types::LaunchTemplateAndOverridesResponse>) -> FleetOverride {
    let Some(told) = told.and_then(|told| told.overrides) else {
        return FleetOverride::default();
    };
    FleetOverride {
        instance_type: text(told.instance_type),
        subnet_id: some_text(told.subnet_id),
        image_id: some_text(told.image_id),
        zone: some_text(told.availability_zone),
        priority: told.priority.map(Price::from_dollars),
    }
}

/// Fills in the dry run for one instance.
pub(super) fn run(call: RunInstancesFluentBuilder, check: &RunCheck) -> RunInstancesFluentBuilder {
    let template = types::LaunchTemplateSpecification::builder()
        .launch_template_name(&check.template)
        .version(LATEST)
        .build();
    call.dry_run(true)
        .min_count(1)
        .max_count(1)
        .launch_template(template)
        .instance_type(types::InstanceType::from(check.instance_type.as_str()))
        .set_network_interfaces(Some(interfaces(check)))
        .set_tag_specifications(Some(check.tags.iter().map(tag_specification).collect()))
}

fn interfaces(check: &RunCheck) -> Vec<types::InstanceNetworkInterfaceSpecification> {
    let one = || {
        let interface = types::InstanceNetworkInterfaceSpecification::builder();
        interface.subnet_id(&check.subnet_id)
    };
    if check.interfaces.is_empty() {
        return vec![one().device_index(0).build()];
    }
    let configured = check.interfaces.iter().map(|interface| {
        one()
            .network_card_index(interface.network_card_index)
            .device_index(interface.device_index)
            .interface_type(&interface.interface_type)
            .build()
    });
    configured.collect()
}
