//! What becomes of calls that fail: which are made again, and what is told of the others.

use aws::{Failure, Operation};
use moto::Fault;
use runtime::metrics::names;

use crate::every_call::{Known, every};
use crate::support::Aws;

/// Attempts of a call that AWS answers badly each time.
const ATTEMPTS: usize = 3;

#[tokio::test]
async fn every_method_tells_what_aws_said_and_asks_once() {
    let aws = Aws::new("coded", "il-central-1").await;
    let known = Known::make("coded").await;
    let fault = Fault::on("", "").code("SomeCode").message("some text");
    aws.fault(fault);
    for (operation, call) in every(&aws.calls, &known) {
        let before = aws.sent(operation.name()).len();
        let failure = call.await.expect_err("a fault");
        let wanted = Failure {
            operation,
            code: "SomeCode".to_owned(),
            message: "some text".to_owned(),
            status: Some(400),
            request_id: "injected-0001".to_owned(),
        };
        assert_eq!(failure, wanted);
        assert!(!failure.is_transient() && !failure.is_not_found());
        assert_eq!(aws.sent(operation.name()).len() - before, 1, "{operation}");
    }
}

#[tokio::test]
async fn every_method_but_the_dry_run_of_a_launch_is_repeated_when_aws_asks_to_slow_down() {
    let aws = Aws::new("throttled", "il-central-1").await;
    let known = Known::make("throttled").await;
    aws.fault(Fault::on("", "").code("ThrottlingException"));
    for (operation, call) in every(&aws.calls, &known) {
        let before = aws.sent(operation.name()).len();
        let failure = call.await.expect_err("a fault");
        assert!(failure.is_throttled() && failure.is_transient());
        assert_eq!(failure.operation, operation);
        let once = operation == Operation::RunInstances;
        let attempts = if once { 1 } else { ATTEMPTS };
        let made = aws.sent(operation.name()).len() - before;
        assert_eq!(made, attempts, "{operation}");
    }
}

/// Faults that pass.
fn passing() -> [(&'static str, Fault); 7] {
    let any = || Fault::on("", "");
    [
        ("a fault without a code", any().status(500)),
        ("a code of a fault", any().code("InternalError").status(500)),
        ("unavailable", any().code("Unavailable").status(503)),
        ("a bad gateway", any().answer("<html/>").status(502)),
        (
            "a limit of EC2",
            any().code("RequestLimitExceeded").status(503),
        ),
        ("another limit", any().code("Throttling").status(400)),
        ("a cut connection", any().cut()),
    ]
}

#[tokio::test]
async fn what_passes_is_not_noticed_by_who_asks() {
    let aws = Aws::new("passing", "il-central-1").await;
    let known = Known::make("passing").await;
    let operations = [
        Operation::DescribeSubnets,
        Operation::ListInstanceProfiles,
        Operation::GetParameter,
        Operation::DescribeCluster,
    ];
    for (name, fault) in passing() {
        for operation in operations {
            aws.fault(fault.clone().times(1));
            let before = aws.sent(operation.name()).len();
            let mut methods = every(&aws.calls, &known).into_iter();
            let method = methods.find(|(of, _)| *of == operation);
            let called = method.expect("a method").1.await;
            assert_eq!(called, Ok(()), "{name}, {operation}");
            let made = aws.sent(operation.name()).len() - before;
            assert_eq!(made, 2, "{name}, {operation}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_is_always_cut_is_a_failure_without_an_answer() {
    let aws = Aws::new("cut", "il-central-1").await;
    aws.fault(Fault::on("ec2", "DescribeSubnets").cut());
    let failure = aws.calls.ec2.subnets(&[]).await.expect_err("a cut");
    let wanted = Failure {
        operation: Operation::DescribeSubnets,
        code: String::new(),
        message: failure.message.clone(),
        status: None,
        request_id: String::new(),
    };
    assert_eq!(failure, wanted);
    assert!(failure.message.contains("dispatch failure"), "{failure}");
    assert!(failure.is_transient() && !failure.is_server_fault());
    assert_eq!(aws.sent("DescribeSubnets").len(), ATTEMPTS);
}

#[tokio::test]
async fn a_fault_of_aws_without_a_code_is_told_by_its_status() {
    let aws = Aws::new("faulty", "il-central-1").await;
    aws.fault(
        Fault::on("ec2", "DescribeSubnets")
            .answer("<html/>")
            .status(503),
    );
    let failure = aws.calls.ec2.subnets(&[]).await.expect_err("a fault");
    assert_eq!((failure.code.as_str(), failure.status), ("", Some(503)));
    assert!(failure.is_server_fault() && failure.is_transient());
    assert!(!failure.is_throttled());
    assert_eq!(aws.sent("DescribeSubnets").len(), ATTEMPTS);
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_is_a_failure() {
    let aws = Aws::new("unreadable", "il-central-1").await;
    aws.fault(Fault::on("ec2", "DescribeSubnets").answer("<html"));
    let failure = aws.calls.ec2.subnets(&[]).await.expect_err("no answer");
    assert_eq!(failure.status, Some(200));
    assert_eq!(failure.code, "");
    assert!(!failure.is_transient(), "{failure}");
}

#[tokio::test]
async fn a_list_of_which_a_page_fails_is_no_list() {
    let aws = Aws::new("half", "il-central-1").await;
    let subnets = || Fault::on("ec2", "DescribeSubnets");
    let page = "<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId></item>\
                </subnetSet><nextToken>1</nextToken></DescribeSubnetsResponse>";
    aws.fault(subnets().answer(page).times(1));
    aws.fault(subnets().code("UnauthorizedOperation").status(403));
    let failure = aws.calls.ec2.subnets(&[]).await.expect_err("half a list");
    assert!(failure.is_unauthorized(), "{failure}");
    assert_eq!(aws.sent("DescribeSubnets").len(), 2);
}

#[tokio::test]
async fn calls_and_attempts_are_counted_by_the_status_of_their_answers() {
    let aws = Aws::new("counted", "il-central-1").await;
    let subnets = || Fault::on("ec2", "DescribeSubnets");
    aws.fault(subnets().cut().times(1));
    aws.fault(subnets().code("RequestLimitExceeded").status(503).times(1));
    aws.calls.ec2.subnets(&[]).await.expect("a list");
    aws.fault(subnets().code("UnauthorizedOperation").status(403));
    aws.calls.ec2.subnets(&[]).await.expect_err("refused");
    let counted = |metric, code| {
        let labels = ["EC2", "DescribeSubnets", code];
        aws.metrics.value(metric, &labels)
    };
    for (code, requests, attempts) in [
        ("200", Some(1.0), Some(1.0)),
        ("403", Some(1.0), Some(1.0)),
        ("503", None, Some(1.0)),
        ("", None, Some(1.0)),
    ] {
        let of_code = (
            counted(&names::AWS_REQUESTS, code),
            counted(&names::AWS_ATTEMPTS, code),
        );
        assert_eq!(of_code, (requests, attempts), "{code:?}");
    }
    let text = aws.metrics.to_text();
    let retries = "aws_sdk_go_request_retry_count_sum{service=\"EC2\",\
                   action=\"DescribeSubnets\",code=\"200\"} 2\n";
    assert!(text.contains(retries), "{text}");
}
