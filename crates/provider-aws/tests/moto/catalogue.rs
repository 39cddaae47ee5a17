//! Instance types, where they are offered, and what they cost.

use std::collections::BTreeMap;

use aws::ec2::{SpotPrice, TypeOffering};
use catalog::Price;
use catalog::ec2::{Accelerator, Gpu, Machine, NetworkCard, NeuronDevice, UsageClasses};
use model::Timestamp;
use moto::Fault;
use serde_json::{Value, json};

use crate::support::Aws;

async fn machines(aws: &Aws) -> BTreeMap<String, Machine> {
    let listed = aws.calls.ec2.instance_types().await.expect("a list");
    let named = listed.into_iter().map(|one| (one.name.clone(), one));
    named.collect()
}

#[tokio::test]
async fn types_are_told_with_all_that_decides_anything() {
    let aws = Aws::new("types", "us-east-1").await;
    let machines = machines(&aws).await;
    let ordinary = Machine {
        name: "m5.large".to_owned(),
        architecture: "amd64".to_owned(),
        vcpus: 2,
        memory_mib: 8192,
        usage: UsageClasses {
            on_demand: true,
            spot: true,
            capacity_block: false,
        },
        hypervisor: "nitro".to_owned(),
        manufacturer: "Intel".to_owned(),
        clock_mhz: Some(3100),
        ena: true,
        ebs_mbps: Some(4750),
        interfaces: 3,
        network_cards: vec![NetworkCard {
            index: 0,
            interfaces: 3,
        }],
        ipv4_per_interface: 10,
        placement_strategies: ["cluster", "partition", "spread"]
            .map(str::to_owned)
            .to_vec(),
        ..Machine::default()
    };
    assert_eq!(machines["m5.large"], ordinary);
    let metal = &machines["m5.metal"];
    assert!(metal.bare_metal);
    assert_eq!(metal.hypervisor, "");
    assert_eq!(machines["c7g.medium"].architecture, "arm64");
    let gpus = &machines["g4dn.8xlarge"];
    let t4 = Gpu {
        name: "T4".to_owned(),
        manufacturer: "NVIDIA".to_owned(),
        count: 1,
        memory_mib: 16384,
    };
    assert_eq!(gpus.gpus, [t4]);
    assert_eq!((gpus.local_storage_gb, gpus.local_nvme), (Some(900), true));
    assert_eq!(gpus.efa_interfaces, 1);
    assert!(gpus.encryption_in_transit && gpus.enclaves);
    let inferentia = Accelerator {
        name: "Inferentia2".to_owned(),
        manufacturer: "AWS".to_owned(),
        count: 1,
    };
    assert_eq!(machines["inf2.xlarge"].inference, [inferentia]);
    let trainium = NeuronDevice {
        name: "Trainium".to_owned(),
        count: 16,
        cores: 2,
    };
    let trn1 = &machines["trn1.32xlarge"];
    assert_eq!(trn1.neuron, [trainium]);
    assert_eq!((trn1.network_cards.len(), trn1.efa_interfaces), (8, 8));
}

/// A type that has what those of the stand-in have not.
const RARE: &str = "<DescribeInstanceTypesResponse><instanceTypeSet><item>
    <instanceType>x1.rare</instanceType>
    <supportedUsageClasses><item>capacity-block</item><item>new-class</item></supportedUsageClasses>
    <processorInfo>
        <supportedArchitectures><item>i386</item><item>x86_64</item></supportedArchitectures>
        <supportedFeatures><item>nested-virtualization</item></supportedFeatures>
    </processorInfo>
    <ebsInfo>
        <ebsOptimizedSupport>supported</ebsOptimizedSupport>
        <ebsOptimizedInfo><maximumBandwidthInMbps>1000</maximumBandwidthInMbps></ebsOptimizedInfo>
    </ebsInfo>
    <networkInfo>
        <maximumNetworkInterfaces>9</maximumNetworkInterfaces>
        <enaSupport>unsupported</enaSupport>
        <defaultNetworkCardIndex>1</defaultNetworkCardIndex>
        <networkCards>
            <item><networkCardIndex>0</networkCardIndex>
                <maximumNetworkInterfaces>2</maximumNetworkInterfaces></item>
            <item><networkCardIndex>1</networkCardIndex>
                <maximumNetworkInterfaces>7</maximumNetworkInterfaces></item>
        </networkCards>
    </networkInfo>
    <instanceStorageInfo><totalSizeInGB>80</totalSizeInGB><nvmeSupport>unsupported</nvmeSupport>
    </instanceStorageInfo>
    <gpuInfo><gpus><item><name>Radeon</name><manufacturer>AMD</manufacturer><count>4</count>
    </item></gpus></gpuInfo>
</item></instanceTypeSet></DescribeInstanceTypesResponse>";

#[tokio::test]
async fn what_types_rarely_have_is_told_and_what_they_do_not_say_is_left_empty() {
    let aws = Aws::new("rare-type", "us-east-1").await;
    aws.fault(Fault::on("ec2", "DescribeInstanceTypes").answer(RARE));
    let card = |index, interfaces| NetworkCard { index, interfaces };
    let radeon = Gpu {
        name: "Radeon".to_owned(),
        manufacturer: "AMD".to_owned(),
        count: 4,
        memory_mib: 0,
    };
    let rare = Machine {
        name: "x1.rare".to_owned(),
        architecture: "amd64".to_owned(),
        usage: UsageClasses {
            capacity_block: true,
            ..UsageClasses::default()
        },
        nested_virtualization: true,
        local_storage_gb: Some(80),
        interfaces: 7,
        network_cards: vec![card(0, 2), card(1, 7)],
        gpus: vec![radeon],
        ..Machine::default()
    };
    assert_eq!(machines(&aws).await["x1.rare"], rare);
}

#[tokio::test]
async fn types_are_asked_for_by_virtualization_and_architecture_page_by_page() {
    let aws = Aws::new("types-paged", "us-east-1").await;
    let whole = machines(&aws).await;
    aws.pages(7);
    assert_eq!(machines(&aws).await, whole);
    let asked = aws.asked("DescribeInstanceTypes");
    assert_eq!(asked.len(), 1 + whole.len().div_ceil(7));
    let first = json!({
        "Filter.1.Name": "supported-virtualization-type",
        "Filter.1.Value.1": "hvm",
        "Filter.2.Name": "processor-info.supported-architecture",
        "Filter.2.Value.1": "x86_64",
        "Filter.2.Value.2": "arm64",
        "MaxResults": "100",
    });
    assert_eq!(asked[0], first);
    assert_eq!(asked[2]["NextToken"], "7");
}

#[tokio::test]
async fn the_first_check_is_a_dry_run_that_would_have_succeeded() {
    let aws = Aws::new("check", "us-east-1").await;
    aws.calls.ec2.check().await.expect("it may be asked");
    let dry = json!({ "DryRun": "true" });
    assert_eq!(aws.asked_once("DescribeInstanceTypes"), dry);
    let refused = Fault::on("ec2", "DescribeInstanceTypes");
    aws.fault(refused.code("UnauthorizedOperation").status(403));
    let failure = aws.calls.ec2.check().await.expect_err("it may not");
    assert!(failure.is_unauthorized(), "{failure}");
}

#[tokio::test]
async fn offerings_are_told_by_zone_page_by_page() {
    let aws = Aws::new("offerings", "us-west-1").await;
    let offerings = async || {
        let told = aws.calls.ec2.instance_type_offerings().await;
        let mut told = told.expect("a list");
        told.sort();
        told
    };
    let whole = offerings().await;
    aws.pages(20);
    assert_eq!(offerings().await, whole);
    let here = TypeOffering {
        instance_type: "m5.large".to_owned(),
        zone: "us-west-1a".to_owned(),
    };
    assert!(whole.contains(&here), "{whole:?}");
    let asked = aws.asked("DescribeInstanceTypeOfferings");
    assert_eq!(asked.len(), 1 + whole.len().div_ceil(20));
    let first = json!({ "LocationType": "availability-zone", "MaxResults": "1000" });
    assert_eq!(asked[0], first);
    assert_eq!(asked[2]["NextToken"], "20");
}

#[tokio::test]
async fn spot_prices_are_told_from_a_time_on_page_by_page() {
    let aws = Aws::new("spot-prices", "us-west-1").await;
    let set = aws.moto.spot_price("t3.micro", "us-west-1a", 0.012_345);
    set.expect("set");
    aws.pages(20);
    let start = Timestamp::parse("2026-05-06T07:08:09Z").expect("a time");
    let told = aws.calls.ec2.spot_prices(start).await.expect("a list");
    let price = SpotPrice {
        instance_type: "t3.micro".to_owned(),
        zone: "us-west-1a".to_owned(),
        price: Some(Price::from_dollars(0.012_345)),
        since: Timestamp::parse("2026-01-01T00:00:00Z").ok(),
    };
    assert!(told.contains(&price), "{told:?}");
    let asked = aws.asked("DescribeSpotPriceHistory");
    assert!(asked.len() > 1);
    assert_eq!(asked.len(), told.len().div_ceil(20));
    let first = json!({
        "MaxResults": "2000",
        "ProductDescription.1": "Linux/UNIX",
        "ProductDescription.2": "Linux/UNIX (Amazon VPC)",
        "StartTime": "2026-05-06T07:08:09Z",
    });
    assert_eq!(asked[0], first);
}

#[tokio::test]
async fn a_spot_price_that_is_no_price_is_none() {
    let aws = Aws::new("no-prices", "us-west-1").await;
    let row = |price| {
        let name = "<instanceType>m5.large</instanceType>";
        format!("<item>{name}<spotPrice>{price}</spotPrice></item>")
    };
    let rows: String = ["", "free", "-1", "NaN"].map(row).concat();
    let answer = format!(
        "<DescribeSpotPriceHistoryResponse><spotPriceHistorySet>{rows}</spotPriceHistorySet>\
         </DescribeSpotPriceHistoryResponse>"
    );
    aws.fault(Fault::on("ec2", "DescribeSpotPriceHistory").answer(&answer));
    let start = Timestamp::from_seconds(1);
    let told = aws.calls.ec2.spot_prices(start).await.expect("a list");
    let none = SpotPrice {
        instance_type: "m5.large".to_owned(),
        ..SpotPrice::default()
    };
    assert_eq!(told, [none.clone(), none.clone(), none.clone(), none]);
}

#[tokio::test]
async fn prices_are_asked_of_the_nearest_price_list_page_by_page() {
    let aws = Aws::new("prices", "eu-south-1").await;
    aws.pages(5);
    let filters = [("regionCode", "us-west-2"), ("operatingSystem", "Linux")];
    let filters = filters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let told = aws.calls.pricing.products(&filters).await.expect("a list");
    let types: Vec<String> = told.iter().map(|text| instance_type(text)).collect();
    assert!(types.contains(&"m5.large".to_owned()), "{types:?}");
    let calls = aws.sent("GetProducts");
    assert_eq!(calls.len(), told.len().div_ceil(5));
    assert!(calls.iter().all(|call| call.region == "eu-central-1"));
    let mut first = aws.asked("GetProducts").remove(0);
    first["Filters"].as_array_mut().expect("filters").reverse();
    let wanted = json!({
        "ServiceCode": "AmazonEC2",
        "Filters": [
            { "Type": "TERM_MATCH", "Field": "operatingSystem", "Value": "Linux" },
            { "Type": "TERM_MATCH", "Field": "regionCode", "Value": "us-west-2" },
        ],
        "MaxResults": 100,
    });
    assert_eq!(first, wanted);
}

fn instance_type(product: &str) -> String {
    let product: Value = serde_json::from_str(product).expect("a document");
    let name = product["product"]["attributes"]["instanceType"].as_str();
    name.expect("a type").to_owned()
}
