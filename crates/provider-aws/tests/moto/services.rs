//! The services of which one or a few calls are made: EKS, Systems Manager, queues, zonal shift.

use std::collections::BTreeSet;

use model::Timestamp;
use provider_aws::calls::{EksCluster, Shift};
use serde_json::json;

use crate::support::Aws;

#[tokio::test]
async fn a_cluster_is_told_by_its_name() {
    let aws = Aws::new("cluster", "eu-central-2").await;
    let arn = aws.moto.cluster(&aws.region, "of-a-test", "1.33");
    let arn = arn.expect("a cluster");
    let cluster = aws.calls.eks.cluster("of-a-test").await.expect("it exists");
    assert!(cluster.endpoint.starts_with("https://"), "{cluster:?}");
    let wanted = EksCluster {
        arn,
        endpoint: cluster.endpoint.clone(),
        version: "1.33".to_owned(),
        service_ipv4_cidr: "172.20.0.0/16".to_owned(),
        service_ipv6_cidr: String::new(),
    };
    assert_eq!(cluster, wanted);
    let failure = aws.calls.eks.cluster("unknown").await.expect_err("none");
    assert_eq!(failure.code, "ResourceNotFoundException");
    assert!(failure.is_not_found());
    let calls = aws.sent("DescribeCluster");
    let paths: Vec<_> = calls.iter().map(|call| call.path.as_str()).collect();
    assert_eq!(paths, ["/clusters/of-a-test", "/clusters/unknown"]);
    assert_eq!(calls[0].region, "eu-central-2");
}

#[tokio::test]
async fn an_ipv6_cluster_is_told_with_its_addresses() {
    let aws = Aws::new("cluster-ipv6", "eu-central-2").await;
    let answer = json!({ "cluster": { "name": "six", "arn": "arn:six", "kubernetesNetworkConfig": {
        "serviceIpv6Cidr": "fd00::/108", "ipFamily": "ipv6",
    } } });
    let fault = moto::Fault::on("eks", "DescribeCluster");
    aws.fault(fault.answer(&answer.to_string()));
    let cluster = aws.calls.eks.cluster("six").await.expect("it exists");
    let wanted = EksCluster {
        arn: "arn:six".to_owned(),
        service_ipv6_cidr: "fd00::/108".to_owned(),
        ..EksCluster::default()
    };
    assert_eq!(cluster, wanted);
}

#[tokio::test]
async fn a_parameter_is_its_value() {
    let aws = Aws::new("parameter", "eu-central-2").await;
    let ssm = &aws.calls.ssm;
    let name = "/aws/service/of-a-test/image_id";
    aws.moto.parameter(name, "ami-of-a-test").expect("set");
    assert_eq!(ssm.parameter(name).await.as_deref(), Ok("ami-of-a-test"));
    assert_eq!(aws.asked_once("GetParameter"), json!({ "Name": name }));
    let failure = ssm.parameter("/unknown").await.expect_err("none");
    assert_eq!(failure.code, "ParameterNotFound");
    assert!(failure.is_not_found());
}

#[tokio::test]
async fn messages_are_received_together_and_are_gone_when_they_are_deleted() {
    let aws = Aws::new("queue", "eu-central-2").await;
    let sqs = &aws.calls.sqs;
    let made = aws.moto.queue(&aws.region, "of-a-test").expect("a queue");
    let url = sqs.queue_url("of-a-test").await.expect("a queue");
    assert_eq!(url, made);
    for text in ["{\"a\": \"<&>\"}", "second"] {
        aws.moto.send(&aws.region, &url, text).expect("sent");
    }
    let messages = sqs.receive(&url).await.expect("messages");
    let texts: BTreeSet<_> = messages.iter().map(|one| one.body.as_str()).collect();
    assert_eq!(texts, BTreeSet::from(["{\"a\": \"<&>\"}", "second"]));
    assert!(messages.iter().all(|one| !one.id.is_empty()));
    let wait = json!({
        "QueueUrl": url,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 20,
        "VisibilityTimeout": 20,
        "MessageSystemAttributeNames": ["SentTimestamp"],
        "MessageAttributeNames": ["All"],
    });
    assert_eq!(aws.asked_once("ReceiveMessage"), wait);
    let receipt = &messages[0].receipt;
    let deleted = sqs.delete_message(&url, receipt).await;
    assert_eq!(deleted, Ok(()));
    let asked = json!({ "QueueUrl": url, "ReceiptHandle": receipt });
    assert_eq!(aws.asked_once("DeleteMessage"), asked);
    assert_eq!(aws.moto.waiting(&aws.region, &url).expect("a count"), 1);
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_not_found() {
    let aws = Aws::new("no-queue", "eu-central-2").await;
    let sqs = &aws.calls.sqs;
    let failure = sqs.queue_url("unknown").await.expect_err("no such queue");
    assert!(failure.is_not_found(), "{failure}");
    assert_eq!(
        aws.asked_once("GetQueueUrl"),
        json!({ "QueueName": "unknown" })
    );
    let url = format!("{}/123456789012/unknown", aws.moto.endpoint());
    let failure = sqs.receive(&url).await.expect_err("no such queue");
    assert!(failure.is_not_found(), "{failure}");
    let failure = sqs.delete_message(&url, "receipt").await;
    assert!(failure.expect_err("no such queue").is_not_found());
}

#[tokio::test]
async fn the_shifts_of_a_resource_are_told() {
    let aws = Aws::new("shifts", "eu-central-2").await;
    let arn = "arn:aws:eks:eu-central-2:123456789012:cluster/shifted";
    let shifts = json!([
        { "awayFrom": "euc2-az1", "expiryTime": 1_800_000_000 },
        { "awayFrom": "euc2-az2", "expiryTime": 1_800_000_001, "appliedStatus": "NOT_APPLIED" },
    ]);
    aws.moto.shifts(arn, &shifts).expect("set");
    let shift = |zone_id: &str, expires, applied| Shift {
        zone_id: zone_id.to_owned(),
        expires: Timestamp::from_seconds(expires),
        applied,
    };
    let wanted = vec![
        shift("euc2-az1", 1_800_000_000, true),
        shift("euc2-az2", 1_800_000_001, false),
    ];
    let zonal_shift = &aws.calls.zonal_shift;
    assert_eq!(zonal_shift.shifts(arn).await, Ok(wanted));
    let failure = zonal_shift.shifts("arn:unknown").await;
    let failure = failure.expect_err("no such resource");
    assert!(failure.is_not_found(), "{failure}");
    let calls = aws.sent("GetManagedResource");
    assert_eq!(calls[0].path, format!("/managedresources/{arn}"));
}
