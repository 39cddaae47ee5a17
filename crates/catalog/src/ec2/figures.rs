//! What EC2 does not say of its types and other sources do: prices from lists of one day, bandwidth
//! and branch interfaces. Also of types that the table does not have.
//!
//! `data/sources/README.md` says where the figures come from.

use std::collections::BTreeMap;

use super::Machine;
use super::table::PriceList;
use crate::Price;

const FIGURES: &str = include_str!("../../data/sources/ec2-figures.csv");

/// What is known of a type beside what EC2 says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Baseline network bandwidth in Mbit/s.
    pub network_mbps: Option<u64>,
    /// Branch interfaces for pods with their own security groups, if the type can have them.
    pub branch_interfaces: u64,
    /// Whether the limits of its network interfaces are known to what manages them in clusters.
    pub in_vpc_limits: bool,
}

/// The figures of all types, by name.
pub fn figures() -> BTreeMap<&'static str, Figures> {
    rows()
        .map(|cells| {
            let number = |column: usize| cells.get(column)?.parse().ok();
            let trunking = cells.get(7) == Some(&"true");
            let figures = Figures {
                network_mbps: number(5),
                branch_interfaces: number(6).filter(|_| trunking).unwrap_or(0),
                in_vpc_limits: cells.get(7).is_some_and(|cell| !cell.is_empty()),
            };
            (cells[0], figures)
        })
        .collect()
}

/// Adds to machines, as EC2 describes them, what it does not say.
pub fn complete(machines: &mut [Machine]) {
    let figures = figures();
    for machine in machines {
        let known = figures.get(&*machine.name).copied().unwrap_or_default();
        machine.network_mbps = known.network_mbps;
        machine.branch_interfaces = known.branch_interfaces;
        machine.in_vpc_limits = known.in_vpc_limits;
    }
}

/// The prices of a list, by type.
pub(super) fn prices(list: PriceList) -> BTreeMap<String, Price> {
    let column = match list {
        PriceList::UsEast1 => 1,
        PriceList::UsGovEast1 => 2,
        PriceList::UsGovWest1 => 3,
        PriceList::CnNorth1 => 4,
    };
    rows()
        .filter_map(|cells| {
            let dollars = cells.get(column)?.parse().ok()?;
            Some((cells[0].to_owned(), Price::from_dollars(dollars)))
        })
        .collect()
}

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    FIGURES
        .lines()
        .skip(1)
        .map(|line| line.split(',').collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ec2::{bundled_machines, table};

    /// The table was made from these figures.
    #[test]
    fn the_figures_are_those_of_the_table() {
        let mut compared = 0;
        for mut machine in bundled_machines() {
            let table = machine.clone();
            complete(std::slice::from_mut(&mut machine));
            assert_eq!(machine, table);
            compared += 1;
        }
        assert_eq!((compared, figures().len()), (1386, 1432));
        for list in [PriceList::UsEast1, PriceList::CnNorth1] {
            let prices = prices(list);
            for row in table::rows() {
                assert_eq!(prices.get(row.name()).copied(), row.price(list));
            }
        }
    }

    #[test]
    fn there_are_figures_of_types_that_the_table_does_not_have() {
        let mut machine = Machine {
            name: "g4ad.16xlarge".to_owned(),
            ..Machine::default()
        };
        complete(std::slice::from_mut(&mut machine));
        assert_eq!(
            (machine.network_mbps, machine.branch_interfaces),
            (Some(25_000), 6)
        );
        assert!(machine.in_vpc_limits);
        let price = prices(PriceList::UsEast1)["g4ad.16xlarge"];
        assert_eq!(price.to_string(), "3.4680");
    }
}
