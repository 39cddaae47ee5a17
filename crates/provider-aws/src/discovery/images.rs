//! Images of node classes.
//!
//! SSM is only asked where what was found before is no longer good, and once in a while it is
//! looked whether what SSM said is out of date ([`Images::invalidate`]). What is *not* here: where
//! images are looked for, and which of them are used (`aws::images`).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use api::Ec2NodeClass;
use aws::Failure;
use aws::ec2::Image;
use aws::images::{
    Lookup, NothingFound, Queries, Search, Selected, Unsearchable, is_deprecated, select,
};
use aws::selectors::cache_key;
use runtime::Clock;
use tokio::sync::Mutex;

use super::parameters::Parameters;
use super::union;
use crate::cache::Cache;
use crate::calls::Ec2;
use crate::version::Versions;

/// How often it is looked whether parameters are out of date.
const INVALIDATION: Duration = Duration::from_mins(30);

/// Finds images.
pub struct Images {
    ec2: Arc<dyn Ec2>,
    clock: Clock,
    parameters: Parameters,
    versions: Versions,
    /// By class and the cluster's version.
    known: Cache<(String, String), Arc<[Selected]>>,
    round: Mutex<()>,
}

/// Why images could not be found out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImagesError {
    /// They can't be looked for.
    #[error(transparent)]
    Unsearchable(#[from] Unsearchable),
    /// None of an alias' parameters could be read.
    #[error("{nothing}{}", failure.as_ref().map(|it| format!(", {it}")).unwrap_or_default())]
    NothingFound {
        /// The alias.
        nothing: NothingFound,
        /// The last failure other than that a parameter does not exist.
        failure: Option<Failure>,
    },
    /// A call failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl Images {
    /// What is found is good for `refresh` (`AMI_REFRESH_INTERVAL`).
    pub fn new(
        ec2: Arc<dyn Ec2>,
        parameters: Parameters,
        versions: Versions,
        clock: Clock,
        refresh: Duration,
    ) -> Self {
        Self {
            ec2,
            known: Cache::new(clock.clone(), refresh),
            clock,
            parameters,
            versions,
            round: Mutex::new(()),
        }
    }

    /// The images of a class, the newest first.
    pub async fn list(&self, class: &Ec2NodeClass) -> Result<Arc<[Selected]>, ImagesError> {
        let version = self.versions.get();
        let search = Search::new(class, &version)?;
        let key = (cache_key(class), version.to_string());
        let _round = self.round.lock().await;
        if let Some(known) = self.known.get(&key) {
            return Ok(known);
        }
        let queries = self.look_up(&search).await?;
        let images = self.describe(&queries).await?;
        let found: Arc<[Selected]> = select(&images, &queries.known, self.clock.now()).into();
        self.known.sweep();
        self.known.put(key, found.clone());
        Ok(found)
    }

    /// Reads the parameters of a search.
    async fn look_up(&self, search: &Search) -> Result<Queries, ImagesError> {
        let mut values = Vec::new();
        let mut last = None;
        for lookup in &search.lookups {
            match self.value(lookup).await {
                Ok(value) => values.push(value),
                // An image that can't be found out for a moment is still there: nodes that run it
                // have not drifted.
                Err(failure) if search.needs_all() || failure.is_transient() => {
                    return Err(failure.into());
                }
                Err(failure) => {
                    tracing::error!(names = lookup.names.join(","), %failure, "left out an AMI");
                    last = Some(failure);
                    values.push(None);
                }
            }
        }
        let queries = search.queries(&values);
        queries.map_err(|nothing| ImagesError::NothingFound {
            nothing,
            failure: last,
        })
    }

    /// The id that a parameter holds; none if there is no such parameter, or it holds none.
    async fn value(&self, lookup: &Lookup) -> Result<Option<String>, Failure> {
        for name in &lookup.names {
            match self.parameters.get(name, lookup.lifetime).await {
                Ok(value) if lookup.accepts(&value) => return Ok(Some(value)),
                Ok(value) => {
                    tracing::error!(parameter = name, value, "ssm parameter holds no AMI id");
                }
                Err(failure) if failure.is_not_found() => {
                    tracing::debug!(parameter = name, "ssm parameter not found");
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }

    async fn describe(&self, queries: &Queries) -> Result<Vec<Image>, Failure> {
        let mut answers = Vec::new();
        for query in &queries.queries {
            answers.push(self.ec2.images(query).await?);
        }
        Ok(union(answers, |image| &image.id))
    }

    /// Forgets parameters whose image is deprecated or gone: then there is a newer one, and it is
    /// read when images are looked for next. Returns their names.
    pub async fn invalidate(&self) -> Result<Vec<String>, Failure> {
        let changing = self.parameters.changing();
        let ids: BTreeSet<String> = changing.iter().map(|(_, id)| id.clone()).collect();
        let queries = Queries::of_ids(ids);
        let images = self.describe(&queries).await?;
        let now = self.clock.now();
        let good = images.iter().filter(|image| !is_deprecated(image, now));
        let good: BTreeSet<&str> = good.map(|image| image.id.as_str()).collect();
        let mut forgotten = Vec::new();
        for (name, id) in changing {
            if !good.contains(id.as_str()) {
                tracing::debug!(parameter = name, id, "ssm parameter is out of date");
                self.parameters.forget(&name);
                forgotten.push(name);
            }
        }
        Ok(forgotten)
    }

    /// One round of the loop `providers.ssm.invalidation`. Says when the next one is due.
    pub async fn invalidation_round(&self) -> Result<Duration, Failure> {
        self.invalidate().await.map(|_| INVALIDATION)
    }
}
