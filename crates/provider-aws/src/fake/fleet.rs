//! CreateFleet: what is launched, from which pool, and what could not be.

use aws::ec2::{
    FleetCapacity, FleetError, FleetInstance, FleetOutput, FleetOverride, FleetRequest, Instance,
    InstanceState, InterfaceType, LaunchTemplate, Market, ReservationPreference, ResourceType,
};
use aws::{Failure, Operation};
use catalog::Price;

use super::Answer;
use super::state::State;

/// Something that may be launched, with the template.
struct Choice<'a> {
    template: &'a str,
    chosen: &'a FleetOverride,
}

/// Launches what is asked for; answers a request that has been answered before as it was then.
pub(super) fn once(
    answer: &mut Answer<'_>,
    request: &FleetRequest,
) -> Result<FleetOutput, Failure> {
    let Some(token) = &request.client_token else {
        return Ok(launch(answer, request));
    };
    let asked = (request.digest(), request.capacity);
    match answer.state.fleets.get(token) {
        Some((digest, capacity, output)) if (*digest, *capacity) == asked => Ok(output.clone()),
        Some(_) => {
            let (operation, code) = (Operation::CreateFleet, "IdempotentParameterMismatch");
            Err(Failure::new(operation, code, token))
        }
        None => {
            let output = launch(answer, request);
            let (digest, capacity) = asked;
            let kept = (digest, capacity, output.clone());
            answer.state.fleets.insert(token.clone(), kept);
            Ok(output)
        }
    }
}

/// Launches what is asked for from the pools with the lowest priority (the price that callers say),
/// as far as they go; pools that are empty are among the errors.
fn launch(answer: &mut Answer<'_>, request: &FleetRequest) -> FleetOutput {
    let mut choices: Vec<Choice<'_>> = request
        .configs
        .iter()
        .flat_map(|config| {
            config.overrides.iter().map(|chosen| Choice {
                template: &config.template,
                chosen,
            })
        })
        .collect();
    choices.sort_by_key(|choice| choice.chosen.priority.unwrap_or(Price::MAX));
    let fleet = answer.state.number();
    let mut output = FleetOutput {
        fleet_id: format!("fleet-{fleet:012x}"),
        ..FleetOutput::default()
    };
    let mut wanted = request.capacity;
    for choice in &choices {
        if wanted == 0 {
            break;
        }
        let ids = launch_from(answer, request, choice, &mut wanted);
        if !ids.is_empty() {
            output.instances.push(FleetInstance {
                ids,
                instance_type: choice.chosen.instance_type.clone(),
                lifecycle: lifecycle(request.capacity_type).to_owned(),
                platform: String::new(),
                chosen: choice.chosen.clone(),
            });
        }
        if wanted > 0 {
            output.errors.push(sold_out(answer, request, choice));
        }
    }
    output
}

fn launch_from(
    answer: &mut Answer<'_>,
    request: &FleetRequest,
    choice: &Choice<'_>,
    wanted: &mut u32,
) -> Vec<String> {
    let now = answer.now;
    let state = &mut *answer.state;
    let Some((_, template)) = state.templates.get(choice.template).cloned() else {
        return Vec::new();
    };
    let zone = zone_of(state, choice.chosen);
    let left = left(state, request.capacity_type, choice, &zone, &template);
    let taken = (*wanted).min(left.unwrap_or(u32::MAX));
    let mut ids = Vec::new();
    for _ in 0..taken {
        let id = format!("i-{:017x}", state.number());
        let mut instance = made(state, request, choice.chosen, &template);
        instance.id.clone_from(&id);
        instance.zone.clone_from(&zone);
        instance.launched = Some(now);
        state.instances.insert(id.clone(), instance);
        state.launched_from.insert(id.clone(), template.clone());
        ids.push(id);
    }
    take(
        state,
        request.capacity_type,
        choice,
        &zone,
        &template,
        taken,
    );
    *wanted -= taken;
    ids
}

/// What is left where the choice would be launched; none if there is no limit.
fn left(
    state: &State,
    how: FleetCapacity,
    choice: &Choice<'_>,
    zone: &str,
    template: &LaunchTemplate,
) -> Option<u32> {
    let subnet = choice.chosen.subnet_id.as_deref().unwrap_or_default();
    if state.refusing_subnets.contains_key(subnet) {
        return Some(0);
    }
    if let Some(id) = reservation_of(template) {
        let mut all = state.reservations.iter();
        let found = all.find(|one| one.reservation.id == id);
        return Some(found.map_or(0, |one| one.reservation.available));
    }
    let pool = (choice.chosen.instance_type.clone(), zone.to_owned(), how);
    state.capacity.get(&pool).copied()
}

fn take(
    state: &mut State,
    how: FleetCapacity,
    choice: &Choice<'_>,
    zone: &str,
    template: &LaunchTemplate,
    taken: u32,
) {
    if let Some(id) = reservation_of(template) {
        let all = state.reservations.iter_mut();
        for one in all.filter(|one| one.reservation.id == id) {
            one.reservation.available = one.reservation.available.saturating_sub(taken);
        }
        return;
    }
    let pool = (choice.chosen.instance_type.clone(), zone.to_owned(), how);
    if let Some(left) = state.capacity.get_mut(&pool) {
        *left = left.saturating_sub(taken);
    }
}

fn reservation_of(template: &LaunchTemplate) -> Option<&str> {
    let target = template.data.reservation.as_ref()?;
    match target.preference {
        ReservationPreference::Only => target.id.as_deref(),
        ReservationPreference::None => None,
    }
}

/// An instance of the template, without what tells it from others.
fn made(
    state: &State,
    request: &FleetRequest,
    chosen: &FleetOverride,
    template: &LaunchTemplate,
) -> Instance {
    let data = &template.data;
    let image = chosen.image_id.clone();
    let subnet_id = chosen.subnet_id.clone().unwrap_or_default();
    let mut subnets = state.subnets.iter();
    let subnet = subnets.find(|one| one.subnet.id == subnet_id);
    let reservation = reservation_of(template);
    let mut tags = request.tags.iter();
    let tags = tags.find(|one| one.resource == ResourceType::Instance);
    let interfaces = data.interfaces.iter();
    Instance {
        instance_type: chosen.instance_type.clone(),
        image_id: image.unwrap_or_else(|| data.image_id.clone()),
        state: InstanceState::Running,
        zone_id: subnet
            .map(|one| one.subnet.zone_id.clone())
            .unwrap_or_default(),
        subnet_id,
        security_groups: data
            .interfaces
            .first()
            .map(|interface| interface.groups.clone())
            .unwrap_or_default(),
        lifecycle: match (request.capacity_type, data.market) {
            (FleetCapacity::Spot, _) => "spot".to_owned(),
            (_, Some(Market::CapacityBlock)) => "capacity-block".to_owned(),
            (_, Some(Market::InterruptibleReservation)) => {
                "interruptible-capacity-reservation".to_owned()
            }
            _ => String::new(),
        },
        spot_request_id: match request.capacity_type {
            FleetCapacity::Spot => format!("sir-{:08x}", state.made),
            _ => String::new(),
        },
        reservation_id: reservation.map(str::to_owned),
        reservation_preference: data
            .reservation
            .as_ref()
            .map(|target| target.preference.as_str().to_owned()),
        tenancy: data.placement.tenancy.clone(),
        placement_group_id: data.placement.group_id.clone(),
        partition: data
            .placement
            .partition
            .and_then(|partition| u32::try_from(partition).ok()),
        interfaces: interfaces
            .map(|interface| match interface.kind {
                InterfaceType::Efa => "efa".to_owned(),
                InterfaceType::EfaOnly => "efa-only".to_owned(),
                InterfaceType::Unsaid | InterfaceType::Interface => "interface".to_owned(),
            })
            .collect(),
        tags: tags.map(|one| one.tags.clone()).unwrap_or_default(),
        ..Instance::default()
    }
}

fn sold_out(answer: &Answer<'_>, request: &FleetRequest, choice: &Choice<'_>) -> FleetError {
    let templates = &answer.state.templates;
    let reserved = templates
        .get(choice.template)
        .is_some_and(|(_, template)| reservation_of(template).is_some());
    let subnet = choice.chosen.subnet_id.as_deref().unwrap_or_default();
    let refusing = answer.state.refusing_subnets.get(subnet);
    let mut failed = choice.chosen.clone();
    failed
        .zone
        .get_or_insert(zone_of(&answer.state, choice.chosen));
    FleetError {
        code: match (refusing, reserved) {
            (Some(code), _) => code.clone(),
            (None, true) => "ReservationCapacityExceeded".to_owned(),
            (None, false) => "InsufficientInstanceCapacity".to_owned(),
        },
        message: format!("there is no {} left", choice.chosen.instance_type),
        lifecycle: lifecycle(request.capacity_type).to_owned(),
        failed,
    }
}

fn zone_of(state: &State, chosen: &FleetOverride) -> String {
    let mut subnets = state.subnets.iter();
    let subnet = subnets.find(|one| Some(&one.subnet.id) == chosen.subnet_id.as_ref());
    let of_subnet = subnet.map(|one| one.subnet.zone.clone());
    of_subnet
        .or_else(|| chosen.zone.clone())
        .unwrap_or_default()
}

fn lifecycle(how: FleetCapacity) -> &'static str {
    match how {
        FleetCapacity::Spot => "spot",
        FleetCapacity::OnDemand
        | FleetCapacity::CapacityBlock
        | FleetCapacity::ReservedCapacity => "on-demand",
    }
}
