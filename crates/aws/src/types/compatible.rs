//! Which machines a class can't use, whatever pods ask for.

use catalog::ec2::{Machine, NetworkCard, runs_on};

use super::Setup;

/// Why instances of a class can't be of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incompatible {
    /// The family's images don't run on it.
    #[error("images of the family do not run on it")]
    Family,
    /// The class lists network interfaces, which need an adapter that it does not have.
    #[error("it has no Elastic Network Adapter")]
    NoAdapter,
    /// A network interface is for a card or a place on one that it does not have.
    #[error("it has no place for a network interface with index {device} on card {card}")]
    NoInterface {
        /// Index of the card.
        card: i32,
        /// Index of the device.
        device: i32,
    },
    /// More EFA interfaces than it takes.
    #[error("it takes {takes} EFA interfaces and the class has {wanted}")]
    TooManyEfa {
        /// How many the class has.
        wanted: u64,
        /// How many it takes.
        takes: u64,
    },
    /// Virtual machines can't run inside of it.
    #[error("it has no nested virtualization")]
    NoNestedVirtualization,
    /// It can't be in a placement group of this strategy.
    #[error("it cannot be in a placement group of strategy {strategy}")]
    PlacementStrategy {
        /// The strategy.
        strategy: String,
    },
    /// How connections are tracked can only be set on Nitro.
    #[error("its hypervisor is not nitro, so that connection tracking cannot be set")]
    NotNitro,
}

/// Whether instances of a class can be of a type.
pub fn compatible(machine: &Machine, setup: &Setup) -> Result<(), Incompatible> {
    interfaces(machine, setup)?;
    if !runs_on(setup.settings.family, machine) {
        return Err(Incompatible::Family);
    }
    if setup.nested_virtualization && !machine.nested_virtualization {
        return Err(Incompatible::NoNestedVirtualization);
    }
    if let Some(group) = &setup.group
        && !machine.placement_strategies.contains(&group.strategy)
    {
        let strategy = group.strategy.clone();
        return Err(Incompatible::PlacementStrategy { strategy });
    }
    if setup.connection_tracking && machine.hypervisor != "nitro" {
        return Err(Incompatible::NotNitro);
    }
    Ok(())
}

fn interfaces(machine: &Machine, setup: &Setup) -> Result<(), Incompatible> {
    if setup.interfaces.is_empty() {
        return Ok(());
    }
    if !machine.ena {
        return Err(Incompatible::NoAdapter);
    }
    let default = [NetworkCard {
        index: 0,
        interfaces: u32::try_from(machine.interfaces).unwrap_or(u32::MAX),
    }];
    let cards = match machine.network_cards.as_slice() {
        [] => &default[..],
        cards => cards,
    };
    for interface in &setup.interfaces {
        let (card, device) = (interface.network_card_index, interface.device_index);
        let found = cards
            .iter()
            .find(|known| i64::from(known.index) == i64::from(card));
        if found.is_none_or(|known| i64::from(device) >= i64::from(known.interfaces)) {
            return Err(Incompatible::NoInterface { card, device });
        }
    }
    let wanted = setup.settings.efa_only.map_or(0, |efa| efa.total);
    let takes = machine.efa_interfaces;
    if wanted > takes {
        return Err(Incompatible::TooManyEfa { wanted, takes });
    }
    Ok(())
}
