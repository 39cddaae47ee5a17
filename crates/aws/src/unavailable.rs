//! What could not be had lately, and is not to be tried again for a while: an offering, a whole
//! capacity type, or a subnet that has no addresses left.
//!
//! A value with the time as an input. What is *not* here: which failures of a launch mean that, and
//! reservations, which count for themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use catalog::CapacityType;
use model::Timestamp;

/// For how long something is not tried again.
pub const TTL: Duration = Duration::from_mins(3);

/// Something that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// A type in a zone, bought in one way.
    Offering {
        /// How it was to be bought.
        capacity_type: CapacityType,
        /// The type.
        instance_type: String,
        /// Name of the zone.
        zone: String,
        /// The placement group that it was to be in; none: wherever it was to be.
        group: Option<Group>,
    },
    /// Everything that is bought in a way.
    CapacityType(CapacityType),
    /// Everything in a subnet, by its id.
    Subnet(String),
}

impl Mark {
    /// A mark of an offering outside of any placement group.
    pub fn offering(capacity_type: CapacityType, instance_type: &str, zone: &str) -> Self {
        Self::Offering {
            capacity_type,
            instance_type: instance_type.to_owned(),
            zone: zone.to_owned(),
            group: None,
        }
    }

    /// The same offering within a placement group; other marks stay as they are.
    #[must_use]
    pub fn within(self, of: Option<Group>) -> Self {
        match self {
            Self::Offering {
                capacity_type,
                instance_type,
                zone,
                ..
            } => Self::Offering {
                capacity_type,
                instance_type,
                zone,
                group: of,
            },
            other => other,
        }
    }
}

/// A placement group, or a partition of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// Its id.
    pub id: String,
    /// The partition; none: all of it.
    pub partition: Option<u32>,
}

/// What is looked up: where a type would be launched, bought in one way.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// How.
    pub capacity_type: CapacityType,
    /// Name of the zone.
    pub zone: &'a str,
    /// Subnets of the zone that may be used.
    pub subnets: &'a [String],
    /// The placement group and, if it has such, the partition.
    pub group: Option<(&'a str, Option<u32>)>,
}

/// Everything that is marked.
#[derive(Clone, Debug, Default)]
pub struct Unavailable {
    offerings: BTreeMap<String, Marks<Offering>>,
    capacity_types: Marks<CapacityType>,
    subnets: Marks<String>,
    changes: u64,
}

/// Marks of one kind, with the number of changes that they have seen.
#[derive(Clone, Debug)]
struct Marks<K> {
    until: BTreeMap<K, Timestamp>,
    sequence: u64,
}

impl<K> Default for Marks<K> {
    fn default() -> Self {
        Self {
            until: BTreeMap::new(),
            sequence: 0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Offering {
    capacity_type: CapacityType,
    zone: String,
    group: Option<Group>,
}

impl<K: Ord + Clone> Marks<K> {
    fn mark(&mut self, key: K, now: Timestamp) {
        self.until.insert(key, now + TTL);
        self.sequence += 1;
    }

    fn unmark(&mut self, key: &K) -> bool {
        let found = self.until.remove(key).is_some();
        self.sequence += u64::from(found);
        found
    }

    fn has(&self, key: &K, now: Timestamp) -> bool {
        self.until.get(key).is_some_and(|until| *until > now)
    }

    fn sweep(&mut self, now: Timestamp) -> u64 {
        let before = self.until.len();
        self.until.retain(|_, until| *until > now);
        let gone = (before - self.until.len()) as u64;
        self.sequence += gone;
        gone
    }

    fn ends(&self) -> impl Iterator<Item = Timestamp> {
        self.until.values().copied()
    }
}

impl Unavailable {
    /// Nothing is marked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Marks something for [`TTL`] from now, whether it is marked already or not.
    pub fn mark(&mut self, mark: Mark, now: Timestamp) {
        self.changes += 1;
        match mark {
            Mark::Offering {
                capacity_type,
                instance_type,
                zone,
                group,
            } => {
                let offering = Offering {
                    capacity_type,
                    zone,
                    group,
                };
                let marks = self.offerings.entry(instance_type).or_default();
                marks.mark(offering, now);
            }
            Mark::CapacityType(capacity_type) => self.capacity_types.mark(capacity_type, now),
            Mark::Subnet(subnet) => self.subnets.mark(subnet, now),
        }
    }

    /// Takes a mark away before its time.
    pub fn unmark(&mut self, mark: &Mark) {
        let found = match mark {
            Mark::Offering {
                capacity_type,
                instance_type,
                zone,
                group,
            } => {
                let offering = Offering {
                    capacity_type: *capacity_type,
                    zone: zone.clone(),
                    group: group.clone(),
                };
                let marks = self.offerings.get_mut(instance_type);
                marks.is_some_and(|marks| marks.unmark(&offering))
            }
            Mark::CapacityType(capacity_type) => self.capacity_types.unmark(capacity_type),
            Mark::Subnet(subnet) => self.subnets.unmark(subnet),
        };
        self.changes += u64::from(found);
    }

    /// Takes away what is over. Answers do not depend on it, sequence numbers do.
    pub fn sweep(&mut self, now: Timestamp) {
        let offerings = self.offerings.values_mut();
        let gone = offerings.map(|marks| marks.sweep(now)).sum::<u64>()
            + self.capacity_types.sweep(now)
            + self.subnets.sweep(now);
        self.changes += gone;
    }

    /// When the next mark is over; none if there is none.
    pub fn next_end(&self) -> Option<Timestamp> {
        let offerings = self.offerings.values().flat_map(Marks::ends);
        let others = self.capacity_types.ends().chain(self.subnets.ends());
        offerings.chain(others).min()
    }

    /// Grows with every mark that comes or goes.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Grows with every mark that comes or goes and is about this type.
    pub fn sequence(&self, instance_type: &str) -> u64 {
        let own = self.offerings.get(instance_type);
        own.map_or(0, |marks| marks.sequence) + self.capacity_types.sequence + self.subnets.sequence
    }

    /// What is marked of a type, to be asked about each of its offerings.
    pub fn of_type(&self, instance_type: &str) -> OfType<'_> {
        OfType {
            own: self
                .offerings
                .get(instance_type)
                .filter(|marks| !marks.until.is_empty()),
            all: self,
        }
    }

    /// Whether a type can't be had so.
    pub fn is_unavailable(&self, instance_type: &str, wanted: &Wanted<'_>, now: Timestamp) -> bool {
        self.of_type(instance_type).is_unavailable(wanted, now)
    }
}

/// What is marked of a type.
#[derive(Clone, Copy, Debug)]
pub struct OfType<'a> {
    own: Option<&'a Marks<Offering>>,
    all: &'a Unavailable,
}

impl OfType<'_> {
    /// Whether the type can't be had so: the offering is marked everywhere, for the placement group
    /// or for the partition; or its capacity type is; or every subnet of the zone is, and there is
    /// one.
    pub fn is_unavailable(&self, wanted: &Wanted<'_>, now: Timestamp) -> bool {
        let subnet = |id: &String| self.all.subnets.has(id, now);
        self.all.capacity_types.has(&wanted.capacity_type, now)
            || (!wanted.subnets.is_empty() && wanted.subnets.iter().all(subnet))
            || self
                .own
                .is_some_and(|marks| Self::is_marked(marks, wanted, now))
    }

    fn is_marked(marks: &Marks<Offering>, wanted: &Wanted<'_>, now: Timestamp) -> bool {
        let group = wanted.group.map(|(id, _)| (id, None));
        let partition = wanted.group.filter(|(_, partition)| partition.is_some());
        [None, group, partition].into_iter().any(|scope| {
            let group = scope.map(|(id, partition)| Group {
                id: id.to_owned(),
                partition,
            });
            let offering = Offering {
                capacity_type: wanted.capacity_type,
                zone: wanted.zone.to_owned(),
                group,
            };
            marks.has(&offering, now)
        })
    }
}

#[cfg(test)]
mod tests;
