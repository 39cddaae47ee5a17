//! Candidates in, allocations out, and what has been granted so far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cluster::ObjectKey;
use requirements::{AllowUndefined, Requirements};

use crate::charge::{Charges, Ledger};
use crate::classify::{Claim, Fixed};
use crate::inputs::Inputs;
use crate::places::{Places, Site};
use crate::plan::{Count, Plan, Want, fewest};
use crate::pool::{Bindings, DeviceId, Fault, Promise, Reach, Reachable};
use crate::refused::Refused;
use crate::search::{Ask, MOST_DEVICES, OutOfSteps, Pick, Search, Taken};

/// Steps of one search, over all types of a candidate. Each looks at one device.
const STEPS: u64 = 200_000;

/// A node that may take a pod.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Names it in this pass.
    pub id: &'a Arc<str>,
    /// What is there of it.
    pub node: CandidateNode<'a>,
    /// Its NodePool.
    pub node_pool: &'a str,
    /// What it is, or what a planned one must be, without the pod.
    pub requirements: &'a Requirements,
    /// The types that it may become, or its one type, empty if it has none.
    pub types: &'a [Arc<str>],
}

/// What is there of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateNode<'a> {
    /// Nothing: it has its type's devices.
    Planned,
    /// It is not initialized: it has its type's devices too. With its name, once it has one.
    Starting(Option<&'a str>),
    /// It is initialized, with this name: it has what its drivers have published.
    Ready(&'a str),
}

/// Devices that claims of a pod get on a candidate. Nothing is held before it is committed.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// The types that have the devices, in the order of the candidate's.
    pub types: Vec<Arc<str>>,
    /// The node must meet one of these, in order of preference. Never empty.
    pub alternatives: Vec<Requirements>,
    candidate: Arc<str>,
    claims: Vec<ObjectKey>,
    pub(crate) by_type: BTreeMap<Arc<str>, (Charges, Vec<Pick>)>,
}

/// A device that a claim was given in this pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// For which request, `parent/sub` for an alternative.
    pub request: String,
    /// The device.
    pub device: DeviceId,
    /// Whether it will be there with the node only.
    pub is_promised: bool,
}

/// What a claim was given in this pass.
#[derive(Clone, Debug)]
struct Grant {
    candidate: Arc<str>,
    by_type: BTreeMap<Arc<str>, TypeGrant>,
}

#[derive(Clone, Debug)]
struct TypeGrant {
    places: Places,
    devices: Vec<Granted>,
}

/// Allocates devices. A clone shares what stands still.
#[derive(Clone, Debug)]
pub struct Allocator {
    pub(crate) fixed: Arc<Fixed>,
    ledger: Ledger,
    grants: BTreeMap<ObjectKey, Grant>,
    steps: u64,
}

/// Claims that are to get devices, and where those that have some can be used.
struct Classified<'a> {
    places: Places,
    open: Vec<(&'a ObjectKey, &'a Plan)>,
    /// The only types that earlier grants leave.
    types: Option<BTreeSet<Arc<str>>>,
}

impl Allocator {
    /// An allocator that has granted nothing.
    pub fn new(inputs: &Inputs) -> Self {
        Self {
            fixed: Arc::new(Fixed::new(inputs)),
            ledger: Ledger::default(),
            grants: BTreeMap::new(),
            steps: STEPS,
        }
    }

    /// The same with another bound on the steps of one search.
    #[must_use]
    pub fn with_steps(self, steps: u64) -> Self {
        Self { steps, ..self }
    }

    /// Why claims can't be met on any candidate, as far as the claims say it themselves.
    ///
    /// # Errors
    ///
    /// When a claim is missing, or asks for what does not exist or is not supported.
    pub fn check(&self, claims: &[ObjectKey]) -> Result<(), Refused> {
        for claim in claims {
            if let Claim::Open(Err(refused)) = self.claim(claim)? {
                return Err(refused.clone());
            }
        }
        Ok(())
    }

    /// Devices for a pod's claims on a candidate.
    ///
    /// # Errors
    ///
    /// When they can't be met there.
    pub fn allocate(
        &self,
        candidate: &Candidate<'_>,
        claims: &[ObjectKey],
    ) -> Result<Allocation, Refused> {
        let (name, undefined) = match candidate.node {
            CandidateNode::Planned => (None, AllowUndefined::WellKnown(&self.fixed.vocabulary)),
            CandidateNode::Starting(name) => (name, AllowUndefined::Nothing),
            CandidateNode::Ready(name) => (Some(name), AllowUndefined::Nothing),
        };
        let site = Site::new(candidate.requirements, name, undefined);
        let classified = self.classify(candidate, claims, &site)?;
        let remain = |name: &&Arc<str>| {
            let types = classified.types.as_ref();
            types.is_none_or(|types| types.contains(*name))
        };
        let types: Vec<Arc<str>> = candidate.types.iter().filter(remain).cloned().collect();
        let mut allocation = Allocation {
            types: Vec::new(),
            alternatives: Vec::new(),
            candidate: candidate.id.clone(),
            claims: classified
                .open
                .iter()
                .map(|(key, _)| (*key).clone())
                .collect(),
            by_type: BTreeMap::new(),
        };
        let mut places = classified.places;
        if classified.open.is_empty() {
            allocation.types = types;
        } else {
            let look = Look {
                allocator: self,
                candidate,
                site: &site,
                reachable: self.fixed.devices.reachable(name, &site),
                open: &classified.open,
            };
            places = look.search(&types, places, &mut allocation)?;
        }
        if allocation.types.is_empty() {
            return Err(Refused::NoType {
                types: candidate.types.len(),
            });
        }
        allocation.alternatives = places.into_alternatives();
        Ok(allocation)
    }

    /// Holds what was allocated.
    pub fn commit(&mut self, allocation: Allocation) {
        let devices = &self.fixed.devices;
        for (name, (_, picks)) in &allocation.by_type {
            for (at, key) in allocation.claims.iter().enumerate() {
                let mut places = Places::anywhere();
                let mut granted = Vec::new();
                for pick in picks.iter().filter(|pick| pick.claim == at) {
                    let dev = &devices.list[pick.device];
                    if let Reach::Places(reach) = &dev.reach {
                        places = places.both(reach);
                    }
                    if let Reach::Node(node) = &dev.reach {
                        places = places.both(&Places::node(node));
                    }
                    granted.push(Granted {
                        request: pick.request.clone(),
                        device: dev.id.clone(),
                        is_promised: devices.is_promised(pick.device),
                    });
                }
                let grant = self.grants.entry(key.clone()).or_insert_with(|| Grant {
                    candidate: allocation.candidate.clone(),
                    by_type: BTreeMap::new(),
                });
                let of_type = TypeGrant {
                    places,
                    devices: granted,
                };
                grant.by_type.insert(name.clone(), of_type);
            }
        }
        let charges = allocation.by_type.into_iter();
        let charges = charges.map(|(name, (charges, _))| (name, charges));
        let is_shared = |key| devices.is_published(key);
        self.ledger
            .charge(&allocation.candidate, charges, is_shared);
    }

    /// Gives back what a candidate holds as types that it will not be. With no type at all, that is
    /// everything, and its claims are open again.
    pub fn keep(&mut self, candidate: &Arc<str>, keep: impl Fn(&str) -> bool) {
        let devices = &self.fixed.devices;
        self.ledger
            .keep(candidate, &keep, |key| devices.is_published(key));
        let grants = self.grants.values_mut();
        for grant in grants.filter(|grant| grant.candidate == *candidate) {
            grant.by_type.retain(|name, _| keep(name));
        }
        self.grants.retain(|_, grant| !grant.by_type.is_empty());
    }

    /// What a claim was given in this pass, by instance type.
    pub fn granted(&self, claim: &ObjectKey) -> BTreeMap<Arc<str>, Vec<Granted>> {
        let by_type = self
            .grants
            .get(claim)
            .into_iter()
            .flat_map(|grant| &grant.by_type);
        by_type
            .map(|(name, grant)| (name.clone(), grant.devices.clone()))
            .collect()
    }

    /// The drivers that have yet to publish devices on a candidate before it can be used.
    pub fn drivers(&self, candidate: &str) -> BTreeSet<Arc<str>> {
        let grants = self.grants.values();
        grants
            .filter(|grant| &*grant.candidate == candidate)
            .flat_map(|grant| grant.by_type.values())
            .flat_map(|grant| &grant.devices)
            .filter(|granted| granted.is_promised)
            .map(|granted| granted.device.driver.clone())
            .collect()
    }

    fn claim<'a>(&'a self, key: &ObjectKey) -> Result<&'a Claim, Refused> {
        self.fixed
            .claims
            .get(key)
            .ok_or_else(|| Refused::ClaimMissing { claim: key.clone() })
    }

    fn classify<'a>(
        &'a self,
        candidate: &Candidate<'_>,
        claims: &'a [ObjectKey],
        site: &Site<'_>,
    ) -> Result<Classified<'a>, Refused> {
        let mut classified = Classified {
            places: Places::anywhere(),
            open: Vec::new(),
            types: None,
        };
        for key in claims {
            if let Some(grant) = self.grants.get(key) {
                Self::add_granted(&mut classified, (key, grant), candidate, site)?;
                continue;
            }
            match self.claim(key)? {
                Claim::Allocated(places) => {
                    let both = classified.places.and(places, site);
                    classified.places =
                        both.ok_or_else(|| Refused::AllocatedElsewhere { claim: key.clone() })?;
                }
                Claim::Open(Ok(plan)) => classified.open.push((key, plan)),
                Claim::Open(Err(refused)) => return Err(refused.clone()),
            }
        }
        Ok(classified)
    }

    fn add_granted(
        classified: &mut Classified<'_>,
        (key, grant): (&ObjectKey, &Grant),
        candidate: &Candidate<'_>,
        site: &Site<'_>,
    ) -> Result<(), Refused> {
        let devices = grant.by_type.values().flat_map(|of_type| &of_type.devices);
        let promised = devices.into_iter().any(|device| device.is_promised);
        if promised && grant.candidate != *candidate.id {
            return Err(Refused::BoundToAnother {
                claim: key.clone(),
                candidate: grant.candidate.clone(),
            });
        }
        if promised {
            let mut types: BTreeSet<Arc<str>> = grant.by_type.keys().cloned().collect();
            if let Some(others) = &classified.types {
                types = types.intersection(others).cloned().collect();
            }
            classified.types = Some(types);
        }
        for of_type in grant.by_type.values() {
            let both = classified.places.and(&of_type.places, site);
            classified.places =
                both.ok_or_else(|| Refused::GrantedElsewhere { claim: key.clone() })?;
        }
        Ok(())
    }
}

/// A search over all types of a candidate.
struct Look<'a> {
    allocator: &'a Allocator,
    candidate: &'a Candidate<'a>,
    site: &'a Site<'a>,
    reachable: Reachable,
    open: &'a [(&'a ObjectKey, &'a Plan)],
}

impl Look<'_> {
    /// Adds the types that have the devices, and says which places they agree on.
    fn search(
        &self,
        types: &[Arc<str>],
        mut places: Places,
        allocation: &mut Allocation,
    ) -> Result<Places, Refused> {
        let published = self.published()?;
        let no_bindings = Bindings::default();
        let mut steps = self.allocator.steps;
        let mut why = None;
        for name in types {
            let promise = self.promise(name);
            let asks = match self.asks(&published, promise) {
                Ok(asks) => asks,
                Err(refused) => {
                    why.get_or_insert(refused);
                    continue;
                }
            };
            let constraints = self.open.iter().map(|(_, plan)| plan.constraints.len());
            let mut search = Search {
                fixed: &self.allocator.fixed,
                ledger: &self.allocator.ledger,
                candidate: self.candidate.id,
                instance_type: name,
                site: self.site,
                bindings: promise.map_or(&no_bindings, |promise| &promise.bindings),
                asks: &asks,
                steps: &mut steps,
                taken: Taken::nothing(places.clone(), constraints),
            };
            match search.fill(0) {
                Ok(true) => {
                    let taken = search.taken;
                    places = taken.places;
                    allocation.types.push(name.clone());
                    let given = (taken.charges, taken.picks);
                    allocation.by_type.insert(name.clone(), given);
                }
                Ok(false) => {}
                // Types that were found are as good as they would be without the rest.
                Err(OutOfSteps) => {
                    why.get_or_insert(Refused::TooComplex {
                        steps: self.allocator.steps,
                    });
                    break;
                }
            }
        }
        match why {
            Some(refused) if allocation.types.is_empty() => Err(refused),
            _ => Ok(places),
        }
    }

    fn promise(&self, instance_type: &str) -> Option<&Promise> {
        if matches!(self.candidate.node, CandidateNode::Ready(_)) {
            return None;
        }
        let devices = &self.allocator.fixed.devices;
        devices.promise(self.candidate.node_pool, instance_type)
    }

    /// Per open claim, request and alternative: the devices in the cluster that match.
    fn published(&self) -> Result<Vec<Vec<Vec<usize>>>, Refused> {
        let mut lists = Vec::new();
        for (key, plan) in self.open {
            for wants in &plan.requests {
                let of = wants.iter().map(|want| self.published_for(key, want));
                lists.push(of.collect::<Result<_, _>>()?);
            }
        }
        Ok(lists)
    }

    fn published_for(&self, key: &ObjectKey, want: &Want) -> Result<Vec<usize>, Refused> {
        let faults = &self.reachable.faults;
        let devices = &self.allocator.fixed.devices;
        if want.count == Count::All
            && let Some((pool, fault)) = faults.first_key_value()
        {
            let (driver, pool) = (&devices.pools[*pool].driver, &devices.pools[*pool].name);
            let (claim, driver, pool) = (key.clone(), driver.clone(), pool.clone());
            return Err(match fault {
                Fault::Incomplete => Refused::PoolIncomplete {
                    claim,
                    driver,
                    pool,
                },
                Fault::Invalid => Refused::PoolInvalid {
                    claim,
                    driver,
                    pool,
                },
            });
        }
        let sound = self.reachable.devices.iter().copied();
        let sound = sound.filter(|device| !faults.contains_key(&devices.list[*device].pool));
        self.matching(key, want, sound)
    }

    fn matching(
        &self,
        key: &ObjectKey,
        want: &Want,
        devices: impl Iterator<Item = usize>,
    ) -> Result<Vec<usize>, Refused> {
        let fixed = &self.allocator.fixed;
        let mut matching = Vec::new();
        for device in devices {
            match fixed.matchers.fits(want.matcher, device) {
                Ok(true) => matching.push(device),
                Ok(false) => {}
                Err(problem) => {
                    return Err(Refused::SelectorFails {
                        claim: key.clone(),
                        request: want.name.clone(),
                        device: fixed.devices.list[device].id.device.to_string(),
                        problem: problem.to_string(),
                    });
                }
            }
        }
        Ok(matching)
    }

    /// The requests of all claims, with what a type promises.
    fn asks(
        &self,
        published: &[Vec<Vec<usize>>],
        promise: Option<&Promise>,
    ) -> Result<Vec<Ask<'_>>, Refused> {
        let mut asks = Vec::new();
        let mut lists = published.iter();
        for (claim, (key, plan)) in self.open.iter().enumerate() {
            let mut least = 0;
            for wants in &plan.requests {
                let mut matching = lists.next().cloned().unwrap_or_default();
                for (want, list) in wants.iter().zip(&mut matching) {
                    let promised = promise.map_or(&[][..], |promise| &promise.devices);
                    list.extend(self.matching(key, want, promised.iter().copied())?);
                }
                least += fewest(wants, &matching);
                asks.push(Ask {
                    claim,
                    wants,
                    constraints: &plan.constraints,
                    matching,
                });
            }
            if least > MOST_DEVICES {
                return Err(Refused::TooManyDevices {
                    claim: (*key).clone(),
                    devices: least,
                    most: MOST_DEVICES,
                });
            }
        }
        Ok(asks)
    }
}
