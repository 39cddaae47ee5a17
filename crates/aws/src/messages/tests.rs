use serde_json::{Value, json};

use super::*;

fn message(source: &str, detail_type: &str, detail: &Value) -> Message {
    let text = json!({"version": "0", "id": "1", "detail-type": detail_type, "source": source,
        "account": "123456789012", "time": "2026-01-01T00:00:00Z", "region": "us-west-2",
        "resources": ["arn:aws:ec2:us-west-2:123456789012:instance/i-1"], "detail": detail});
    parse(&text.to_string()).expect("a message")
}

#[test]
fn each_text_of_eventbridge_has_its_kind() {
    let at = Some(Timestamp::from_seconds(1_767_225_600));
    let one = json!({"instance-id": "i-1", "instance-action": "terminate"});
    let state = |state: &str| json!({"instance-id": "i-1", "state": state});
    let health = json!({"service": "EC2", "eventTypeCategory": "scheduledChange",
        "eventTypeCode": "AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED",
        "affectedEntities": [{"entityValue": "i-1"}, {"entityValue": "i-2"},
            {"entityValue": "i-1"}]});
    let change = "EC2 Instance State-change Notification";
    let ec2 = "aws.ec2";
    for (source, detail_type, detail, kind, instances) in [
        (
            ec2,
            "EC2 Spot Instance Interruption Warning",
            &one,
            Kind::SpotInterrupted,
            vec!["i-1"],
        ),
        (
            ec2,
            "EC2 Instance Rebalance Recommendation",
            &one,
            Kind::RebalanceRecommendation,
            vec!["i-1"],
        ),
        (
            ec2,
            "EC2 Capacity Reservation Instance Interruption Warning",
            &one,
            Kind::CapacityReservationInterrupted,
            vec!["i-1"],
        ),
        (
            ec2,
            change,
            &state("stopping"),
            Kind::InstanceStopped,
            vec!["i-1"],
        ),
        (
            ec2,
            change,
            &state("Stopped"),
            Kind::InstanceStopped,
            vec!["i-1"],
        ),
        (
            ec2,
            change,
            &state("shutting-down"),
            Kind::InstanceTerminated,
            vec!["i-1"],
        ),
        (
            ec2,
            change,
            &state("Terminated"),
            Kind::InstanceTerminated,
            vec!["i-1"],
        ),
        (ec2, change, &state("pending"), Kind::NoOp, vec![]),
        (ec2, change, &state("running"), Kind::NoOp, vec![]),
        (
            "aws.health",
            "AWS Health Event",
            &health,
            Kind::ScheduledChange,
            vec!["i-1", "i-2"],
        ),
        (ec2, "EC2 Something Else", &one, Kind::NoOp, vec![]),
        (
            "aws.ebs",
            "EC2 Instance Rebalance Recommendation",
            &one,
            Kind::NoOp,
            vec![],
        ),
    ] {
        let message = message(source, detail_type, detail);
        assert_eq!(message.kind, kind, "{detail_type} {detail}");
        assert_eq!(message.instances, instances, "{detail_type} {detail}");
        assert_eq!(message.time, at, "what is left aside has its time, too");
    }
}

#[test]
fn events_of_health_about_something_else_are_left_aside() {
    for (field, value) in [("service", "RDS"), ("eventTypeCategory", "issue")] {
        let mut detail = json!({"service": "EC2", "eventTypeCategory": "scheduledChange",
            "affectedEntities": [{"entityValue": "i-1"}]});
        detail[field] = value.into();
        let message = message("aws.health", "AWS Health Event", &detail);
        assert_eq!((message.kind, message.instances), (Kind::NoOp, vec![]));
    }
}

/// INT-4: what is no message is told from what is a message of no interest.
#[test]
fn garbage_is_malformed_and_nothing_is_of_no_interest() {
    for garbage in ["{", "garbage", "\"x\"", "{\"version\": 0}"] {
        assert!(parse(garbage).is_err(), "{garbage}");
    }
    let wrong = json!({"version": "0", "source": "aws.ec2",
        "detail-type": "EC2 Instance Rebalance Recommendation", "detail": {"instance-id": 7}});
    assert!(parse(&wrong.to_string()).is_err());
    for nothing in ["", " ", "{}"] {
        let message = parse(nothing).expect("a message");
        assert_eq!(
            (message.kind, message.time),
            (Kind::NoOp, None),
            "{nothing}"
        );
    }
    let newer = json!({"version": "1", "source": "aws.ec2",
        "detail-type": "EC2 Instance Rebalance Recommendation", "detail": {"instance-id": "i-1"}});
    let message = parse(&newer.to_string()).expect("a message");
    assert_eq!(message.kind, Kind::NoOp);
}
