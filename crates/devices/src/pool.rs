//! Devices by number: those that are published in the cluster, then those that instance types
//! promise.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog::DynamicResources;
use model::k8s::dra::{Device, ResourceSlice, ResourceSliceSpec};
use requirements::Vocabulary;

use crate::charge::Key;
use crate::inputs::Inputs;
use crate::places::{Places, Site};

/// Names a device.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId {
    /// Driver.
    pub driver: Arc<str>,
    /// Pool.
    pub pool: Arc<str>,
    /// Device.
    pub device: Arc<str>,
}

/// A device.
#[derive(Debug)]
pub(crate) struct Dev {
    pub(crate) id: DeviceId,
    pub(crate) device: Device,
    /// Number of its pool.
    pub(crate) pool: usize,
    pub(crate) reach: Reach,
    /// What it takes of its pool's counters.
    pub(crate) counters: Vec<(Key, i128)>,
    /// Whether it names a counter that its pool does not have.
    misses_counter: bool,
    /// Devices of one kind differ in nothing but their name.
    pub(crate) kind: usize,
}

impl Dev {
    /// The places that it can be used from, unless that is one node or all.
    pub(crate) fn places(&self) -> Option<&Places> {
        match &self.reach {
            Reach::Places(places) => Some(places),
            Reach::Anywhere | Reach::Node(_) => None,
        }
    }

    /// Whether several claims can have a share of it.
    pub(crate) fn is_shared(&self) -> bool {
        self.device.allow_multiple_allocations == Some(true)
    }
}

/// From where a device can be used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// From everywhere; for one that is promised, from its node.
    Anywhere,
    /// From one node.
    Node(Arc<str>),
    /// From some places.
    Places(Places),
}

/// A pool of a driver.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) driver: Arc<str>,
    pub(crate) name: Arc<str>,
    /// Whether all its slices are there.
    complete: bool,
    /// Limits of counters, by position.
    pub(crate) counters: Vec<i128>,
    /// Whether two counter sets have one name.
    twin_sets: bool,
}

/// Why a pool offers no devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Incomplete,
    Invalid,
}

/// What a node of a pool and type will have.
#[derive(Debug, Default)]
pub(crate) struct Promise {
    pub(crate) devices: Vec<usize>,
    pub(crate) bindings: Bindings,
}

/// Devices that will have the same value of an attribute.
#[derive(Debug, Default)]
pub(crate) struct Bindings(BTreeMap<String, Vec<BTreeSet<usize>>>);

impl Bindings {
    /// Whether nothing is bound.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The devices that will have the same value as this one.
    pub(crate) fn of(&self, attribute: &str, device: usize) -> Option<&BTreeSet<usize>> {
        let sets = self.0.get(attribute)?;
        sets.iter().find(|set| set.contains(&device))
    }
}

/// All devices.
#[derive(Debug, Default)]
pub(crate) struct Devices {
    pub(crate) list: Vec<Dev>,
    pub(crate) pools: Vec<Pool>,
    /// How many are in the cluster.
    published: usize,
    /// How many pools are in the cluster.
    published_pools: usize,
    /// Those in the cluster that more than one node may reach.
    everywhere: Vec<usize>,
    /// The rest, by node.
    by_node: BTreeMap<Arc<str>, Vec<usize>>,
    promises: BTreeMap<(Arc<str>, Arc<str>), Promise>,
}

/// Devices that a candidate can reach, and pools that offer none.
pub(crate) struct Reachable {
    pub(crate) devices: Vec<usize>,
    pub(crate) faults: BTreeMap<usize, Fault>,
}

impl Devices {
    /// Whether more than one node can reach some published device.
    pub(crate) fn has_shared(&self) -> bool {
        !self.everywhere.is_empty()
    }

    pub(crate) fn new(inputs: &Inputs) -> Self {
        let mut devices = Self::default();
        let mut kinds = Kinds::default();
        for (key, slices) in by_pool(inputs) {
            devices.add_published(key, &slices, &inputs.vocabulary, &mut kinds);
        }
        devices.published = devices.list.len();
        devices.published_pools = devices.pools.len();
        for (number, dev) in devices.list.iter().enumerate() {
            match &dev.reach {
                Reach::Node(node) => devices
                    .by_node
                    .entry(node.clone())
                    .or_default()
                    .push(number),
                _ => devices.everywhere.push(number),
            }
        }
        for (key, resources) in &inputs.templates {
            let promise = devices.add_promised(&key.0, resources, &mut kinds);
            devices.promises.insert(key.clone(), promise);
        }
        devices
    }

    /// Devices in the cluster.
    pub(crate) fn published(&self) -> &[Dev] {
        &self.list[..self.published]
    }

    /// Whether a charge is for something that is in the cluster, so that others may want it too.
    pub(crate) fn is_published(&self, key: Key) -> bool {
        match key {
            Key::Whole(device) | Key::Capacity(device, _) => device < self.published,
            Key::Counter(pool, _) => pool < self.published_pools,
        }
    }

    /// Whether a device is promised by an instance type.
    pub(crate) fn is_promised(&self, device: usize) -> bool {
        device >= self.published
    }

    /// How much of something there is.
    pub(crate) fn limit(&self, key: Key) -> i128 {
        match key {
            Key::Whole(_) => 1,
            Key::Capacity(device, at) => {
                let capacity = self.list[device].device.capacity.values().nth(at);
                capacity.map_or(0, |capacity| capacity.value.nanos())
            }
            Key::Counter(pool, at) => self.pools[pool].counters[at],
        }
    }

    /// What a node of a pool and type will have.
    pub(crate) fn promise(&self, node_pool: &str, instance_type: &str) -> Option<&Promise> {
        self.promises.get(&(node_pool.into(), instance_type.into()))
    }

    /// The devices in the cluster that a candidate can reach.
    pub(crate) fn reachable(&self, node: Option<&str>, site: &Site<'_>) -> Reachable {
        let own = node.and_then(|node| self.by_node.get(node));
        let mut devices: Vec<usize> = self
            .everywhere
            .iter()
            .copied()
            .filter(|device| match &self.list[*device].reach {
                Reach::Places(places) => places.meet(site),
                _ => true,
            })
            .chain(own.into_iter().flatten().copied())
            .collect();
        devices.sort_unstable();
        let faults = self.faults(&devices);
        Reachable { devices, faults }
    }

    fn faults(&self, reachable: &[usize]) -> BTreeMap<usize, Fault> {
        let mut faults = BTreeMap::new();
        let mut names = BTreeSet::new();
        for number in reachable {
            let dev = &self.list[*number];
            let pool = &self.pools[dev.pool];
            let is_new = names.insert((dev.pool, &dev.id.device));
            if !is_new || dev.misses_counter || pool.twin_sets {
                faults.insert(dev.pool, Fault::Invalid);
            } else if !pool.complete {
                faults.entry(dev.pool).or_insert(Fault::Incomplete);
            }
        }
        faults
    }

    fn add_published(
        &mut self,
        (driver, name): (Arc<str>, Arc<str>),
        slices: &[&ResourceSliceSpec],
        vocabulary: &Vocabulary,
        kinds: &mut Kinds,
    ) {
        let newest = slices.iter().map(|slice| slice.pool.generation).max();
        let slices = slices
            .iter()
            .filter(|slice| Some(slice.pool.generation) == newest);
        let slices: Vec<_> = slices.copied().collect();
        let count = slices
            .first()
            .map_or(0, |slice| slice.pool.resource_slice_count);
        let sets = slices.iter().flat_map(|slice| &slice.shared_counters);
        let counters = self.add_pool(driver, name, sets);
        if let Some(pool) = self.pools.last_mut() {
            pool.complete = usize::try_from(count).is_ok_and(|count| count == slices.len());
        }
        for slice in slices {
            for device in &slice.devices {
                if let Some(reach) = reach(slice, device, vocabulary) {
                    self.add(device, reach, &counters, kinds);
                }
            }
        }
    }

    fn add_promised(
        &mut self,
        node_pool: &str,
        resources: &DynamicResources,
        kinds: &mut Kinds,
    ) -> Promise {
        let mut pools: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (at, slice) in resources.slices.iter().enumerate() {
            let of = pools.entry((&slice.driver, &slice.pool)).or_default();
            of.push(at);
        }
        let first = self.list.len();
        for ((driver, name), at) in pools {
            let slices = at.iter().map(|at| &resources.slices[*at]);
            let sets = slices.clone().flat_map(|slice| &slice.shared_counters);
            let counters = self.add_pool(driver.into(), name.into(), sets);
            for device in slices.flat_map(|slice| &slice.devices) {
                self.add(device, Reach::Anywhere, &counters, kinds);
            }
        }
        let devices: Vec<usize> = (first..self.list.len()).collect();
        let faults = self.faults(&devices);
        let sound = |device: &usize| !faults.contains_key(&self.list[*device].pool);
        let number = |name: &catalog::DeviceName| {
            devices.iter().copied().find(|device| {
                let id = &self.list[*device].id;
                (&*id.driver, &*id.pool, &*id.device) == (&*name.driver, &*name.pool, &*name.device)
            })
        };
        let groups = resources.groups(node_pool).into_iter();
        let numbered = |sets: Vec<Vec<catalog::DeviceName>>| {
            let sets = sets
                .iter()
                .map(|set| set.iter().filter_map(number).collect());
            sets.collect()
        };
        let bindings = groups.map(|(attribute, sets)| (attribute, numbered(sets)));
        Promise {
            bindings: Bindings(bindings.collect()),
            devices: devices.iter().copied().filter(sound).collect(),
        }
    }

    /// Adds a pool and says which key each of its counters has.
    fn add_pool<'a>(
        &mut self,
        driver: Arc<str>,
        name: Arc<str>,
        sets: impl Iterator<Item = &'a model::k8s::dra::CounterSet>,
    ) -> BTreeMap<(String, String), Key> {
        let pool = self.pools.len();
        let mut keys = BTreeMap::new();
        let mut counters = Vec::new();
        let mut names = BTreeSet::new();
        let mut twin_sets = false;
        for set in sets {
            twin_sets |= !names.insert(&set.name);
            for (counter, value) in &set.counters {
                let key = Key::Counter(pool, counters.len());
                keys.insert((set.name.clone(), counter.clone()), key);
                counters.push(value.value.nanos());
            }
        }
        self.pools.push(Pool {
            driver,
            name,
            complete: true,
            counters,
            twin_sets,
        });
        keys
    }

    fn add(
        &mut self,
        device: &Device,
        reach: Reach,
        keys: &BTreeMap<(String, String), Key>,
        kinds: &mut Kinds,
    ) {
        let number = self.pools.len() - 1;
        let pool = &self.pools[number];
        let mut counters = Vec::new();
        let mut misses_counter = false;
        for consumed in &device.consumes_counters {
            for (counter, value) in &consumed.counters {
                match keys.get(&(consumed.counter_set.clone(), counter.clone())) {
                    Some(key) => counters.push((*key, value.value.nanos())),
                    None => misses_counter = true,
                }
            }
        }
        let nameless = Device {
            name: String::new(),
            ..device.clone()
        };
        let next = kinds.len();
        let kind = *kinds
            .entry((number, nameless, reach.clone()))
            .or_insert(next);
        self.list.push(Dev {
            id: DeviceId {
                driver: pool.driver.clone(),
                pool: pool.name.clone(),
                device: device.name.as_str().into(),
            },
            device: device.clone(),
            pool: number,
            reach,
            counters,
            misses_counter,
            kind,
        });
    }
}

type Kinds = BTreeMap<(usize, Device, Reach), usize>;

type ByPool<'a> = BTreeMap<(Arc<str>, Arc<str>), Vec<&'a ResourceSliceSpec>>;

/// The slices that count, by driver and pool.
fn by_pool(inputs: &Inputs) -> ByPool<'_> {
    let mut pools = ByPool::new();
    for slice in inputs.slices.iter().filter(|slice| counts(slice, inputs)) {
        let spec = &slice.spec;
        let key = (spec.driver.as_str().into(), spec.pool.name.as_str().into());
        pools.entry(key).or_default().push(spec);
    }
    pools
}

/// Slices of a node count once it is initialized; until then its type's promise does.
fn counts(slice: &ResourceSlice, inputs: &Inputs) -> bool {
    let owners = slice.metadata.owner_references.iter();
    let owner = owners
        .filter(|owner| owner.kind == "Node")
        .map(|owner| &owner.name);
    owner
        .chain(&slice.spec.node_name)
        .all(|node| inputs.nodes.contains(node))
}

/// From where a device can be used; none if from nowhere.
fn reach(slice: &ResourceSliceSpec, device: &Device, vocabulary: &Vocabulary) -> Option<Reach> {
    let (node, selector, all) = if slice.per_device_node_selection == Some(true) {
        (&device.node_name, &device.node_selector, device.all_nodes)
    } else {
        (&slice.node_name, &slice.node_selector, slice.all_nodes)
    };
    if let Some(node) = node.as_ref().filter(|node| !node.is_empty()) {
        return Some(Reach::Node(node.as_str().into()));
    }
    if let Some(selector) = selector {
        return Some(Reach::Places(Places::of(selector, vocabulary)));
    }
    (all == Some(true)).then_some(Reach::Anywhere)
}
