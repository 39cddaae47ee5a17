//! Which of the images that were found a class uses.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use api::ec2nodeclass::Ami;
use api::labels::ARCH;
use api::nodeoverlay::OverlayRequirement;
use model::Timestamp;
use requirements::{Requirement, Requirements};

use crate::ec2::Image;

/// Machines of images, by the image's id: one set of requirements for each kind of machine.
pub type Known = BTreeMap<String, Vec<Requirements>>;

/// An image that a class uses for some machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// `ami-...`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether its owner wants it no longer used.
    pub deprecated: bool,
    /// What its machines have.
    pub requirements: Requirements,
}

impl Selected {
    /// As a class' status has it: requirements with short keys first.
    pub fn status(&self) -> Ami {
        let items = self.requirements.to_items().into_iter();
        let entry = |item: api::NodeRequirement| OverlayRequirement {
            key: item.key,
            operator: item.operator,
            values: item.values,
        };
        let mut requirements: Vec<_> = items.map(entry).collect();
        requirements.sort_by(|one, other| {
            let rank = |item: &OverlayRequirement| (item.key.len(), item.key.clone());
            rank(one).cmp(&rank(other))
        });
        Ami {
            id: self.id.clone(),
            name: self.name.clone(),
            deprecated: self.deprecated,
            requirements,
        }
    }
}

/// Whether an image's owner wants it no longer used.
pub fn is_deprecated(image: &Image, now: Timestamp) -> bool {
    image.deprecated.is_some_and(|at| at <= now)
}

/// The best image for each kind of machine: not deprecated, then newer, then of a greater name. The
/// newest image comes first, then by id.
pub fn select(found: &[Image], known: &Known, now: Timestamp) -> Vec<Selected> {
    let mut best: BTreeMap<Requirements, &Image> = BTreeMap::new();
    let rank = |image: &Image| {
        let deprecated = is_deprecated(image, now);
        (
            Reverse(deprecated),
            image.created,
            image.name.clone(),
            Reverse(image.id.clone()),
        )
    };
    for image in found {
        let Some(architecture) = architecture(&image.architecture) else {
            continue;
        };
        for mut set in sets(known, &image.id) {
            set.add(Requirement::single(ARCH, architecture));
            let kept = best.entry(set).or_insert(image);
            if rank(image) > rank(kept) {
                *kept = image;
            }
        }
    }
    let selected = best.into_iter().map(|(requirements, image)| Selected {
        id: image.id.clone(),
        name: image.name.clone(),
        created: image.created,
        deprecated: is_deprecated(image, now),
        requirements,
    });
    let mut selected: Vec<_> = selected.collect();
    selected.sort_by(|one, other| {
        let rank = |image: &Selected| (Reverse(image.created), image.id.clone());
        rank(one).cmp(&rank(other))
    });
    selected
}

/// The machines of an image; all of them where nothing is known.
fn sets(known: &Known, id: &str) -> Vec<Requirements> {
    known
        .get(id)
        .cloned()
        .unwrap_or_else(|| vec![Requirements::new()])
}

/// In Kubernetes' spelling; none for one that nodes don't have.
fn architecture(of_ec2: &str) -> Option<&'static str> {
    match of_ec2 {
        "x86_64" => Some("amd64"),
        "arm64" => Some("arm64"),
        _ => None,
    }
}
