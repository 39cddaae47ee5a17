//! Whether a change is worth it: what it saves within a time against what it costs.

use catalog::Price;

use crate::Options;
use crate::command::{Candidate, Command};

const SECONDS_PER_HOUR: f64 = 3600.0;

/// When changes are worth it. Amounts are billionths of a dollar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worth {
    /// Hours within which a change must pay.
    hours: f64,
    /// Hours for which new nodes run beside old ones.
    overlap: f64,
    /// What the eviction of an ordinary pod costs.
    eviction: f64,
    /// What a node costs an hour beside its price, as packing has it.
    fee: f64,
}

impl Worth {
    /// By these settings.
    pub(crate) fn new(options: &Options) -> Self {
        let payback = &options.payback;
        Self {
            hours: (payback.within.as_secs_f64() / SECONDS_PER_HOUR).max(1e-6),
            overlap: payback.overlap.as_secs_f64() / SECONDS_PER_HOUR,
            eviction: payback.eviction.nanos() as f64,
            fee: options.scheduling.node_cost.nanos() as f64,
        }
    }

    /// Hours within which a change must pay.
    pub(crate) fn hours(self) -> f64 {
        self.hours
    }

    /// What making a node's pods move costs.
    pub(crate) fn of_moving(self, candidate: &Candidate) -> f64 {
        self.eviction * (candidate.cost - 1.0).max(0.0)
    }

    /// What is saved an hour, once the change is paid for: prices before less those after, less
    /// what the change costs by the hours within which it must pay. Where there are more nodes than
    /// before, those cost what packing takes them to cost beside their prices. A node whose price
    /// is not known saves next to nothing, but something, if nothing new comes for it.
    pub(crate) fn net<'c>(
        self,
        candidates: impl Iterator<Item = &'c Candidate>,
        (after, nodes): (f64, usize),
    ) -> f64 {
        let mut net = -after * (1.0 + self.overlap / self.hours);
        let mut before = 0;
        for candidate in candidates {
            net += match price(candidate) {
                0.0 if nodes == 0 => 1.0,
                price => price - self.of_moving(candidate) / self.hours,
            };
            before += 1;
        }
        net - self.fee * nodes.saturating_sub(before) as f64
    }

    /// Whether a node costs more than its pods would elsewhere.
    pub(crate) fn is_dear(self, candidate: &Candidate, elsewhere: f64) -> bool {
        let elsewhere = elsewhere * (1.0 + self.overlap / self.hours);
        price(candidate) - self.of_moving(candidate) / self.hours > elsewhere
    }

    /// The most that new nodes for one node may cost.
    pub(crate) fn most(self, candidate: &Candidate) -> Price {
        let left = price(candidate) - self.of_moving(candidate) / self.hours;
        let most = left / (1.0 + self.overlap / self.hours);
        Price::from_nanos(most.max(0.0) as u64)
    }

    /// What it costs to replace a node by what costs so much an hour.
    pub(crate) fn of_change(self, candidate: &Candidate, after: Price) -> Price {
        let costs = self.of_moving(candidate) + after.nanos() as f64 * self.overlap;
        Price::from_nanos(costs as u64)
    }

    /// What a command costs to perform.
    pub(crate) fn of_command(self, command: &Command) -> f64 {
        let moving = command.candidates.iter().map(|one| self.of_moving(one));
        moving.sum::<f64>() + command.price_after.nanos() as f64 * self.overlap
    }
}

/// A candidate's price; nothing where it is not known.
pub(crate) fn price(candidate: &Candidate) -> f64 {
    candidate.price.map_or(0.0, |price| price.nanos() as f64)
}
