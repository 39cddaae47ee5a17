use std::collections::BTreeMap;

use api::Ec2NodeClass;
use api::ec2nodeclass::AmiSelectorTerm;
use catalog::ec2::{Ec2Options, bundled};
use model::Timestamp;

use super::*;
use crate::ec2::{Filter, Image, ImageQuery};
use crate::version::KubernetesVersion;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn class(terms: Vec<AmiSelectorTerm>) -> Ec2NodeClass {
    let mut class = Ec2NodeClass::default();
    class.spec.ami_selector_terms = terms;
    class
}

fn term() -> AmiSelectorTerm {
    AmiSelectorTerm::default()
}

fn aliased(alias: &str) -> Ec2NodeClass {
    class(vec![AmiSelectorTerm {
        alias: alias.to_owned(),
        ..term()
    }])
}

fn search(class: &Ec2NodeClass, version: &str) -> Result<Search, Unsearchable> {
    Search::new(class, &KubernetesVersion::new(version))
}

/// Names of all parameters of an alias.
fn names(alias: &str, version: &str) -> Vec<String> {
    let search = search(&aliased(alias), version).expect("an alias");
    let names = search.lookups.into_iter().flat_map(|lookup| lookup.names);
    names.collect()
}

/// An image for each parameter, of the architecture that its name speaks of.
fn answer(search: &Search) -> (Vec<Option<String>>, Vec<Image>) {
    let mut values = Vec::new();
    let mut images = Vec::new();
    for (index, lookup) in search.lookups.iter().enumerate() {
        let id = format!("ami-{index}");
        let arm = lookup.names[0].contains("arm64");
        images.push(image(&id, if arm { "arm64" } else { "x86_64" }, 0));
        values.push(Some(id));
    }
    (values, images)
}

fn image(id: &str, architecture: &str, age: i64) -> Image {
    Image {
        id: id.to_owned(),
        name: format!("name of {id}"),
        architecture: architecture.to_owned(),
        created: Some(Timestamp::from_seconds(NOW.seconds() - age)),
        deprecated: None,
    }
}

/// What the status of a class says when everything that it looks up is found: id, then each
/// requirement.
fn status(alias: &str, version: &str) -> Vec<String> {
    let search = search(&aliased(alias), version).expect("an alias");
    let (values, images) = answer(&search);
    let known = search.queries(&values).expect("images").known;
    let entry = |selected: &Selected| {
        let status = selected.status();
        let items = status.requirements.iter().map(|item| {
            let key = item.key.rsplit('/').next().unwrap_or_default();
            format!(" {key} {}{}", item.operator, item.values.join(","))
        });
        status.id.clone() + &items.collect::<String>()
    };
    let mut entries: Vec<String> = select(&images, &known, NOW).iter().map(entry).collect();
    entries.sort();
    entries
}

const STANDARD: &str = "instance-gpu-count DoesNotExist instance-accelerator-count DoesNotExist";

#[test]
fn amazon_linux_2_has_one_image_for_both_kinds_of_accelerators() {
    let expected = [
        format!("ami-0 arch Inamd64 {STANDARD}"),
        format!("ami-1 arch Inarm64 {STANDARD}"),
        "ami-2 arch Inamd64 instance-accelerator-count Exists".to_owned(),
        "ami-2 arch Inamd64 instance-gpu-count Exists".to_owned(),
    ];
    assert_eq!(status("al2@latest", "1.30"), expected);
    let root = "/aws/service/eks/optimized-ami/1.30";
    let expected = [
        "amazon-linux-2",
        "amazon-linux-2-arm64",
        "amazon-linux-2-gpu",
    ]
    .map(|folder| format!("{root}/{folder}/recommended/image_id"));
    assert_eq!(names("al2@latest", "1.30"), expected);
    let pinned = format!("{root}/amazon-linux-2-gpu/amazon-eks-gpu-node-1.30-v20240807/image_id");
    assert_eq!(names("al2@v20240807", "1.30")[2], pinned);
}

#[test]
fn amazon_linux_2023_has_an_image_for_each_kind() {
    let expected = [
        format!("ami-0 arch Inamd64 {STANDARD}"),
        "ami-1 arch Inamd64 instance-gpu-count Exists".to_owned(),
        "ami-2 arch Inamd64 instance-accelerator-count Exists".to_owned(),
        format!("ami-3 arch Inarm64 {STANDARD}"),
        "ami-4 arch Inarm64 instance-gpu-count Exists".to_owned(),
    ];
    assert_eq!(status("al2023@latest", "1.33"), expected);
    let name = &names("al2023@latest", "1.33")[1];
    let root = "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023";
    assert_eq!(name, &format!("{root}/x86_64/nvidia/recommended/image_id"));
}

#[test]
fn bottlerocket_serves_aws_accelerators_with_its_standard_image() {
    let expected = [
        format!("ami-0 arch Inamd64 {STANDARD}"),
        "ami-0 arch Inamd64 instance-accelerator-count Exists".to_owned(),
        format!("ami-1 arch Inarm64 {STANDARD}"),
        "ami-2 arch Inamd64 instance-gpu-count Exists".to_owned(),
        "ami-3 arch Inarm64 instance-gpu-count Exists".to_owned(),
    ];
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(status("bottlerocket@latest", "1.30"), expected);
    let expected = ["/x86_64", "/arm64", "-nvidia/x86_64", "-nvidia/arm64"]
        .map(|kind| format!("/aws/service/bottlerocket/aws-k8s-1.30{kind}/latest/image_id"));
    assert_eq!(names("bottlerocket@latest", "1.30"), expected);
}

#[test]
fn windows_images_say_their_build() {
    for (year, build) in [
        ("2019", "10.0.17763"),
        ("2022", "10.0.20348"),
        ("2025", "10.0.26100"),
    ] {
        let alias = format!("windows{year}@latest");
        let expected = format!("ami-0 os Inwindows arch Inamd64 windows-build In{build}");
        assert_eq!(status(&alias, "1.35"), [expected]);
        let image = format!("Windows_Server-{year}-English-Core-EKS_Optimized-1.35");
        let name = format!("/aws/service/ami-windows-latest/{image}/image_id");
        assert_eq!(names(&alias, "1.35"), [name]);
    }
}

#[test]
fn ubuntu_is_looked_for_in_the_newest_release_first() {
    let mut class = Ec2NodeClass::default();
    class.spec.ami_family = Some("Ubuntu".to_owned());
    let found = search(&class, "1.33").expect("a family");
    let root = "/aws/service/canonical/ubuntu/eks";
    let expected = [
        format!("{root}/24.04/1.33/stable/current/amd64/hvm/ebs-gp3/ami-id"),
        format!("{root}/22.04/1.33/stable/current/amd64/hvm/ebs-gp2/ami-id"),
    ];
    assert_eq!(found.lookups[0].names, expected);
    assert_eq!(found.lookups.len(), 2);
    let old = search(&class, "1.28").expect("a family");
    let name = format!("{root}/20.04/1.28/stable/current/arm64/hvm/ebs-gp2/ami-id");
    assert_eq!(old.lookups[1].names[1], name);
    let expected = ["ami-0 arch Inamd64", "ami-1 arch Inarm64"];
    assert_eq!(status("ubuntu@latest", "1.33"), expected);
}

/// AMI-5: there is no Amazon Linux 2 for Kubernetes 1.33 and newer.
#[test]
fn amazon_linux_2_ends_with_kubernetes_1_32() {
    for version in ["1.33", "1.34"] {
        let error = search(&aliased("al2@latest"), version).expect_err("too new");
        assert_eq!(error, Unsearchable::Al2);
        let text = "AL2 aliases are no longer supported on EKS 1.33+ (see https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions-standard.html#kubernetes-1-33)";
        assert_eq!(error.to_string(), text);
    }
    for version in ["1.32", "unknown"] {
        assert!(search(&aliased("al2@latest"), version).is_ok(), "{version}");
    }
    assert!(search(&aliased("al2023@latest"), "1.33").is_ok());
}

/// AMI-6: Windows Server 2025 begins with Kubernetes 1.35.
#[test]
fn windows_server_2025_begins_with_kubernetes_1_35() {
    let error = search(&aliased("windows2025@latest"), "1.34").expect_err("too old");
    let text = "Windows Server 2025 requires EKS version 1.35 or higher, current version: 1.34";
    assert_eq!(error.to_string(), text);
    for version in ["1.35", "unknown"] {
        assert!(
            search(&aliased("windows2025@latest"), version).is_ok(),
            "{version}"
        );
    }
}

/// AMI-8: a version of an alias stands in the names of its parameters.
#[test]
fn a_version_stands_in_the_names_of_parameters() {
    let root = "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023";
    let image = "amazon-eks-node-al2023-arm64-standard-1.33-v20240625";
    let expected = format!("{root}/arm64/standard/{image}/image_id");
    assert_eq!(names("al2023@v20240625", "1.33")[3], expected);
    let expected = "/aws/service/bottlerocket/aws-k8s-1.30/x86_64/1.10.0/image_id";
    assert_eq!(names("bottlerocket@v1.10.0", "1.30")[0], expected);
}

#[test]
fn only_the_newest_image_changes_in_time() {
    let lifetime = |alias: &str| {
        let found = search(&aliased(alias), "1.30").expect("an alias");
        found.lookups[0].lifetime
    };
    assert_eq!(lifetime("al2023@latest"), Lifetime::Changing);
    assert_eq!(lifetime("al2023@v20240625"), Lifetime::Fixed);
    assert_eq!(lifetime("windows2022@latest"), Lifetime::Changing);
}

#[test]
fn a_family_without_terms_has_its_newest_images_and_custom_has_none() {
    let mut class = Ec2NodeClass::default();
    class.spec.ami_family = Some("Bottlerocket".to_owned());
    let found = search(&class, "1.30").expect("a family");
    let aliased = search(&aliased("bottlerocket@latest"), "1.30").expect("an alias");
    assert_eq!(found, aliased);
    class.spec.ami_family = Some("Custom".to_owned());
    let error = search(&class, "1.30")
        .expect_err("nothing to look for")
        .to_string();
    assert!(
        error.contains("Custom") && error.contains("amiSelectorTerms"),
        "{error}"
    );
}

#[test]
fn an_alias_of_nobody_is_told() {
    let error = search(&aliased("gentoo@latest"), "1.30").expect_err("unknown");
    assert_eq!(error, Unsearchable::Family("gentoo".to_owned()));
}

#[test]
fn parameters_of_an_alias_that_do_not_exist_are_left_out() {
    let found = search(&aliased("al2023@latest"), "1.30").expect("an alias");
    assert!(!found.needs_all());
    let mut values = vec![None; 5];
    let error = found.queries(&values).expect_err("nothing").to_string();
    assert!(
        error.contains("failed to discover any AMIs for alias"),
        "{error}"
    );
    values[3] = Some("ami-3".to_owned());
    let queries = found.queries(&values).expect("one");
    let ids = Filter::new("image-id", ["ami-3"]);
    assert_eq!(queries.queries[0].filters, [ids]);
    assert_eq!(queries.known.len(), 1);
}

fn named(name: &str, owner: &str, tags: &[(&str, &str)]) -> AmiSelectorTerm {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    AmiSelectorTerm {
        name: name.to_owned(),
        owner: owner.to_owned(),
        tags: tags.iter().map(owned).collect(),
        ..term()
    }
}

/// AMI-9: only for names we take care whose images count.
#[test]
fn names_are_looked_for_among_our_own_and_amazons() {
    let by_id = AmiSelectorTerm {
        id: "ami-1".to_owned(),
        ..term()
    };
    let terms = vec![
        by_id,
        named("my-*", "", &[]),
        named("my-*", "123456789012", &[]),
        named("", "", &[("team", "a"), ("Name", "*")]),
        named("", "123456789012", &[("team", "a*")]),
    ];
    let found = search(&class(terms), "1.30").expect("terms");
    let query = |filters: Vec<Filter>, owners: &[&str]| ImageQuery {
        filters,
        owners: owners.iter().map(|owner| (*owner).to_owned()).collect(),
    };
    let name = || Filter::new("name", ["my-*"]);
    let expected = [
        query(vec![name()], &["self", "amazon"]),
        query(vec![name()], &["123456789012"]),
        query(
            vec![
                Filter::new("tag-key", ["Name"]),
                Filter::new("tag:team", ["a"]),
            ],
            &[],
        ),
        query(vec![Filter::new("tag:team", ["a*"])], &["123456789012"]),
        query(vec![Filter::new("image-id", ["ami-1"])], &[]),
    ];
    assert_eq!(found.queries(&[]).expect("terms").queries, expected);
}

#[test]
fn parameters_that_users_name_are_looked_up_and_must_hold_images() {
    let parameter = |name: &str| AmiSelectorTerm {
        ssm_parameter: name.to_owned(),
        ..term()
    };
    let terms = vec![parameter("/mine"), parameter("/other"), parameter("/odd")];
    let found = search(&class(terms), "1.30").expect("terms");
    assert!(found.needs_all());
    assert_eq!(found.lookups[0].lifetime, Lifetime::Users);
    assert!(found.lookups[0].accepts("ami-x") && !found.lookups[0].accepts("foo"));
    let values = [Some("ami-x".to_owned()), None, Some("foo".to_owned())];
    let queries = found.queries(&values).expect("terms");
    assert_eq!(
        queries.queries[0].filters,
        [Filter::new("image-id", ["ami-x"])]
    );
    assert!(queries.known.is_empty());
    let nothing = found.queries(&[None, None, None]).expect("terms");
    assert_eq!(nothing, Queries::default());
}

#[test]
fn of_a_term_that_says_too_much_the_id_counts_then_the_parameter() {
    let mut both = named("name", "", &[]);
    both.ssm_parameter = "/mine".to_owned();
    let found = search(&class(vec![both.clone()]), "1.30").expect("terms");
    assert_eq!(found.lookups.len(), 1);
    assert_eq!(found.queries(&[None]).expect("terms"), Queries::default());
    both.id = "ami-1".to_owned();
    let found = search(&class(vec![both]), "1.30").expect("terms");
    assert!(found.lookups.is_empty());
    assert_eq!(found.queries(&[]).expect("terms").queries.len(), 1);
}

fn ids(selected: &[Selected]) -> Vec<&str> {
    selected.iter().map(|image| image.id.as_str()).collect()
}

/// AMI-10: deprecated images come last, then the older ones, then those of a lesser name.
#[test]
fn the_best_image_of_an_architecture_is_used() {
    let older = image("ami-older", "x86_64", 3600);
    let mut newer = image("ami-newer", "x86_64", 60);
    let pick = |images: &[&Image]| {
        let images: Vec<Image> = images.iter().map(|image| (*image).clone()).collect();
        let selected = select(&images, &Known::new(), NOW);
        assert_eq!(selected.len(), 1);
        selected[0].clone()
    };
    assert_eq!(pick(&[&older, &newer]).id, "ami-newer");
    newer.deprecated = Some(NOW);
    for order in [[&older, &newer], [&newer, &older]] {
        assert_eq!(pick(&order).id, "ami-older");
    }
    let mut old = older.clone();
    old.deprecated = Some(NOW.before(std::time::Duration::from_hours(1)));
    let both = pick(&[&old, &newer]);
    assert!(both.deprecated && both.id == "ami-newer");
    let mut same = older.clone();
    (same.id, same.name) = ("ami-a".to_owned(), "zz".to_owned());
    for order in [[&older, &same], [&same, &older]] {
        assert_eq!(pick(&order).id, "ami-a");
    }
}

/// AMI-11: the newest image comes first, then by id, the same at each call.
#[test]
fn images_are_in_order_of_age_then_id() {
    let mut undated = image("ami-0", "x86_64", 0);
    undated.created = None;
    let found = [
        undated,
        image("ami-c", "x86_64", 60),
        image("ami-b", "x86_64", 60),
        image("ami-d", "x86_64", 10),
    ];
    let sets = |id: &str, key: &str| {
        let set = [requirements::Requirement::exists(key)];
        (id.to_owned(), vec![set.into_iter().collect()])
    };
    let known = Known::from([
        sets("ami-0", "a"),
        sets("ami-b", "b"),
        sets("ami-c", "c"),
        sets("ami-d", "d"),
    ]);
    for _ in 0..3 {
        let selected = select(&found, &known, NOW);
        assert_eq!(ids(&selected), ["ami-d", "ami-b", "ami-c", "ami-0"]);
    }
}

/// AMI-14: an image of an architecture that nodes don't have is none.
#[test]
fn images_of_other_architectures_are_ignored() {
    let found = [image("ami-1", "i386", 0), image("ami-2", "arm64", 60)];
    assert_eq!(ids(&select(&found, &Known::new(), NOW)), ["ami-2"]);
}

/// Types of the bundled table by the image of an alias that they run.
fn images_of(alias: &str, types: &[&str]) -> Vec<String> {
    let catalog = bundled(&Ec2Options::default()).expect("a catalog");
    let found = search(&aliased(alias), "1.30").expect("an alias");
    let (values, images) = answer(&found);
    let known = found.queries(&values).expect("images").known;
    let amis: Vec<_> = select(&images, &known, NOW)
        .iter()
        .map(Selected::status)
        .collect();
    let types: Vec<_> = types
        .iter()
        .map(|name| catalog.get(name).expect(name).clone())
        .collect();
    let mut by_image: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (one, id) in Choices::new(&amis).images_for(&types) {
        by_image.entry(id).or_default().push(one.name.to_string());
    }
    let group = |(id, names): (String, Vec<String>)| format!("{id}: {}", names.join(" "));
    by_image.into_iter().map(group).collect()
}

#[test]
fn machines_run_the_image_for_what_they_have() {
    let types = [
        "m5.large",
        "g4dn.xlarge",
        "c6g.large",
        "inf2.xlarge",
        "g5g.xlarge",
        "m5.xlarge",
    ];
    let expected = [
        "ami-0: m5.large m5.xlarge",
        "ami-1: g4dn.xlarge",
        "ami-2: inf2.xlarge",
        "ami-3: c6g.large",
        "ami-4: g5g.xlarge",
    ];
    assert_eq!(images_of("al2023@latest", &types), expected);
    // There is no image with drivers for these.
    let expected = [
        "ami-0: m5.large m5.xlarge",
        "ami-1: c6g.large",
        "ami-2: g4dn.xlarge inf2.xlarge",
    ];
    assert_eq!(images_of("al2@latest", &types), expected);
    let expected = [
        "ami-0: m5.large g4dn.xlarge inf2.xlarge m5.xlarge",
        "ami-1: c6g.large g5g.xlarge",
    ];
    assert_eq!(images_of("ubuntu@latest", &types), expected);
}
