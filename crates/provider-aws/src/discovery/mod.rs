//! What exists in the account, found by the selectors of node classes.
//!
//! One module for each kind of thing. Each remembers what it has found; callers that ask at the
//! same time wait for one round of calls and share what it finds. [`Discovery`] looks for all of
//! it and writes it into a class' status. What is *not* here: from selectors to queries, and what
//! the answers mean (`aws`); and who writes the class (the loop of node classes).

pub mod images;
pub mod parameters;
pub mod placement_groups;
pub mod reservations;
pub mod security_groups;
pub mod subnets;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use api::Ec2NodeClass;
use aws::Failure;
use aws::class::{Findings, Reserved};
use runtime::Clock;

use crate::profiles::{ProfileError, Profiles};
use images::{Images, ImagesError};
use placement_groups::PlacementGroups;
use reservations::Reservations;
use security_groups::SecurityGroups;
use subnets::Subnets;

/// Everything that a node class needs from AWS before it can be used.
pub struct Discovery {
    /// The time.
    pub clock: Clock,
    /// Images.
    pub images: Arc<Images>,
    /// Capacity reservations.
    pub reservations: Arc<Reservations>,
    /// Placement groups.
    pub placement_groups: Arc<PlacementGroups>,
    /// Subnets.
    pub subnets: Arc<Subnets>,
    /// Security groups.
    pub security_groups: Arc<SecurityGroups>,
    /// Instance profiles.
    pub profiles: Arc<Profiles>,
    /// Whether reserved capacity is used.
    pub reserved: Reserved,
    /// The instance profile of classes that name neither a role nor a profile; may be empty.
    pub default_profile: String,
}

/// How it went.
#[derive(Debug, Default)]
pub struct Outcome {
    /// When to look again.
    pub again: Option<Duration>,
    /// What failed. The rest was found all the same.
    pub errors: Vec<DiscoveryError>,
}

/// Why something could not be found out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// Images.
    #[error("discovering AMIs, {0}")]
    Images(#[from] ImagesError),
    /// Capacity reservations.
    #[error("discovering capacity reservations, {0}")]
    Reservations(Failure),
    /// The placement group.
    #[error("resolving placement group, {0}")]
    PlacementGroup(Failure),
    /// Subnets.
    #[error("discovering subnets, {0}")]
    Subnets(Failure),
    /// Security groups.
    #[error("discovering security groups, {0}")]
    SecurityGroups(Failure),
    /// The instance profile.
    #[error("reconciling instance profile, {0}")]
    Profile(#[from] ProfileError),
}

impl Outcome {
    /// Looks again after this time, or sooner if something else wants it.
    fn again_after(&mut self, after: Duration) {
        self.again = Some(self.again.map_or(after, |before| before.min(after)));
    }

    fn found(&mut self, result: Result<Duration, DiscoveryError>) {
        match result {
            Ok(after) => self.again_after(after),
            Err(error) => self.errors.push(error),
        }
    }
}

impl Discovery {
    /// Looks for everything that a class selects, and writes it into the class' status. What fails
    /// leaves its part of the status as it was; it holds up nothing else.
    pub async fn reconcile(&self, class: &mut Ec2NodeClass) -> Outcome {
        let before = class.status.clone();
        let mut outcome = Outcome::default();
        let images = self.find_images(class).await;
        outcome.found(images);
        if self.reserved == Reserved::Used {
            let reservations = self.find_reservations(class).await;
            outcome.found(reservations);
        }
        outcome
            .errors
            .extend(self.find_placement_group(class).await);
        let subnets = self.find_subnets(class).await;
        outcome.found(subnets);
        let groups = self.find_security_groups(class).await;
        outcome.found(groups);
        if let Err(error) = self.find_profile(class).await {
            outcome.errors.push(error.into());
        }
        tell(&before, class);
        outcome
    }

    fn findings<'a>(&self, class: &'a mut Ec2NodeClass) -> Findings<'a> {
        Findings::new(class, self.reserved, self.clock.now())
    }

    async fn find_images(&self, class: &mut Ec2NodeClass) -> Result<Duration, DiscoveryError> {
        match self.images.list(class).await {
            Ok(found) => Ok(self.findings(class).images(&found)),
            Err(ImagesError::Unsearchable(why)) => {
                Ok(self.findings(class).images_unsearchable(&why))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn find_reservations(
        &self,
        class: &mut Ec2NodeClass,
    ) -> Result<Duration, DiscoveryError> {
        let terms = &class.spec.capacity_reservation_selector_terms;
        let found = self.reservations.list(terms).await;
        let found = found.map_err(DiscoveryError::Reservations)?;
        let (again, unreadable) = self.findings(class).reservations(&found);
        if !unreadable.is_empty() {
            let mut why = String::new();
            for one in &unreadable {
                let _ = write!(why, "{}{one}", if why.is_empty() { "" } else { ", " });
            }
            let nodeclass = &class.metadata.name;
            tracing::error!(nodeclass, why, "left out capacity reservations");
        }
        Ok(again)
    }

    /// A class whose group was found before stays as it is when EC2 does not answer.
    async fn find_placement_group(&self, class: &mut Ec2NodeClass) -> Option<DiscoveryError> {
        let resolution = self.placement_groups.resolve(class).await;
        self.findings(class).placement_group(&resolution.resolved);
        resolution.failure.map(DiscoveryError::PlacementGroup)
    }

    async fn find_subnets(&self, class: &mut Ec2NodeClass) -> Result<Duration, DiscoveryError> {
        let found = self.subnets.list(class).await;
        let found = found.map_err(DiscoveryError::Subnets)?;
        Ok(self.findings(class).subnets(&found))
    }

    async fn find_security_groups(
        &self,
        class: &mut Ec2NodeClass,
    ) -> Result<Duration, DiscoveryError> {
        let found = self.security_groups.list(class).await;
        let found = found.map_err(DiscoveryError::SecurityGroups)?;
        Ok(self.findings(class).security_groups(&found))
    }

    async fn find_profile(&self, class: &mut Ec2NodeClass) -> Result<(), ProfileError> {
        match self
            .profiles
            .reconcile(class, &self.default_profile)
            .await?
        {
            Some(name) => self.findings(class).instance_profile(&name),
            None => self.findings(class).no_instance_profile(),
        }
        Ok(())
    }
}

/// Says what has changed of what was found.
fn tell(before: &api::ec2nodeclass::Ec2NodeClassStatus, class: &Ec2NodeClass) {
    let after = &class.status;
    let nodeclass = class.metadata.name.as_str();
    let tell = |what: &str, before: BTreeSet<&str>, after: BTreeSet<&str>| {
        if before != after {
            let ids = after.into_iter().collect::<Vec<_>>().join(",");
            tracing::info!(nodeclass, ids, "discovered {what}");
        }
    };
    let [old, new] = [before, after].map(|status| status.amis.iter());
    tell(
        "amis",
        old.map(|it| &*it.id).collect(),
        new.map(|it| &*it.id).collect(),
    );
    let [old, new] = [before, after].map(|status| status.subnets.iter());
    tell(
        "subnets",
        old.map(|it| &*it.id).collect(),
        new.map(|it| &*it.id).collect(),
    );
    let [old, new] = [before, after].map(|status| status.security_groups.iter());
    tell(
        "security groups",
        old.map(|it| &*it.id).collect(),
        new.map(|it| &*it.id).collect(),
    );
    let [old, new] = [before, after].map(|status| status.capacity_reservations.iter());
    tell(
        "capacity reservations",
        old.map(|it| &*it.id).collect(),
        new.map(|it| &*it.id).collect(),
    );
}

/// Things of several answers, each once: the first of each id counts.
fn union<T>(lists: impl IntoIterator<Item = Vec<T>>, id: impl Fn(&T) -> &str) -> Vec<T> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for one in lists.into_iter().flatten() {
        if seen.insert(id(&one).to_owned()) {
            all.push(one);
        }
    }
    all
}

#[cfg(test)]
mod tests;
