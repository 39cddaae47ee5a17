use api::NodeClaim;
use api::ec2nodeclass::Ami;
use aws::Tags;
use catalog::Overhead;

use super::*;

fn nodes() -> Nodes {
    let access = || ClusterAccess {
        name: "test-cluster".to_owned(),
        endpoint: "https://test-cluster".to_owned(),
        ca_bundle: "Y2E=".to_owned(),
        cidr: Some("10.100.0.0/16".to_owned()),
        dns: None,
    };
    Nodes::new(access, |_, name| {
        let (max_pods, cpu) = match name {
            "m5.large" => (29, "70m"),
            "m5.xlarge" => (58, "80m"),
            _ => return None,
        };
        Some(Resolved {
            max_pods,
            kube_reserved: [("cpu".to_owned(), cpu.to_owned())].into(),
            ..Resolved::default()
        })
    })
}

fn machine(name: &str) -> Arc<InstanceType> {
    Arc::new(InstanceType {
        name: name.into(),
        requirements: requirements::Requirements::new(),
        offerings: Vec::new(),
        capacity: model::ResourceList::new(),
        overhead: Overhead::default(),
        capacity_overlaid: false,
        dynamic_resources: None,
    })
}

fn class() -> Ec2NodeClass {
    let mut class = Ec2NodeClass::default();
    class.spec.ami_family = Some("AL2".to_owned());
    class.status.amis = vec![Ami {
        id: "ami-1".to_owned(),
        ..Ami::default()
    }];
    class
}

fn user_data(name: &str) -> Result<UserData, String> {
    let (class, claim, tags) = (class(), NodeClaim::default(), Tags::new());
    let launch = Launch {
        class: &class,
        claim: &claim,
        types: &[],
        tags: &tags,
        group: None,
    };
    let group = Group {
        image_id: "ami-1".to_owned(),
        efa: 0,
        settings: nodes().limits(&class, &machine(name)),
        reservation: None,
        types: vec![machine(name)],
    };
    nodes().user_data(&launch, &group, CapacityType::Spot)
}

/// LT-24: kubeReserved, systemReserved and maxPods expressions / node gets the value the scheduler
/// reserved.
#[test]
fn a_node_is_told_what_its_type_was_planned_with() {
    let limits = |name| nodes().limits(&class(), &machine(name));
    assert_eq!(limits("m5.large").max_pods, 29);
    assert_eq!(limits("m5.xlarge").kube_reserved["cpu"], "80m");
    assert_ne!(limits("m5.large"), limits("m5.xlarge"), "other templates");
    let (small, large) = (user_data("m5.large"), user_data("m5.xlarge"));
    assert_ne!(small, large);
    assert_eq!(small, user_data("m5.large"), "and always the same");
}

#[test]
fn the_size_of_user_data_is_that_before_its_encoding() {
    let data = user_data("m5.large").expect("user data");
    assert!(data.bytes > 0 && data.bytes <= data.encoded.len() / 4 * 3);
    assert!(data.bytes + 2 >= data.encoded.len() / 4 * 3);
    let error = user_data("m9.huge").expect_err("no such type");
    assert!(error.contains("kubelet"), "{error}");
}

#[test]
fn types_without_an_image_are_left_out() {
    let types = [machine("m5.large")];
    let images = nodes().images(&class(), &types);
    assert_eq!(images[0].1, "ami-1");
    let mut without = class();
    without.status.amis.clear();
    assert!(nodes().images(&without, &types).is_empty());
}
