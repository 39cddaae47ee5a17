//! The search for devices for one instance type: depth first over claims, requests, alternatives
//! and slots, in a fixed order.

use crate::charge::{Charges, Key, Ledger, add, of};
use crate::classify::Fixed;
use crate::constraint::{Constraint, Pin};
use crate::places::{Places, Site};
use crate::plan::{Count, Want};
use crate::pool::{Bindings, Dev, Reach};
use crate::share::share;

/// How many devices a claim may have.
pub(crate) const MOST_DEVICES: usize = 32;

/// A request of a claim.
pub(crate) struct Ask<'a> {
    /// The claim, by position.
    pub(crate) claim: usize,
    /// Alternatives.
    pub(crate) wants: &'a [Want],
    pub(crate) constraints: &'a [Constraint],
    /// Per alternative: the devices that match, in the order in which they are tried.
    pub(crate) matching: Vec<Vec<usize>>,
}

/// A device that is taken.
#[derive(Clone, Debug)]
pub(crate) struct Pick {
    pub(crate) claim: usize,
    pub(crate) request: String,
    pub(crate) device: usize,
}

/// What has been taken so far.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) places: Places,
    pub(crate) charges: Charges,
    /// Per claim and constraint.
    pins: Vec<Vec<Option<Pin>>>,
    pub(crate) picks: Vec<Pick>,
}

impl Taken {
    /// Nothing, for claims with so many constraints each, in places that were agreed on.
    pub(crate) fn nothing(places: Places, constraints: impl Iterator<Item = usize>) -> Self {
        Self {
            places,
            charges: Charges::new(),
            pins: constraints.map(|count| vec![None; count]).collect(),
            picks: Vec::new(),
        }
    }
}

/// The steps are used up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfSteps;

/// A search.
pub(crate) struct Search<'a> {
    pub(crate) fixed: &'a Fixed,
    pub(crate) ledger: &'a Ledger,
    pub(crate) candidate: &'a str,
    pub(crate) instance_type: &'a str,
    pub(crate) site: &'a Site<'a>,
    pub(crate) bindings: &'a Bindings,
    pub(crate) asks: &'a [Ask<'a>],
    /// Steps that are left.
    pub(crate) steps: &'a mut u64,
    pub(crate) taken: Taken,
}

/// Slots of an alternative that are still to be filled.
#[derive(Clone, Copy)]
struct Slots {
    ask: usize,
    alternative: usize,
    left: usize,
    /// Devices before this one have been tried.
    from: usize,
}

impl Search<'_> {
    /// Fills all requests from this one on. What was taken is undone if that fails.
    pub(crate) fn fill(&mut self, ask: usize) -> Result<bool, OutOfSteps> {
        let Some(asked) = self.asks.get(ask) else {
            return Ok(true);
        };
        let so_far = self
            .taken
            .picks
            .iter()
            .filter(|pick| pick.claim == asked.claim);
        let so_far = so_far.count();
        for (alternative, want) in asked.wants.iter().enumerate() {
            let matching = asked.matching[alternative].len();
            let left = match want.count {
                Count::All => matching,
                Count::Exactly(count) => count,
            };
            if matching == 0 || so_far + left > MOST_DEVICES {
                continue;
            }
            let slots = Slots {
                ask,
                alternative,
                left,
                from: 0,
            };
            if self.fill_slots(slots)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn fill_slots(&mut self, slots: Slots) -> Result<bool, OutOfSteps> {
        if slots.left == 0 {
            return self.fill(slots.ask + 1);
        }
        let ask = &self.asks[slots.ask];
        let want = &ask.wants[slots.alternative];
        let matching = &ask.matching[slots.alternative];
        let to = match want.count {
            // Each must be taken.
            Count::All => matching.len().min(slots.from + 1),
            Count::Exactly(_) => matching.len(),
        };
        let mut failed = Vec::new();
        for (at, number) in matching
            .iter()
            .copied()
            .enumerate()
            .take(to)
            .skip(slots.from)
        {
            *self.steps = self.steps.checked_sub(1).ok_or(OutOfSteps)?;
            let dev = &self.fixed.devices.list[number];
            // One that differs only in its name fails in the same way. Bindings go by name.
            let alike = !dev.is_shared() && self.bindings.is_empty();
            if alike && failed.contains(&dev.kind) {
                continue;
            }
            let Some(next) = self.take(ask, want, number) else {
                continue;
            };
            let before = std::mem::replace(&mut self.taken, next);
            let rest = Slots {
                left: slots.left - 1,
                // Of a shared device there may be more to be had.
                from: if dev.is_shared() && want.count != Count::All {
                    at
                } else {
                    at + 1
                },
                ..slots
            };
            if self.fill_slots(rest)? {
                return Ok(true);
            }
            self.taken = before;
            failed.push(dev.kind);
        }
        Ok(false)
    }

    /// What is taken with one device more; none if it can't be had.
    fn take(&self, ask: &Ask<'_>, want: &Want, number: usize) -> Option<Taken> {
        let dev = &self.fixed.devices.list[number];
        let charges = self.charges(want, number, dev)?;
        let mut pins = self.taken.pins[ask.claim].clone();
        for (constraint, pin) in ask.constraints.iter().zip(&mut pins) {
            if constraint.applies(want) {
                *pin = Some(constraint.take(pin.as_ref(), (number, dev), self.bindings)?);
            }
        }
        let places = match &dev.reach {
            Reach::Places(places) => Some(self.taken.places.and(places, self.site)?),
            _ => None,
        };
        let mut next = self.taken.clone();
        add(&mut next.charges, &charges);
        next.pins[ask.claim] = pins;
        next.places = places.unwrap_or(next.places);
        next.picks.push(Pick {
            claim: ask.claim,
            request: want.name.clone(),
            device: number,
        });
        Some(next)
    }

    /// What a device costs; none if there is not enough left.
    fn charges(&self, want: &Want, number: usize, dev: &Dev) -> Option<Charges> {
        let mut charges = Charges::new();
        let capacity = &dev.device.capacity;
        if !want.capacity.keys().all(|name| capacity.contains_key(name)) {
            return None;
        }
        if self.left(Key::Whole(number)) < 1 {
            return None;
        }
        if dev.is_shared() {
            for (at, (name, of)) in capacity.iter().enumerate() {
                let share = share(of, want.capacity.get(name).copied())?;
                charges.insert(Key::Capacity(number, at), share.nanos());
            }
        } else {
            let enough =
                |(name, least): (&String, &model::Quantity)| capacity[name].value >= *least;
            if !want.capacity.iter().all(enough) {
                return None;
            }
            charges.insert(Key::Whole(number), 1);
        }
        // All shares of a device together take its counters once.
        if !self.is_in_use(number, dev) {
            for (key, amount) in &dev.counters {
                *charges.entry(*key).or_default() += amount;
            }
        }
        let fits = charges
            .iter()
            .all(|(key, amount)| *amount <= self.left(*key));
        fits.then_some(charges)
    }

    /// Whether this candidate, or somebody before the pass, has a share of a device.
    fn is_in_use(&self, number: usize, dev: &Dev) -> bool {
        dev.is_shared()
            && (0..dev.device.capacity.len()).any(|at| {
                let key = Key::Capacity(number, at);
                of(&self.taken.charges, key) > 0
                    || of(&self.fixed.held, key) > 0
                    || self.ledger.own(self.candidate, self.instance_type, key) > 0
            })
    }

    fn left(&self, key: Key) -> i128 {
        let (candidate, instance_type) = (self.candidate, self.instance_type);
        let taken = if self.fixed.devices.is_published(key) {
            of(&self.fixed.held, key) + self.ledger.taken(candidate, instance_type, key)
        } else {
            self.ledger.own(candidate, instance_type, key)
        };
        self.fixed.devices.limit(key) - taken - of(&self.taken.charges, key)
    }
}
