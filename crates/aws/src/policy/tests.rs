//! The policies against requests, read as IAM reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn scope() -> Scope {
    Scope::conventional("aws", "us-west-2", "123456789012", "prod")
}

/// A request as IAM sees it, for one kind of resource that it touches.
struct Request<'a> {
    operation: Operation,
    resource: &'a str,
    keys: &'a [(&'a str, &'a [&'a str])],
}

/// Whether a text matches a pattern with `*`.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            rest.is_empty() || (0..=tail.len()).any(|at| like(rest, &tail[at..]))
        }),
    }
}

fn holds(condition: Condition, wanted: &[String], held: Option<&[&str]>) -> bool {
    let equal = |value: &&str| wanted.iter().any(|word| word == value);
    let matches = |value: &&str| wanted.iter().any(|word| like(word, value));
    match condition {
        Condition::StringEquals => held.is_some_and(|held| held.iter().any(equal)),
        Condition::StringEqualsIfExists => held.is_none_or(|held| held.iter().any(equal)),
        Condition::StringLike => held.is_some_and(|held| held.iter().any(matches)),
        Condition::ForAllValuesStringEquals => held.unwrap_or_default().iter().all(equal),
    }
}

/// The statements that let a request pass.
fn passed_by(request: &Request<'_>) -> Vec<Sid> {
    let scope = scope();
    let passes = |sid: &&Sid| {
        let statement = sid.statement(&scope);
        statement.action.contains(&request.operation.action())
            && statement
                .resource
                .iter()
                .any(|pattern| like(pattern, request.resource))
            && statement.condition.iter().all(|(condition, keys)| {
                keys.iter().all(|(key, wanted)| {
                    let found = request.keys.iter().find(|(held, _)| held == key);
                    holds(*condition, &wanted.0, found.map(|(_, values)| *values))
                })
            })
    };
    Sid::ALL.iter().filter(passes).copied().collect()
}

const OWNED: (&str, &[&str]) = ("aws:RequestTag/kubernetes.io/cluster/prod", &["owned"]);
const NAMED: (&str, &[&str]) = ("aws:RequestTag/eks:eks-cluster-name", &["prod"]);
/// Empty in dry runs, which have no pool.
const POOL: (&str, &[&str]) = ("aws:RequestTag/karpenter.sh/nodepool", &[""]);
const HELD_OWNED: (&str, &[&str]) = ("aws:ResourceTag/kubernetes.io/cluster/prod", &["owned"]);
const HELD_POOL: (&str, &[&str]) = ("aws:ResourceTag/karpenter.sh/nodepool", &["default"]);

#[test]
fn every_operation_is_in_exactly_the_statements_that_are_meant_and_nothing_else_is() {
    let mut granted: BTreeMap<String, Vec<Sid>> = BTreeMap::new();
    for sid in Sid::ALL {
        for action in sid.statement(&scope()).action {
            granted.entry(action).or_default().push(*sid);
        }
    }
    let pass = granted.remove("iam:PassRole");
    assert_eq!(pass, Some(vec![Sid::AllowPassingInstanceRole]));
    let tag = granted.remove("iam:TagInstanceProfile");
    assert_eq!(tag, Some(vec![Sid::AllowScopedInstanceProfileTagActions]));
    let meant = Operation::ALL
        .iter()
        .map(|operation| (operation.action(), allowed_by(*operation).to_vec()));
    assert_eq!(granted, meant.collect());
    assert!(granted.values().all(|sids| !sids.is_empty()));
}

#[test]
fn statements_have_ids_of_their_own_and_every_policy_fits_into_iam() {
    let names: BTreeSet<&str> = Sid::ALL.iter().map(|sid| sid.name()).collect();
    assert_eq!(names.len(), Sid::ALL.len());
    let long = "c".repeat(100);
    let scope = Scope::conventional("aws-us-gov", "us-gov-west-1", "123456789012", &long);
    let mut statements = 0;
    for policy in Policy::ALL {
        let document = policy.document(&scope);
        statements += document.statement.len();
        let text = serde_json::to_string(&document).expect("JSON");
        assert!(text.len() <= 6144, "{}: {}", policy.name(), text.len());
    }
    assert_eq!(statements, Sid::ALL.len(), "each is in one policy");
}

#[test]
fn launches_may_use_what_is_there_and_make_only_what_is_tagged_as_the_clusters() {
    for operation in [Operation::RunInstances, Operation::CreateFleet] {
        let ask = |resource: &'static str, keys: &'static [_]| {
            passed_by(&Request {
                operation,
                resource,
                keys,
            })
        };
        let subnet = "arn:aws:ec2:us-west-2:123456789012:subnet/subnet-1";
        let used = [Sid::AllowScopedEC2InstanceAccessActions];
        assert_eq!(ask(subnet, &[]), used);
        assert_eq!(ask("arn:aws:ec2:us-west-2::image/ami-1", &[]), used);
        assert_eq!(ask("arn:aws:ec2:eu-west-1::image/ami-1", &[]), []);
        let instance = "arn:aws:ec2:us-west-2:123456789012:instance/*";
        let made = [Sid::AllowScopedEC2InstanceActionsWithTags];
        assert_eq!(ask(instance, &[OWNED, NAMED, POOL]), made);
        assert_eq!(ask(instance, &[OWNED, NAMED]), [], "without a pool");
        assert_eq!(ask(instance, &[OWNED, POOL]), [], "without the cluster");
        let template = "arn:aws:ec2:us-west-2:123456789012:launch-template/lt-1";
        let cluster = [Sid::AllowScopedEC2LaunchTemplateAccessActions];
        assert_eq!(ask(template, &[HELD_OWNED, HELD_POOL]), cluster);
        assert_eq!(ask(template, &[]), [], "somebody else's");
    }
}

#[test]
fn tags_come_with_what_is_made_and_later_only_three_of_them() {
    let instance = "arn:aws:ec2:us-west-2:123456789012:instance/i-1";
    let ask = |keys: &[(&str, &[&str])]| {
        passed_by(&Request {
            operation: Operation::CreateTags,
            resource: instance,
            keys,
        })
    };
    let creating: (&str, &[&str]) = ("ec2:CreateAction", &["CreateFleet"]);
    let made = [Sid::AllowScopedResourceCreationTagging];
    let strange: (&str, &[&str]) = ("aws:TagKeys", &["Name", "team"]);
    assert_eq!(ask(&[OWNED, NAMED, POOL, creating, strange]), made);
    let three: (&str, &[&str]) = (
        "aws:TagKeys",
        &["Name", "karpenter.sh/nodeclaim", "eks:eks-cluster-name"],
    );
    let later = [Sid::AllowScopedResourceTagging];
    assert_eq!(ask(&[HELD_OWNED, HELD_POOL, NAMED, three]), later);
    assert_eq!(ask(&[HELD_OWNED, HELD_POOL, three]), later);
    assert_eq!(ask(&[HELD_OWNED, HELD_POOL, strange]), []);
    let other: (&str, &[&str]) = ("aws:RequestTag/eks:eks-cluster-name", &["other"]);
    assert_eq!(ask(&[HELD_OWNED, HELD_POOL, other, three]), []);
    assert_eq!(ask(&[HELD_POOL, three]), [], "somebody else's");
}

#[test]
fn only_what_is_the_clusters_is_ended() {
    for operation in [
        Operation::TerminateInstances,
        Operation::DeleteLaunchTemplate,
    ] {
        let kind = match operation {
            Operation::TerminateInstances => "instance/i-1",
            _ => "launch-template/lt-1",
        };
        let resource = format!("arn:aws:ec2:us-west-2:123456789012:{kind}");
        let ask = |keys: &[(&str, &[&str])]| {
            passed_by(&Request {
                operation,
                resource: &resource,
                keys,
            })
        };
        assert_eq!(ask(&[HELD_OWNED, HELD_POOL]), [Sid::AllowScopedDeletion]);
        assert_eq!(ask(&[HELD_OWNED]), []);
        let other: (&str, &[&str]) = ("aws:ResourceTag/kubernetes.io/cluster/test", &["owned"]);
        assert_eq!(ask(&[other, HELD_POOL]), []);
    }
}

#[test]
fn instance_profiles_are_made_with_their_tags_and_changed_by_them() {
    let resource = "arn:aws:iam::123456789012:instance-profile/karpenter/us-west-2/prod/1/p";
    let ask = |operation, keys: &[(&str, &[&str])]| {
        passed_by(&Request {
            operation,
            resource,
            keys,
        })
    };
    let region: (&str, &[&str]) = (
        "aws:RequestTag/topology.kubernetes.io/region",
        &["us-west-2"],
    );
    let class: (&str, &[&str]) = (
        "aws:RequestTag/karpenter.k8s.aws/ec2nodeclass",
        &["default"],
    );
    let create = Operation::CreateInstanceProfile;
    let made = [Sid::AllowScopedInstanceProfileCreationActions];
    assert_eq!(ask(create, &[OWNED, NAMED, region, class]), made);
    assert_eq!(ask(create, &[OWNED, NAMED, region]), []);
    let held_region: (&str, &[&str]) = (
        "aws:ResourceTag/topology.kubernetes.io/region",
        &["us-west-2"],
    );
    let held_class: (&str, &[&str]) = (
        "aws:ResourceTag/karpenter.k8s.aws/ec2nodeclass",
        &["default"],
    );
    for operation in [
        Operation::AddRoleToInstanceProfile,
        Operation::RemoveRoleFromInstanceProfile,
        Operation::DeleteInstanceProfile,
    ] {
        let own = [Sid::AllowScopedInstanceProfileActions];
        assert_eq!(ask(operation, &[HELD_OWNED, held_region, held_class]), own);
        assert_eq!(ask(operation, &[HELD_OWNED, held_region]), []);
    }
    let read = [Sid::AllowInstanceProfileReadActions];
    assert_eq!(ask(Operation::GetInstanceProfile, &[]), read);
}

#[test]
fn reading_is_bound_to_the_region_the_cluster_and_its_queue() {
    let ask = |operation, resource: &str, keys: &[(&str, &[&str])]| {
        passed_by(&Request {
            operation,
            resource,
            keys,
        })
    };
    let here: (&str, &[&str]) = ("aws:RequestedRegion", &["us-west-2"]);
    let there: (&str, &[&str]) = ("aws:RequestedRegion", &["eu-west-1"]);
    let regional = [Sid::AllowRegionalReadActions];
    assert_eq!(ask(Operation::DescribeSubnets, "*", &[here]), regional);
    assert_eq!(ask(Operation::DescribeSubnets, "*", &[there]), []);
    let describe = Operation::DescribeCluster;
    let cluster = "arn:aws:eks:us-west-2:123456789012:cluster/prod";
    assert_eq!(
        ask(describe, cluster, &[]),
        [Sid::AllowAPIServerEndpointDiscovery]
    );
    let other = "arn:aws:eks:us-west-2:123456789012:cluster/test";
    assert_eq!(ask(describe, other, &[]), []);
    let queue = "arn:aws:sqs:us-west-2:123456789012:prod";
    let receive = Operation::ReceiveMessage;
    assert_eq!(
        ask(receive, queue, &[]),
        [Sid::AllowInterruptionQueueActions]
    );
    assert_eq!(
        ask(receive, "arn:aws:sqs:us-west-2:123456789012:x", &[]),
        []
    );
    let image = "arn:aws:ssm:us-west-2::parameter/aws/service/canonical/ubuntu/eks/x";
    assert_eq!(
        ask(Operation::GetParameter, image, &[]),
        [Sid::AllowSSMReadActions]
    );
    let own = "arn:aws:ssm:us-west-2:123456789012:parameter/password";
    assert_eq!(ask(Operation::GetParameter, own, &[]), []);
    let shift: (&str, &[&str]) = ("arc-zonal-shift:ResourceIdentifier", &[cluster]);
    let get = Operation::GetManagedResource;
    assert_eq!(
        ask(get, "*", &[shift]),
        [Sid::AllowZonalShiftStatusReadOnly]
    );
    assert_eq!(ask(get, "*", &[]), []);
}

#[test]
fn conditions_are_written_as_iam_reads_them() {
    let statement = Sid::AllowScopedResourceTagging.statement(&scope());
    let text = serde_json::to_value(statement).expect("JSON");
    let expected = serde_json::json!({
        "Sid": "AllowScopedResourceTagging",
        "Effect": "Allow",
        "Action": ["ec2:CreateTags"],
        "Resource": ["arn:aws:ec2:us-west-2:*:instance/*"],
        "Condition": {
            "StringEquals": {"aws:ResourceTag/kubernetes.io/cluster/prod": "owned"},
            "StringLike": {"aws:ResourceTag/karpenter.sh/nodepool": "*"},
            "StringEqualsIfExists": {"aws:RequestTag/eks:eks-cluster-name": "prod"},
            "ForAllValues:StringEquals": {
                "aws:TagKeys": ["eks:eks-cluster-name", "karpenter.sh/nodeclaim", "Name"],
            },
        },
    });
    assert_eq!(text, expected);
}
