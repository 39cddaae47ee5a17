//! What is asked of SSM and EC2 to find the images of a class.

use std::collections::BTreeMap;

use api::Ec2NodeClass;
use api::ec2nodeclass::AmiSelectorTerm;

use super::alias::{self, Variant};
use super::select::Known;
use crate::ec2::{Filter, ImageQuery};
use crate::selectors::{distinct, tag_filters};
use crate::version::KubernetesVersion;

/// What is asked to find the images of a class: first the lookups, then, with what they found, the
/// [`Queries`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Parameters that hold ids of images.
    pub lookups: Vec<Lookup>,
    /// The alias, if it is one that is looked up.
    alias: Option<String>,
    ids: Vec<String>,
    queries: Vec<ImageQuery>,
}

/// A parameter of SSM that holds the id of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Names under which it may be; the first that exists counts.
    pub names: Vec<String>,
    /// Machines that the image is for; none: whatever the image itself says.
    pub variants: Vec<Variant>,
    /// How long its value is good.
    pub lifetime: Lifetime,
}

/// How long the value of a parameter is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lifetime {
    /// It does not change.
    Fixed,
    /// It changes when a newer image is published.
    Changing,
    /// Its owner may change it at any time; it is a user's.
    Users,
}

/// Why images can't be looked for. Looking again does not help until the class or the cluster's
/// version changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsearchable {
    /// There are no Amazon Linux 2 images for this Kubernetes version.
    #[error(
        "AL2 aliases are no longer supported on EKS 1.33+ (see https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions-standard.html#kubernetes-1-33)"
    )]
    Al2,
    /// There are no Windows Server 2025 images for this Kubernetes version yet.
    #[error("Windows Server 2025 requires EKS version 1.35 or higher, current version: {0}")]
    Windows2025(KubernetesVersion),
    /// Nobody knows this family.
    #[error("alias family {0:?} is not supported")]
    Family(String),
    /// The class has no terms, and its family no images of its own.
    #[error("amiFamily {0:?} has no images of its own: amiSelectorTerms must say which")]
    NoTerms(String),
}

/// None of an alias' parameters exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to discover any AMIs for alias {alias:?}")]
pub struct NothingFound {
    /// The alias.
    pub alias: String,
}

/// What is asked of EC2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queries {
    /// One DescribeImages each.
    pub queries: Vec<ImageQuery>,
    /// Machines of the images of which they are known.
    pub known: Known,
}

impl Search {
    /// Where the images of a class are, for a cluster of this version.
    ///
    /// A class with a family and no terms has the family's newest images. `Custom` without terms
    /// has none.
    pub fn new(class: &Ec2NodeClass, kubernetes: &KubernetesVersion) -> Result<Self, Unsearchable> {
        let spec = class.normalized().spec;
        if let Some((family, version)) = spec.alias() {
            return Ok(Self {
                lookups: alias::lookups(family, version, kubernetes)?,
                alias: Some(format!("{family}@{version}")),
                ..Self::default()
            });
        }
        if spec.ami_selector_terms.is_empty() {
            return Err(Unsearchable::NoTerms(spec.resolved_family().to_owned()));
        }
        let mut search = Self::default();
        for term in &spec.ami_selector_terms {
            search.add(term);
        }
        Ok(search)
    }

    fn add(&mut self, term: &AmiSelectorTerm) {
        if !term.id.is_empty() {
            self.ids.push(term.id.clone());
        } else if !term.ssm_parameter.is_empty() {
            self.lookups.push(Lookup {
                names: vec![term.ssm_parameter.clone()],
                variants: Vec::new(),
                lifetime: Lifetime::Users,
            });
        } else if !term.name.is_empty() || !term.tags.is_empty() {
            let name = (!term.name.is_empty()).then(|| Filter::new("name", [term.name.as_str()]));
            let filters = name.into_iter().chain(tag_filters(&term.tags));
            self.queries.push(ImageQuery {
                filters: filters.collect(),
                owners: owners(term),
            });
        }
    }

    /// Whether it is a failure if a parameter can't be read: it is for those that a user names. Of
    /// an alias some may be missing.
    pub fn needs_all(&self) -> bool {
        self.alias.is_none()
    }

    /// What is asked of EC2, with the values of the lookups, in their order; none for those that
    /// don't exist.
    pub fn queries(&self, values: &[Option<String>]) -> Result<Queries, NothingFound> {
        let mut ids = self.ids.clone();
        let mut known: Known = BTreeMap::new();
        for (lookup, value) in self.lookups.iter().zip(values) {
            let Some(id) = value.as_deref().filter(|value| is_image_id(value)) else {
                continue;
            };
            ids.push(id.to_owned());
            let sets = lookup.variants.iter().map(|variant| variant.requirements());
            known.entry(id.to_owned()).or_default().extend(sets);
        }
        known.retain(|_, sets| !sets.is_empty());
        let ids = distinct(ids);
        if let (Some(alias), true) = (&self.alias, ids.is_empty()) {
            return Err(NothingFound {
                alias: alias.clone(),
            });
        }
        let mut queries = self.queries.clone();
        queries.extend(by_ids(ids));
        Ok(Queries { queries, known })
    }
}

/// The query for images by id, if there are any.
fn by_ids(ids: Vec<String>) -> Option<ImageQuery> {
    (!ids.is_empty()).then(|| ImageQuery {
        filters: vec![Filter::new("image-id", ids)],
        owners: Vec::new(),
    })
}

impl Queries {
    /// The images of these ids, whatever they are for.
    pub fn of_ids(ids: impl IntoIterator<Item = String>) -> Self {
        Self {
            queries: by_ids(ids.into_iter().collect()).into_iter().collect(),
            known: Known::new(),
        }
    }
}

/// Whether the value of a parameter can be the id of an image.
pub(super) fn is_image_id(value: &str) -> bool {
    value.starts_with("ami-")
}

impl Lookup {
    /// Whether a value can be what is looked for.
    pub fn accepts(&self, value: &str) -> bool {
        is_image_id(value)
    }
}

/// Whose images a term is about. Names are easily given, so without an owner only ours and Amazon's
/// count.
fn owners(term: &AmiSelectorTerm) -> Vec<String> {
    match (term.owner.as_str(), term.name.as_str()) {
        ("", "") => Vec::new(),
        ("", _) => vec!["self".to_owned(), "amazon".to_owned()],
        (owner, _) => vec![owner.to_owned()],
    }
}
