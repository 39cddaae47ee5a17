//! Which instance type a launch is tried with.

use std::sync::Arc;

use api::{Ec2NodeClass, NodePool};
use catalog::InstanceType;
use catalog::ec2::AmiFamily;
use requirements::{AllowUndefined, Requirement, Requirements};

use crate::images::Choices;

/// Types that stand for all where no pool helps to choose.
const COMMON: [&str; 2] = ["m5.large", "m6g.large"];

/// What a type is chosen from.
#[derive(Clone, Copy, Debug)]
pub struct Candidates<'a> {
    /// The class.
    pub class: &'a Ec2NodeClass,
    /// The class' family.
    pub family: AmiFamily,
    /// All types of the class that its settings allow.
    pub types: &'a [Arc<InstanceType>],
    /// The pools of the class.
    pub pools: &'a [Arc<NodePool>],
}

/// The type that a launch is tried with, and the image that it would run: one that a pool of the
/// class would use, preferably without accelerators; none if no type runs any image of the class.
pub fn trial_type(of: &Candidates<'_>) -> Option<(Arc<InstanceType>, String)> {
    let choices = Choices::new(&of.class.status.amis);
    let with_image = |types: &[Arc<InstanceType>]| -> Vec<(Arc<InstanceType>, String)> {
        let images = types.iter().filter_map(|one| {
            let image = choices.image_for(&one.requirements)?;
            Some((one.clone(), image.to_owned()))
        });
        images.collect()
    };
    let mut wanted = of_pools(of);
    if wanted.is_empty() || of.family.is_windows() {
        wanted = common(of.types);
    }
    let plain: Vec<_> = wanted.iter().filter(|one| is_plain(one)).cloned().collect();
    let first = |types: &[Arc<InstanceType>]| with_image(types).into_iter().next();
    first(&plain)
        .or_else(|| first(&wanted))
        .or_else(|| first(&common(of.types)))
        .or_else(|| first(of.types))
}

/// The types that the first pool that admits any admits.
fn of_pools(of: &Candidates<'_>) -> Vec<Arc<InstanceType>> {
    let admitted = |pool: &Arc<NodePool>| -> Vec<Arc<InstanceType>> {
        let wanted = requirements_of(pool);
        let admits = |one: &&Arc<InstanceType>| one.requirements.intersects(&wanted).is_ok();
        of.types.iter().filter(admits).cloned().collect()
    };
    let mut each = of.pools.iter().map(admitted);
    each.find(|types| !types.is_empty()).unwrap_or_default()
}

/// Requirements and labels of a pool's nodes.
fn requirements_of(pool: &NodePool) -> Requirements {
    let template = &pool.spec.template;
    let mut wanted = Requirements::from_items(&template.spec.requirements);
    for label in &Requirements::from_labels(&template.metadata.labels) {
        wanted.add(label.clone());
    }
    wanted
}

fn common(types: &[Arc<InstanceType>]) -> Vec<Arc<InstanceType>> {
    let found: Vec<Arc<InstanceType>> = COMMON
        .iter()
        .filter_map(|name| types.iter().find(|one| *one.name == **name).cloned())
        .collect();
    if found.is_empty() {
        return types.to_vec();
    }
    found
}

/// Whether a type has no accelerators.
fn is_plain(one: &InstanceType) -> bool {
    let plain = [
        "karpenter.k8s.aws/instance-gpu-count",
        "karpenter.k8s.aws/instance-accelerator-count",
    ];
    let plain: Requirements = plain.into_iter().map(Requirement::does_not_exist).collect();
    let allow = AllowUndefined::Nothing;
    one.requirements.is_compatible(&plain, &allow)
}
