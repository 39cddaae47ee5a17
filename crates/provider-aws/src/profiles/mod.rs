//! Instance profiles: made for the roles of node classes, and deleted when nobody uses them.
//!
//! A class with another role gets another profile; the one before stays for claims that may be on
//! their way, and goes with the garbage. What is *not* here: names, paths, tags, and which
//! profiles are garbage (`aws::profiles`).

mod garbage;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::Ec2NodeClass;
use aws::profiles::{is_name, is_same_role, role_name};
use aws::{Cluster, Failure};
use runtime::Clock;
use tokio::sync::Mutex;

use crate::cache::Cache;
use crate::calls::{Iam, InstanceProfile};

/// How long the role of a profile is remembered.
const GOOD: Duration = Duration::from_mins(15);
/// How long it is remembered that there is no such role.
const MISSING: Duration = Duration::from_mins(1);
/// How long it is remembered which profile was made for a class, whose status may not say so yet.
const MADE: Duration = Duration::from_mins(1);
/// How long a profile is kept that claims may use that are not seen yet.
const PROTECTED: Duration = Duration::from_hours(1);

/// Makes and deletes instance profiles.
pub struct Profiles {
    iam: Arc<dyn Iam>,
    clock: Clock,
    cluster: Cluster,
    seed: u64,
    made: AtomicU64,
    /// Roles of profiles by name; none for a profile without.
    roles: Cache<String, Option<String>>,
    /// Roles that don't exist, by name.
    missing_roles: Cache<String, Failure>,
    /// Profiles that were made, by role and the class' uid.
    recent: Cache<(String, String), String>,
    protected: Cache<String, ()>,
    round: Mutex<()>,
}

/// Why a class has no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// Its role does not exist; IAM said so less than a minute ago.
    #[error("role not found, {0}")]
    RoleNotFound(Failure),
    /// A call failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Profiles {
    /// Of a cluster. `seed` makes names differ from those of other processes.
    pub fn new(iam: Arc<dyn Iam>, clock: Clock, cluster: Cluster, seed: u64) -> Self {
        Self {
            iam,
            cluster,
            seed,
            made: AtomicU64::new(0),
            roles: Cache::new(clock.clone(), GOOD),
            missing_roles: Cache::new(clock.clone(), MISSING),
            recent: Cache::new(clock.clone(), MADE),
            protected: Cache::new(clock.clone(), PROTECTED),
            clock,
            round: Mutex::new(()),
        }
    }

    /// The profile of a class: the one that it names, or one with its role, which is made if need
    /// be; else the default, which may be empty. None if there is none of these.
    pub async fn reconcile(
        &self,
        class: &Ec2NodeClass,
        default: &str,
    ) -> Result<Option<String>, ProfileError> {
        let written = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let name = if let Some(role) = written(&class.spec.role) {
            Some(self.of_role(class, &role).await?)
        } else {
            let default = (!default.is_empty()).then(|| default.to_owned());
            written(&class.spec.instance_profile).or(default)
        };
        let before = &class.status.instance_profile;
        if !before.is_empty() && name.as_ref() != Some(before) {
            self.protect(before);
        }
        Ok(name)
    }

    async fn of_role(&self, class: &Ec2NodeClass, role: &str) -> Result<String, ProfileError> {
        let _round = self.round.lock().await;
        let key = (role.to_owned(), class.metadata.uid.clone());
        let of_status = || Some(class.status.instance_profile.clone());
        let current = self.recent.get(&key).or_else(of_status);
        if let Some(current) = current.filter(|name| !name.is_empty()) {
            let has = self.role(&current).await?;
            if has.is_some_and(|has| is_same_role(&has, role)) {
                return Ok(current);
            }
        }
        let name = self
            .cluster
            .profile_name(&class.metadata.name, &self.unique());
        self.create(&name, class, role).await?;
        self.recent.sweep();
        self.recent.put(key, name.clone());
        self.protect(&name);
        Ok(name)
    }

    /// A text that no profile was named with before.
    fn unique(&self) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        format!("/{}/{}/{number}", self.seed, self.clock.now().nanos())
    }

    /// The role of a profile; none if it has none, or does not exist.
    async fn role(&self, name: &str) -> Result<Option<String>, Failure> {
        if let Some(known) = self.roles.get(&name.to_owned()) {
            return Ok(known);
        }
        match self.iam.instance_profile(name).await {
            Ok(profile) => {
                let role = profile.roles.into_iter().next();
                self.remember(name, role.clone());
                Ok(role)
            }
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    fn remember(&self, name: &str, role: Option<String>) {
        self.roles.sweep();
        self.roles.put(name.to_owned(), role);
    }

    /// Makes a profile with a role, whatever of it is there already. If that fails, what is there
    /// is deleted again, as far as possible.
    pub async fn create(
        &self,
        name: &str,
        class: &Ec2NodeClass,
        role: &str,
    ) -> Result<(), ProfileError> {
        if let Some(failure) = self.missing_roles.get(&role_name(role).to_owned()) {
            return Err(ProfileError::RoleNotFound(failure));
        }
        let existing = match self.iam.instance_profile(name).await {
            Ok(profile) => Some(profile),
            Err(failure) if failure.is_not_found() => None,
            Err(failure) => return Err(failure.into()),
        };
        if let Err(failure) = self.complete(name, existing, class, role).await {
            if let Err(second) = self.delete(name).await {
                tracing::error!(profile = name, %second, "deleting an incomplete instance profile");
            }
            return Err(failure.into());
        }
        self.remember(name, Some(role.to_owned()));
        Ok(())
    }

    async fn complete(
        &self,
        name: &str,
        existing: Option<InstanceProfile>,
        class: &Ec2NodeClass,
        role: &str,
    ) -> Result<(), Failure> {
        let profile = if let Some(profile) = existing {
            profile
        } else {
            let path = self.cluster.class_profile_path(&class.metadata.uid);
            let tags = self.cluster.profile_tags(class);
            let made = self.iam.create_instance_profile(name, &path, &tags).await?;
            tracing::info!(profile = name, "created instance profile");
            made
        };
        let role = role_name(role);
        if profile.roles.len() == 1 && profile.roles[0] == role {
            return Ok(());
        }
        for other in &profile.roles {
            self.iam.remove_role(name, other).await?;
        }
        let added = self.iam.add_role(name, role).await;
        if let Err(failure) = &added
            && failure.is_role_missing()
        {
            self.missing_roles.sweep();
            self.missing_roles.put(role.to_owned(), failure.clone());
        }
        added
    }

    /// Deletes a profile; one that does not exist is no failure.
    pub async fn delete(&self, name: &str) -> Result<(), Failure> {
        match self.iam.instance_profile(name).await {
            Ok(profile) => {
                for role in &profile.roles {
                    ignore_missing(self.iam.remove_role(name, role).await)?;
                }
                ignore_missing(self.iam.delete_instance_profile(name).await)?;
            }
            Err(failure) if failure.is_not_found() => {}
            Err(failure) => return Err(failure),
        }
        self.roles.remove(&name.to_owned());
        self.protected.remove(&name.to_owned());
        Ok(())
    }

    /// Deletes all profiles that were made for a class, also one of the form of earlier releases.
    /// Stops at the first failure.
    pub async fn delete_of_class(&self, class: &Ec2NodeClass) -> Result<(), Failure> {
        let path = self.cluster.class_profile_path(&class.metadata.uid);
        for profile in self.list(&path).await? {
            self.delete(&profile.name).await?;
        }
        let legacy = self.cluster.legacy_profile_name(&class.metadata.name);
        if is_name(&legacy) {
            self.delete(&legacy).await?;
        } else {
            tracing::debug!(
                profile = legacy,
                "not deleting what can't be an instance profile"
            );
        }
        Ok(())
    }

    /// The profiles whose path begins with a text.
    pub async fn list(&self, path: &str) -> Result<Vec<InstanceProfile>, Failure> {
        let mut profiles = self.iam.instance_profiles(path).await?;
        profiles.retain(|profile| profile.path.starts_with(path));
        Ok(profiles)
    }

    /// Keeps a profile for an hour, since claims may use it that are not seen yet.
    pub fn protect(&self, name: &str) {
        self.protected.sweep();
        self.protected.put(name.to_owned(), ());
    }

    /// Whether a profile is kept for claims that may not be seen yet.
    pub fn is_protected(&self, name: &str) -> bool {
        self.protected.get(&name.to_owned()).is_some()
    }
}

fn ignore_missing(result: Result<(), Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if failure.is_not_found() => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
