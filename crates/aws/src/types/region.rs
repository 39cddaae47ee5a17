//! The machines of a region and the zones that offer them.

use std::collections::BTreeMap;

use catalog::ec2::{Machine, complete};

use crate::ec2::TypeOffering;

/// Zones of a region by their position in it, up to 128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZoneSet(u128);

impl ZoneSet {
    /// Whether a zone is in it.
    pub const fn has(self, position: usize) -> bool {
        position < 128 && self.0 >> position & 1 == 1
    }

    /// Zones that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn insert(&mut self, position: usize) {
        if position < 128 {
            self.0 |= 1 << position;
        }
    }
}

impl FromIterator<usize> for ZoneSet {
    fn from_iter<I: IntoIterator<Item = usize>>(positions: I) -> Self {
        let mut set = Self::default();
        positions.into_iter().for_each(|zone| set.insert(zone));
        set
    }
}

/// What EC2 offers in a region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    name: String,
    machines: Vec<Machine>,
    zones: Vec<String>,
    offered: Vec<ZoneSet>,
}

impl Region {
    /// From what DescribeInstanceTypes and DescribeInstanceTypeOfferings tell. What they don't tell
    /// of a machine is added from figures that are built in.
    pub fn new(name: &str, mut machines: Vec<Machine>, offerings: &[TypeOffering]) -> Self {
        complete(&mut machines);
        machines.sort_by(|a, b| a.name.cmp(&b.name));
        machines.dedup_by(|a, b| a.name == b.name);
        let mut zones: Vec<String> = offerings.iter().map(|o| o.zone.clone()).collect();
        zones.sort_unstable();
        zones.dedup();
        let mut by_type: BTreeMap<&str, ZoneSet> = BTreeMap::new();
        for offering in offerings {
            if let Ok(position) = zones.binary_search(&offering.zone) {
                let set = by_type.entry(&offering.instance_type).or_default();
                set.insert(position);
            }
        }
        let set = |machine: &Machine| by_type.get(&*machine.name).copied();
        let offered = machines
            .iter()
            .map(|machine| set(machine).unwrap_or_default())
            .collect();
        Self {
            name: name.to_owned(),
            machines,
            zones,
            offered,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All machines, by name.
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// The machine of this name.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        let found = self.machines.binary_search_by(|m| (*m.name).cmp(name));
        found.ok().map(|position| &self.machines[position])
    }

    /// The zones that offer any type, by name.
    pub fn zones(&self) -> &[String] {
        &self.zones
    }

    /// The zones that offer the machine at a position.
    pub(super) fn offering(&self, position: usize) -> ZoneSet {
        self.offered.get(position).copied().unwrap_or_default()
    }
}
