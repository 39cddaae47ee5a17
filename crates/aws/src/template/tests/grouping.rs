//! Which templates a launch needs.

use super::*;
use crate::images::Choices;

fn types() -> Vec<Arc<InstanceType>> {
    ["m5.large", "m5.xlarge"]
        .iter()
        .map(|name| shared(name, everywhere(0.1, 0.05)))
        .collect()
}

/// Groups of a class whose images are these: each with the sizes that it is for.
fn of_images(images: &[(&str, &[&str])]) -> Result<BTreeMap<String, Vec<String>>, NoGroups> {
    let mut class = class();
    let ami = |(id, sizes): &(&str, &[&str])| Ami {
        id: (*id).to_owned(),
        requirements: vec![api::nodeoverlay::OverlayRequirement {
            key: "karpenter.k8s.aws/instance-size".to_owned(),
            operator: "In".to_owned(),
            values: sizes.iter().map(|size| (*size).to_owned()).collect(),
        }],
        ..Ami::default()
    };
    class.status.amis = images.iter().map(ami).collect();
    let types = types();
    let needs = Needs {
        class: &class,
        images: Choices::new(&class.status.amis).images_for(&types),
        requests: &ResourceList::new(),
        capacity_type: CapacityType::OnDemand,
    };
    let groups = groups(&needs, |_| ())?;
    let named = |group: Group<()>| {
        let types = group.types.iter().map(|one| one.name.to_string());
        (group.image_id, types.collect())
    };
    Ok(groups.into_iter().map(named).collect())
}

/// LT-19: two AMIs with different requirements / two templates; several matching AMIs / newest
/// used; no AMI or incompatible / no launch.
#[test]
fn each_image_has_its_own_template() {
    let two = of_images(&[("ami-1", &["large"]), ("ami-2", &["xlarge"])]).expect("groups");
    assert_eq!(two.len(), 2);
    assert_eq!(two["ami-1"], ["m5.large"]);
    assert_eq!(two["ami-2"], ["m5.xlarge"]);
    // The status has the newest first.
    let both: &[&str] = &["large", "xlarge"];
    let newest = of_images(&[("ami-new", both), ("ami-old", both)]).expect("groups");
    assert_eq!(newest.keys().collect::<Vec<_>>(), ["ami-new"]);
    assert_eq!(of_images(&[]), Err(NoGroups::NoImages));
    let none = of_images(&[("ami-1", &["metal"])]);
    assert_eq!(none, Err(NoGroups::NoTypes(vec!["ami-1".to_owned()])));
}

#[test]
fn without_security_groups_there_is_no_template() {
    let mut class = class();
    class.status.security_groups.clear();
    let needs = Needs {
        class: &class,
        images: Vec::new(),
        requests: &ResourceList::new(),
        capacity_type: CapacityType::OnDemand,
    };
    let error = groups(&needs, |_| ()).expect_err("no groups");
    let text = "no security groups are present in the status";
    assert_eq!(error.to_string(), text);
}

#[test]
fn efa_sets_types_apart_only_where_it_is_asked_for() {
    let class = class();
    let efa = |name, count| {
        let machine = machine(name, everywhere(0.1, 0.05));
        with(machine, &[("vpc.amazonaws.com/efa", count)])
    };
    let types = [
        efa("a.large", "1"),
        efa("b.large", "4"),
        efa("c.large", "4"),
    ];
    let count = |requests: &ResourceList| {
        let pairs = types.iter().map(|one| (one.clone(), "ami-1".to_owned()));
        let needs = Needs {
            class: &class,
            images: pairs.collect(),
            requests,
            capacity_type: CapacityType::OnDemand,
        };
        let groups = groups(&needs, |_| ()).expect("groups");
        groups.iter().map(|group| group.efa).collect::<Vec<_>>()
    };
    assert_eq!(count(&ResourceList::new()), [0]);
    let asks = amounts(&[("vpc.amazonaws.com/efa", "1")]);
    assert_eq!(count(&asks), [1, 4]);
}
