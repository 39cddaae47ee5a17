//! Every method of every trait, and the operations that AWS sees of them.

use std::collections::BTreeSet;

use aws::ec2::{
    Filter, FleetConfig, FleetOverride, FleetRequest, ImageQuery, Interface, LaunchTemplate,
    PlacementGroupQuery, ReservationQuery, RunCheck, StatusFilter, TemplateData, TemplateKey,
};
use aws::{Failure, Operation, Tags};
use futures::FutureExt;
use futures::future::BoxFuture;
use model::Timestamp;
use provider_aws::calls::Calls;
use serde_json::json;

use crate::support::Aws;

const REGION: &str = "il-central-1";
const ARN: &str = "arn:aws:eks:il-central-1:123456789012:cluster/every";

/// What the methods are called with: all of it exists when [`Known::make`] has made it.
pub(crate) struct Known {
    name: String,
    template: LaunchTemplate,
    fleet: FleetRequest,
    run: RunCheck,
    instances: Vec<String>,
    queue: String,
    receipt: String,
    tags: Tags,
    products: Vec<(String, String)>,
    images: ImageQuery,
    reservations: ReservationQuery,
    group: PlacementGroupQuery,
    own_template: TemplateKey,
    none: Vec<Filter>,
}

impl Known {
    /// Makes all that is asked for, by a connection of its own, under a name.
    pub(crate) async fn make(name: &str) -> Self {
        let maker = Aws::new(&format!("maker-of-{name}"), REGION).await;
        let (moto, calls) = (maker.moto, &maker.calls);
        let network = moto.network(REGION, "a", "b").expect("a network");
        let subnet = network.subnets[0].id.clone();
        moto.shifts(ARN, &json!([])).expect("set");
        moto.cluster(REGION, name, "1.33").expect("a cluster");
        moto.role(name).expect("a role");
        let group = json!([{ "GroupId": "pg-every", "GroupName": "every", "Strategy": "spread" }]);
        moto.placement_groups(&group).expect("set");
        let queue = moto.queue(REGION, name).expect("a queue");
        moto.send(REGION, &queue, "first").expect("sent");
        let received = calls.sqs.receive(&queue).await.expect("a message");
        moto.send(REGION, &queue, "second").expect("sent");
        let template = template(name, &network.security_group);
        let made = calls.ec2.create_launch_template(&template).await;
        made.expect("a template");
        let fleet = fleet(name, &subnet);
        let launched = calls.ec2.create_fleet(&fleet).await.expect("a fleet");
        Self {
            name: name.to_owned(),
            run: RunCheck {
                template: name.to_owned(),
                instance_type: "m5.large".to_owned(),
                subnet_id: subnet,
                ..RunCheck::default()
            },
            template: LaunchTemplate {
                name: format!("own-{name}"),
                ..template.clone()
            },
            fleet,
            instances: launched.instances[0].ids.clone(),
            queue,
            receipt: received[0].receipt.clone(),
            tags: template.tags,
            products: vec![("regionCode".to_owned(), REGION.to_owned())],
            images: ImageQuery::default(),
            reservations: ReservationQuery::Filters(Vec::new()),
            group: PlacementGroupQuery::Name("every".to_owned()),
            own_template: TemplateKey::Name(format!("own-{name}")),
            none: Vec::new(),
        }
    }
}

fn template(name: &str, group: &str) -> LaunchTemplate {
    LaunchTemplate {
        name: name.to_owned(),
        tags: Tags::from([("Name".to_owned(), name.to_owned())]),
        data: TemplateData {
            image_id: "ami-1".to_owned(),
            interfaces: vec![Interface {
                groups: vec![group.to_owned()],
                ..Interface::default()
            }],
            ..TemplateData::default()
        },
    }
}

fn fleet(template: &str, subnet: &str) -> FleetRequest {
    let config = FleetConfig {
        template: template.to_owned(),
        overrides: vec![FleetOverride {
            instance_type: "m5.large".to_owned(),
            subnet_id: Some(subnet.to_owned()),
            ..FleetOverride::default()
        }],
    };
    FleetRequest {
        configs: vec![config],
        capacity: 1,
        ..FleetRequest::default()
    }
}

/// A call of a method that has not begun, and the operation that it is to call.
pub(crate) type Method<'a> = (Operation, BoxFuture<'a, Result<(), Failure>>);

/// All methods, in an order in which all of them succeed.
pub(crate) fn every<'a>(calls: &'a Calls, known: &'a Known) -> Vec<Method<'a>> {
    let mut all = of_ec2(calls, known);
    all.extend(of_iam(calls, known));
    all.extend(of_others(calls, known));
    all
}

/// Pairs of an operation and a call of a method whose value is dropped.
macro_rules! methods {
    ($($operation:ident: $call:expr;)*) => {
        vec![$((Operation::$operation, $call.map(|called| called.map(drop)).boxed()),)*]
    };
}

fn of_ec2<'a>(calls: &'a Calls, known: &'a Known) -> Vec<Method<'a>> {
    let (ec2, none) = (&calls.ec2, &known.none);
    methods! {
        DescribeInstanceTypes: ec2.check();
        DescribeInstanceTypes: ec2.instance_types();
        DescribeInstanceTypeOfferings: ec2.instance_type_offerings();
        DescribeSpotPriceHistory: ec2.spot_prices(Timestamp::from_seconds(1));
        DescribeSubnets: ec2.subnets(none);
        DescribeSecurityGroups: ec2.security_groups(none);
        DescribeImages: ec2.images(&known.images);
        DescribeCapacityReservations: ec2.reservations(&known.reservations);
        DescribePlacementGroups: ec2.placement_groups(&known.group);
        DescribeLaunchTemplates: ec2.launch_template(&known.name);
        DescribeLaunchTemplates: ec2.launch_templates(none);
        CreateLaunchTemplate: ec2.create_launch_template(&known.template);
        DeleteLaunchTemplate: ec2.delete_launch_template(&known.own_template);
        CreateFleet: ec2.create_fleet(&known.fleet);
        RunInstances: ec2.check_run(&known.run);
        DescribeInstances: ec2.instances_by_id(&known.instances, none);
        DescribeInstances: ec2.instances(none);
        CreateTags: ec2.tag(&known.instances[0], &known.tags);
        DescribeInstanceStatus: ec2.instance_status(StatusFilter::Event);
        TerminateInstances: ec2.terminate(&known.instances);
    }
}

fn of_iam<'a>(calls: &'a Calls, known: &'a Known) -> Vec<Method<'a>> {
    let (iam, name) = (&calls.iam, known.name.as_str());
    methods! {
        CreateInstanceProfile: iam.create_instance_profile(name, "/every/", &known.tags);
        AddRoleToInstanceProfile: iam.add_role(name, name);
        GetInstanceProfile: iam.instance_profile(name);
        ListInstanceProfiles: iam.instance_profiles("/every/");
        RemoveRoleFromInstanceProfile: iam.remove_role(name, name);
        DeleteInstanceProfile: iam.delete_instance_profile(name);
    }
}

fn of_others<'a>(calls: &'a Calls, known: &'a Known) -> Vec<Method<'a>> {
    const PARAMETER: &str = "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/standard/recommended/image_id";
    let (sqs, queue) = (&calls.sqs, known.queue.as_str());
    methods! {
        DescribeCluster: calls.eks.cluster(&known.name);
        GetParameter: calls.ssm.parameter(PARAMETER);
        GetProducts: calls.pricing.products(&known.products);
        GetQueueUrl: sqs.queue_url(&known.name);
        ReceiveMessage: sqs.receive(queue);
        DeleteMessage: sqs.delete_message(queue, &known.receipt);
        GetManagedResource: calls.zonal_shift.shifts(ARN);
    }
}

#[tokio::test]
async fn aws_sees_the_operations_of_the_list_and_no_others() {
    let aws = Aws::new("every", REGION).await;
    let known = Known::make("every").await;
    for (operation, call) in every(&aws.calls, &known) {
        call.await.unwrap_or_else(|failure| panic!("{failure}"));
        let last = aws.last();
        assert_eq!(
            last,
            (operation.service().prefix().into(), operation.name().into())
        );
    }
    let seen = aws.seen();
    let listed: BTreeSet<_> = Operation::ALL
        .iter()
        .map(|one| (one.service().prefix().to_owned(), one.name().to_owned()))
        .collect();
    assert_eq!(seen, listed);
}
