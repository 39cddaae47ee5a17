//! Discovery and kept lists, over a pretended AWS.

use aws::kubelet::Expressions;
use aws::testing::{self, REGION, node_class};
use aws::unavailable::Mark;
use aws::{Failure, Operation};
use catalog::CapacityType;
use serde_json::json;

use super::*;
use crate::fake::Fake;
use crate::pricing::PriceList;
use crate::unavailable::Why;

mod loops;

/// A cloud with the types that tests work with, and what watches it.
struct Scene {
    fake: Fake,
    clock: Clock,
    metrics: Metrics,
    types: InstanceTypes,
}

impl Scene {
    fn new() -> Self {
        let clock = Clock::simulated(crate::testing::START);
        Self::over(Fake::new(clock.clone()), clock)
    }

    fn over(fake: Fake, clock: Clock) -> Self {
        fake.change(|state| {
            state.machines = testing::machines();
            state.offerings = testing::type_offerings();
        });
        let calls = fake.calls();
        let pricing = PricingProvider::new(REGION, PriceList::Reachable, clock.clone(), &calls);
        let sources = Sources {
            pricing: Arc::new(pricing),
            unavailable: Arc::new(UnavailableOfferings::new(clock.clone())),
            available: Arc::new(|_| 1),
            shifted: Arc::new(BTreeSet::new),
            further: Vec::new(),
        };
        let metrics = Metrics::new();
        let shell = (clock.clone(), metrics.clone());
        let options = Options {
            expressions: Expressions::Enabled,
            ..Options::default()
        };
        let types = InstanceTypes::new(REGION, options, shell, &calls, sources);
        Self {
            fake,
            clock,
            metrics,
            types,
        }
    }

    async fn updated() -> Self {
        let scene = Self::new();
        scene.types.update().await.expect("EC2 answers");
        scene
    }

    fn list(&self) -> Arc<[Arc<InstanceType>]> {
        self.types.list(&node_class(), None).expect("a list")
    }

    fn memory(&self, class: &Ec2NodeClass) -> String {
        let ty = self.types.get(class, None, "m5.large").expect("the type");
        ty.capacity[MEMORY].to_string()
    }
}

/// IT-25: before EC2 has told anything there is no list; later an empty answer changes nothing.
#[tokio::test(start_paused = true)]
async fn without_data_there_is_no_list_and_an_empty_answer_is_not_believed() {
    let scene = Scene::new();
    let error = |scene: &Scene| scene.types.list(&node_class(), None).expect_err("no list");
    assert_eq!(error(&scene).to_string(), "no instance types found");
    let offerings = scene
        .fake
        .change(|state| std::mem::take(&mut state.offerings));
    scene.types.update().await.expect("EC2 answers");
    let text = error(&scene).to_string();
    assert_eq!(text, "no instance types offerings found");
    scene.fake.change(|state| state.offerings = offerings);
    scene.types.update().await.expect("EC2 answers");
    let before = scene.list();
    scene.fake.change(|state| {
        state.machines.clear();
        state.offerings.clear();
    });
    scene.types.update().await.expect("EC2 answers");
    assert!(Arc::ptr_eq(&before, &scene.list()), "what is known stays");
    let unknown = scene.types.get(&node_class(), None, "x9.large");
    let text = unknown.expect_err("no such type").to_string();
    assert_eq!(text, "instance type x9.large not found in cache");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_fails_does_not_keep_the_other_from_being_heard() {
    let scene = Scene::new();
    let operation = Operation::DescribeInstanceTypeOfferings;
    scene
        .fake
        .fail(Failure::new(operation, "InternalError", ""), 1);
    scene.types.update().await.expect_err("one call failed");
    let error = scene.types.list(&node_class(), None).expect_err("no list");
    assert_eq!(error, ListError::NoOfferings);
    scene.types.update().await.expect("EC2 answers");
    assert_eq!(scene.list().len(), testing::TYPES.len());
}

/// IT-24: new data of EC2 make new lists; the same data do not.
#[tokio::test(start_paused = true)]
async fn lists_are_made_anew_when_ec2_tells_something_new() {
    let scene = Scene::updated().await;
    let first = scene.list();
    scene.types.update().await.expect("EC2 answers");
    assert!(Arc::ptr_eq(&first, &scene.list()));
    scene.fake.change(|state| state.machines[6].memory_mib += 1);
    scene.types.update().await.expect("EC2 answers");
    let second = scene.list();
    assert!(!Arc::ptr_eq(&first, &second));
    assert_ne!(first[6].requirements, second[6].requirements);
}

/// IT-23: each class that is set up differently has a list of its own, which is kept.
#[tokio::test(start_paused = true)]
async fn classes_have_lists_of_their_own_unless_they_are_alike() {
    let scene = Scene::updated().await;
    let mut alike = node_class();
    alike.metadata.name = "alike".to_owned();
    let mut other = node_class();
    other.spec.kubelet = serde_json::from_value(json!({"maxPods": 10})).expect("a map");
    let list = |class: &Ec2NodeClass| scene.types.list(class, None).expect("a list");
    let (first, second) = (list(&node_class()), list(&other));
    assert!(Arc::ptr_eq(&first, &list(&alike)));
    assert!(!Arc::ptr_eq(&first, &second));
    assert!(Arc::ptr_eq(&second, &list(&other)));
    let pods = |list: &[Arc<InstanceType>]| list[0].capacity["pods"].to_string();
    assert_eq!((pods(&first), pods(&second)), ("29".into(), "10".into()));
    tokio::time::advance(UNUSED / 2).await;
    assert!(Arc::ptr_eq(&first, &list(&alike)));
    tokio::time::advance(UNUSED / 2).await;
    assert!(Arc::ptr_eq(&first, &list(&alike)), "asked for lately");
    assert_eq!(
        scene.types.state().classes.len(),
        1,
        "nobody asked for the other"
    );
}

/// IT-26, IT-28: one type without a number of pods fails the list, and nothing of it is kept.
#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_a_list_that_could_not_be_made() {
    let scene = Scene::updated().await;
    let list = |max_pods: &str| {
        let mut class = node_class();
        let kubelet = json!({"maxPods": max_pods});
        class.spec.kubelet = serde_json::from_value(kubelet).expect("a map");
        scene.types.list(&class, None)
    };
    // Negative on the one type with 192 of them.
    let error = list("191 - vcpus").expect_err("no list").to_string();
    assert!(error.contains("p5.48xlarge, resolving maxPods"), "{error}");
    assert!(scene.types.state().classes.is_empty());
    let fixed = list("192 - vcpus").expect("a list");
    assert_eq!(fixed.len(), testing::TYPES.len());
}

/// IT-38: neither list nor type where validation would refuse the settings of the kubelet.
#[tokio::test(start_paused = true)]
async fn settings_that_validation_refuses_fail_lists_and_types() {
    let scene = Scene::updated().await;
    let mut class = node_class();
    class.spec.kubelet = serde_json::from_value(json!({"maxPods": -1})).expect("a map");
    let list = scene.types.list(&class, None).expect_err("no list");
    let get = scene
        .types
        .get(&class, None, "m5.large")
        .expect_err("no type");
    assert!(matches!(list, ListError::InvalidKubelet(_)));
    assert_eq!(list, get);
    class.spec.kubelet.clear();
    scene.types.get(&class, None, "m5.large").expect("the type");
}

/// IT-34: cores and memory of every type.
#[tokio::test(start_paused = true)]
async fn gauges_show_cores_and_memory_of_every_type() {
    let scene = Scene::updated().await;
    scene.list();
    for machine in testing::machines() {
        let name = [&*machine.name];
        let cores = scene.metrics.value(&names::INSTANCE_TYPE_CPU, &name);
        assert_eq!(cores, Some(machine.vcpus as f64), "{}", machine.name);
        let memory = scene.metrics.value(&names::INSTANCE_TYPE_MEMORY, &name);
        let bytes = machine.memory_mib << 20;
        assert_eq!(memory, Some(bytes as f64), "{}", machine.name);
    }
}

/// OFF-4: a mark is seen at once, and so is its end.
#[tokio::test(start_paused = true)]
async fn marks_and_their_ends_are_seen_at_once() {
    let scene = Scene::updated().await;
    let can = |scene: &Scene| {
        let class = node_class();
        let ty = scene.types.get(&class, None, "m5.large").expect("the type");
        let mut own = ty.offerings.iter();
        let spot = |o: &&catalog::Offering| {
            o.capacity_type == CapacityType::Spot && &*o.zone == "test-zone-1a"
        };
        own.find(spot).expect("the offering").available
    };
    assert!(can(&scene));
    let mark = Mark::offering(CapacityType::Spot, "m5.large", "test-zone-1a");
    let why = Why {
        reason: "InsufficientInstanceCapacity",
        fleet_id: "fleet-1",
    };
    scene.types.sources.unavailable.mark(mark, why);
    assert!(!can(&scene));
    tokio::time::advance(aws::unavailable::TTL).await;
    assert!(can(&scene));
}

/// IT-33: what a node reports counts at once, unless its class runs another image by now.
#[tokio::test(start_paused = true)]
async fn memory_is_learnt_from_nodes() {
    let scene = Scene::updated().await;
    let mut class = node_class();
    let node = |ty: &str, arch: &str, memory: &str| -> Node {
        serde_json::from_value(json!({
            "metadata": {"name": "node", "labels": {
                "node.kubernetes.io/instance-type": ty, "kubernetes.io/arch": arch}},
            "status": {"capacity": {"memory": memory}},
        }))
        .expect("a node")
    };
    let claim = |image: &str| {
        let mut claim = NodeClaim::default();
        claim.status.image_id = image.to_owned();
        claim
    };
    let learn = |class: &Ec2NodeClass, memory: &str, image: &str| {
        let node = node("m5.large", "amd64", memory);
        scene.types.learn(&node, &claim(image), class);
        scene.memory(class)
    };
    assert_eq!(scene.memory(&class), "7577Mi");
    assert_eq!(
        learn(&class, "7700Mi", "ami-other"),
        "7577Mi",
        "not its image"
    );
    assert_eq!(learn(&class, "7700Mi", "ami-test1"), "7700Mi");
    assert_eq!(learn(&class, "7600Mi", "ami-test1"), "7600Mi", "less");
    assert_eq!(learn(&class, "7650Mi", "ami-test1"), "7600Mi", "more");
    let arm = node("c6g.large", "arm64", "3700Mi");
    scene.types.learn(&arm, &claim("ami-test4"), &class);
    let ty = scene
        .types
        .get(&class, None, "c6g.large")
        .expect("the type");
    assert_eq!(ty.capacity[MEMORY].to_string(), "3700Mi", "the last image");
    class.status.amis[0].id = "ami-newer".to_owned();
    assert_eq!(scene.memory(&class), "7577Mi");
}

#[tokio::test(start_paused = true)]
async fn ec2_is_asked_at_the_start_and_every_twelve_hours() {
    let scene = Scene::new();
    let operation = Operation::DescribeInstanceTypes;
    scene
        .fake
        .fail(Failure::new(operation, "InternalError", ""), 1);
    let shutdown = Shutdown::new();
    let asked = |scene: &Scene| scene.fake.count(operation);
    let watching = async {
        // The first fails and is repeated soon.
        scene.clock.sleep(Duration::from_mins(1)).await;
        assert_eq!(asked(&scene), 2);
        assert_eq!(scene.list().len(), testing::TYPES.len());
        scene.clock.sleep(INTERVAL).await;
        assert_eq!(asked(&scene), 3);
        shutdown.trigger();
    };
    tokio::join!(scene.types.run(&shutdown), watching);
}
