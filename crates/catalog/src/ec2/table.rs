//! The built-in tables. `data/sources/README.md` says where they come from.
//!
//! They are made by `cargo xtask ec2-table`, and the tests read all of them: what does not parse
//! counts as absent here rather than being an error that a user could meet.

use rustc_hash::FxHashMap;

use super::{Accelerator, Ec2Error, Gpu, Machine, NeuronDevice, UsageClasses, Zone};
use crate::Price;

const TYPES: &str = include_str!("../../data/ec2-types.tsv");
const ZONES: &str = include_str!("../../data/ec2-zones.tsv");

/// The columns of the table of types.
pub(super) const COLUMNS: [&str; 25] = [
    "type",
    "arch",
    "vcpus",
    "memory_mib",
    "usage",
    "hypervisor",
    "manufacturer",
    "clock_mhz",
    "flags",
    "ebs_mbps",
    "local_gb",
    "interfaces",
    "ipv4_per_interface",
    "efa",
    "placement",
    "gpus",
    "inference",
    "neuron",
    "network_mbps",
    "branch_interfaces",
    "trunking",
    "usd_us_east_1",
    "usd_us_gov_east_1",
    "usd_us_gov_west_1",
    "cny_cn_north_1",
];

/// A list of on-demand prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PriceList {
    UsEast1,
    UsGovEast1,
    UsGovWest1,
    CnNorth1,
}

impl PriceList {
    /// The region's own list, or else that of us-east-1.
    pub(super) fn of(region: &str) -> Self {
        let lists = [Self::UsGovEast1, Self::UsGovWest1, Self::CnNorth1];
        lists
            .into_iter()
            .find(|list| list.region() == region)
            .unwrap_or(Self::UsEast1)
    }

    pub(super) fn region(self) -> &'static str {
        match self {
            Self::UsEast1 => "us-east-1",
            Self::UsGovEast1 => "us-gov-east-1",
            Self::UsGovWest1 => "us-gov-west-1",
            Self::CnNorth1 => "cn-north-1",
        }
    }

    fn column(self) -> usize {
        match self {
            Self::UsEast1 => 21,
            Self::UsGovEast1 => 22,
            Self::UsGovWest1 => 23,
            Self::CnNorth1 => 24,
        }
    }
}

/// A line of the table of types.
pub(super) struct Row {
    cells: [&'static str; COLUMNS.len()],
}

/// The lines of the table of types, sorted by name.
pub(super) fn rows() -> impl Iterator<Item = Row> {
    lines(TYPES).skip(1).map(Row::new)
}

/// The names of the columns, as the table gives them.
#[cfg(test)]
pub(super) fn header() -> Vec<&'static str> {
    lines(TYPES)
        .next()
        .unwrap_or_default()
        .split('\t')
        .collect()
}

fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#'))
}

impl Row {
    fn new(line: &'static str) -> Self {
        let mut cells = ["-"; COLUMNS.len()];
        for (cell, text) in cells.iter_mut().zip(line.split('\t')) {
            *cell = text;
        }
        Self { cells }
    }

    pub(super) fn name(&self) -> &'static str {
        self.cells[0]
    }

    /// The on-demand price per hour, if the list has one.
    pub(super) fn price(&self, list: PriceList) -> Option<Price> {
        self.cells[list.column()]
            .parse()
            .ok()
            .map(Price::from_dollars)
    }

    pub(super) fn machine(&self) -> Machine {
        let usage = self.cells[4];
        let flags = self.cells[8];
        let trunking = self.cells[20] == "true";
        Machine {
            name: self.text(0),
            architecture: self.text(1),
            vcpus: self.count(2),
            memory_mib: self.count(3),
            usage: UsageClasses {
                on_demand: usage.contains('o'),
                spot: usage.contains('s'),
                capacity_block: usage.contains('b'),
            },
            hypervisor: self.text(5),
            manufacturer: self.text(6),
            clock_mhz: self.number(7),
            bare_metal: flags.contains('b'),
            encryption_in_transit: flags.contains('e'),
            enclaves: flags.contains('n'),
            nested_virtualization: flags.contains('v'),
            ena: flags.contains('a'),
            ebs_mbps: self.number(9),
            local_storage_gb: self.number(10),
            local_nvme: flags.contains('N'),
            network_cards: Vec::new(),
            interfaces: self.count(11),
            ipv4_per_interface: self.count(12),
            efa_interfaces: self.count(13),
            placement_strategies: self.parts(14).map(str::to_owned).collect(),
            gpus: self.parts(15).filter_map(gpu).collect(),
            inference: self.parts(16).filter_map(accelerator).collect(),
            neuron: self.parts(17).filter_map(neuron).collect(),
            network_mbps: self.number(18),
            branch_interfaces: if trunking { self.count(19) } else { 0 },
            in_vpc_limits: self.cell(20).is_some(),
        }
    }

    fn cell(&self, column: usize) -> Option<&'static str> {
        Some(self.cells[column]).filter(|cell| *cell != "-")
    }

    fn text(&self, column: usize) -> String {
        self.cell(column).unwrap_or_default().to_owned()
    }

    fn number(&self, column: usize) -> Option<u64> {
        self.cell(column)?.parse().ok()
    }

    fn count(&self, column: usize) -> u64 {
        self.number(column).unwrap_or(0)
    }

    fn parts(&self, column: usize) -> impl Iterator<Item = &'static str> {
        self.cell(column)
            .into_iter()
            .flat_map(|cell| cell.split('+'))
    }
}

fn gpu(text: &str) -> Option<Gpu> {
    let [name, manufacturer, count, memory] = fields(text)?;
    Some(Gpu {
        name: name.to_owned(),
        manufacturer: manufacturer.to_owned(),
        count: count.parse().ok()?,
        memory_mib: memory.parse().ok()?,
    })
}

fn accelerator(text: &str) -> Option<Accelerator> {
    let [name, manufacturer, count] = fields(text)?;
    let count = count.parse().ok()?;
    Some(Accelerator {
        name: name.to_owned(),
        manufacturer: manufacturer.to_owned(),
        count,
    })
}

fn neuron(text: &str) -> Option<NeuronDevice> {
    let [name, count, cores] = fields(text)?;
    let (count, cores) = (count.parse().ok()?, cores.parse().ok()?);
    Some(NeuronDevice {
        name: name.to_owned(),
        count,
        cores,
    })
}

fn fields<const N: usize>(text: &str) -> Option<[&str; N]> {
    text.split(':').collect::<Vec<_>>().try_into().ok()
}

/// What a region offers.
pub(super) struct Offered {
    pub(super) zones: Vec<Zone>,
    /// For each type a bit per zone.
    pub(super) types: FxHashMap<&'static str, u32>,
}

impl Offered {
    /// The zones that offer a type, if any does.
    pub(super) fn zones_of(&self, instance_type: &str) -> Option<Vec<&str>> {
        let mask = self.types.get(instance_type)?;
        let zones = self.zones.iter().enumerate();
        let offering = zones.filter(|(bit, _)| mask >> bit & 1 == 1);
        Some(offering.map(|(_, zone)| zone.name.as_str()).collect())
    }
}

/// The regions of the table, in its order.
pub(super) fn regions() -> impl Iterator<Item = &'static str> {
    region_lines().map(|(region, _)| region)
}

fn region_lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    lines(ZONES).filter_map(|line| line.strip_prefix("region\t")?.split_once('\t'))
}

/// What the region offers.
pub(super) fn zones(region: &str) -> Result<Offered, Ec2Error> {
    let position = region_lines().position(|(name, _)| name == region);
    let found = position.and_then(|column| Some((column, region_lines().nth(column)?.1)));
    let Some((column, zones)) = found else {
        return Err(Ec2Error::UnknownRegion {
            region: region.to_owned(),
            known: regions().map(str::to_owned).collect(),
        });
    };
    let zones = zones.split(' ').filter_map(|zone| {
        let (name, id) = zone.split_once('=')?;
        let id = Some(id).filter(|id| *id != "-").map(str::to_owned);
        Some(Zone {
            name: name.to_owned(),
            id,
        })
    });
    let types = lines(ZONES)
        .filter(|line| !line.starts_with("region\t"))
        .filter_map(|line| {
            let (name, masks) = line.split_once('\t')?;
            let mask = u32::from_str_radix(masks.split(' ').nth(column)?, 16).ok()?;
            Some((name, mask))
        });
    Ok(Offered {
        zones: zones.collect(),
        types: types.collect(),
    })
}
