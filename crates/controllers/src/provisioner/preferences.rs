//! Wishes of pods that can keep nodes from being consolidated, told once a day for each pod.
//!
//! What is *not* here: how wishes are treated (`scheduling`).

use std::collections::BTreeMap;
use std::time::Duration;

use cluster::pod::Uid;
use cluster::{PodRecord, PodShape, Snapshot};
use model::Timestamp;

/// For how long a pod is not named again.
const WINDOW: Duration = Duration::from_hours(24);

/// A wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// Preferred anti-affinity to other pods.
    AntiAffinity,
    /// A spread that need not hold.
    Spread,
}

impl Wish {
    const ALL: [Self; 2] = [Self::AntiAffinity, Self::Spread];

    fn is_of(self, shape: &PodShape) -> bool {
        let spec = &shape.spec;
        match self {
            Self::AntiAffinity => {
                let affinity = spec.affinity.as_ref();
                affinity
                    .and_then(|affinity| affinity.pod_anti_affinity.as_ref())
                    .is_some_and(|rules| !rules.preferred.is_empty())
            }
            Self::Spread => {
                let mut rules = spec.topology_spread_constraints.iter();
                rules.any(|rule| rule.when_unsatisfiable == "ScheduleAnyway")
            }
        }
    }
}

/// Which pods have been told of, and when. A pod with both wishes is told of for each.
#[derive(Debug, Default)]
pub(super) struct Told {
    last: BTreeMap<(Wish, Uid), Timestamp>,
}

impl Told {
    /// Pending pods with a wish that have not been told of lately.
    pub(super) fn news(&mut self, snapshot: &Snapshot, now: Timestamp) -> Vec<(Wish, Vec<String>)> {
        self.last.retain(|_, told| now.since(*told) < WINDOW);
        let mut news = Vec::new();
        for wish in Wish::ALL {
            let groups = snapshot.pending.iter();
            let pods = groups
                .filter(|group| wish.is_of(&group.shape))
                .flat_map(|group| group.pods.iter());
            let mut names: Vec<String> = pods
                .filter(|pod| self.is_new(wish, pod, now))
                .map(|pod| pod.key().to_string())
                .collect();
            names.sort();
            if !names.is_empty() {
                news.push((wish, names));
            }
        }
        news
    }

    fn is_new(&mut self, wish: Wish, pod: &PodRecord, now: Timestamp) -> bool {
        let mut is_new = false;
        self.last.entry((wish, pod.uid.clone())).or_insert_with(|| {
            is_new = true;
            now
        });
        is_new
    }
}

/// Writes what is new.
pub(super) fn say(news: &[(Wish, Vec<String>)]) {
    for (wish, names) in news {
        let pods = super::report::some_of(names, 10);
        match wish {
            Wish::AntiAffinity => tracing::info!(
                pods,
                "pods prefer to keep away from others, which can prevent consolidation"
            ),
            Wish::Spread => tracing::info!(
                pods,
                "pods prefer to be spread (ScheduleAnyway), which can prevent consolidation"
            ),
        }
    }
}

#[cfg(test)]
mod tests;
