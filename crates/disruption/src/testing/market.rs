//! Scenes with instance types of their own, nodes of those types, and pods that ask for cores.

use std::sync::Arc;

use catalog::InstanceType;
use cluster::{Change, Event};
use model::k8s::PodDisruptionBudget;
use model::resources::CPU;
use serde_json::{Value, json};

use super::{Scene, at, merge, read};
use crate::{Command, Memory, Options, Plan, SpotToSpot, Validated, Why, plan, validate};

/// The zone of nodes and offerings that name no other.
pub(crate) const A: &str = "test-zone-a";
/// Another zone.
pub(crate) const B: &str = "test-zone-b";

/// An instance type with so many cores, in the format of catalog files: offerings by zone, capacity
/// type and dollars an hour. All of a machine is for pods.
pub(crate) fn machine(name: &str, cores: u32, offerings: &[(&str, &str, f64)]) -> Value {
    let offerings = offerings.iter().map(|(zone, capacity_type, dollars)| {
        let mut requirements = vec![
            json!({"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}),
            json!({"key": "karpenter.sh/capacity-type", "operator": "In",
                "values": [capacity_type]}),
        ];
        let mut offering = json!({"Price": dollars, "Available": true});
        if *capacity_type == "reserved" {
            let key = api::labels::CAPACITY_RESERVATION_ID;
            let id = format!("r-{name}-{zone}");
            requirements.push(json!({"key": key, "operator": "In", "values": [id]}));
            offering["ReservationCapacity"] = json!(1);
        }
        offering["Requirements"] = json!(requirements);
        offering
    });
    let offerings: Vec<Value> = offerings.collect();
    let memory = format!("{}Gi", 4 * cores);
    json!({"name": name, "architecture": "amd64", "operatingSystems": ["linux"], "overhead": {},
        "resources": {"cpu": cores.to_string(), "memory": memory}, "offerings": offerings})
}

/// One that can be had on demand in one zone.
pub(crate) fn on_demand(name: &str, cores: u32, dollars: f64) -> Value {
    machine(name, cores, &[(A, "on-demand", dollars)])
}

/// One that can be had as spot in one zone.
pub(crate) fn spot(name: &str, cores: u32, dollars: f64) -> Value {
    machine(name, cores, &[(A, "spot", dollars)])
}

/// Instance types as a provider gives them.
pub(crate) fn catalog(types: &[Value]) -> Vec<Arc<InstanceType>> {
    let json = serde_json::to_vec(types).expect("a text");
    catalog::file::parse(&json).expect("a catalog").types
}

/// A pod that asks for so many cores.
pub(crate) fn cores(cores: &str) -> Value {
    json!({"spec": {"containers":
        [{"name": "main", "resources": {"requests": {"cpu": cores}}}]}})
}

/// What differs in a pod, on top of what it asks for.
pub(crate) fn cores_and(amount: &str, patch: &Value) -> Value {
    let mut pod = cores(amount);
    merge(&mut pod, patch);
    pod
}

/// Lays one patch over another; what is null stays so, to take it away from what is patched.
fn lay_over(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                lay_over(base.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}

/// Settings with which spot nodes are replaced by spot nodes.
pub(crate) fn spot_to_spot() -> Options {
    Options {
        spot_to_spot: SpotToSpot::On,
        ..Options::default()
    }
}

/// Commands in words: the nodes that go, and what each replacement may be launched as.
pub(crate) fn told(commands: &[Command]) -> Vec<String> {
    let one = |command: &Command| {
        let mut nodes: Vec<&str> = command.candidates.iter().map(|one| &*one.node).collect();
        nodes.sort_unstable();
        let claims = command.replacements.iter().map(|claim| {
            let types: Vec<&str> = claim.instance_types.iter().map(|ty| &*ty.name).collect();
            types.join("|")
        });
        let mut claims: Vec<String> = claims.collect();
        claims.sort();
        let claims = match claims.len() {
            0 => "nothing".to_owned(),
            _ => claims.join(" + "),
        };
        format!("{} -> {claims}", nodes.join(" "))
    };
    commands.iter().map(one).collect()
}

impl Scene {
    /// A cluster with one pool that has these types.
    pub(crate) fn market(types: &[Value]) -> Self {
        Self::market_of(&json!({}), types)
    }

    /// The same, with a pool that is as it is said.
    pub(crate) fn market_of(pool: &Value, types: &[Value]) -> Self {
        let mut scene = Self::new(pool);
        scene.types("p", catalog(types));
        scene
    }

    /// A complete node of the pool `p`, launched as a type of it with a capacity type.
    pub(crate) fn launched(&mut self, name: &str, launch: (&str, &str)) -> &mut Self {
        self.launched_with(name, launch, &json!({}), &json!({}))
    }

    /// The same, with what differs in the node and its claim.
    pub(crate) fn launched_with(
        &mut self,
        name: &str,
        (ty, capacity_type): (&str, &str),
        node: &Value,
        claim: &Value,
    ) -> &mut Self {
        let pool = node["metadata"]["labels"]["karpenter.sh/nodepool"].as_str();
        let snapshot = self.snapshot();
        let pool = snapshot.pool(pool.unwrap_or("p")).expect("a pool");
        let amounts = pool.instance_type(ty).expect("a type").allocatable();
        let of_cpu = amounts[CPU].to_string();
        let amounts = json!({"cpu": of_cpu, "memory": "64Gi", "pods": "110"});
        let mut patch = json!({"metadata": {"labels": {
                "node.kubernetes.io/instance-type": ty, "karpenter.sh/capacity-type": capacity_type,
                "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux",
                "kubernetes.io/hostname": name}},
            "status": {"capacity": amounts, "allocatable": amounts}});
        lay_over(&mut patch, node);
        let mut of_claim = json!({"metadata":
            {"labels": {"karpenter.sh/nodepool": pool.name()}}});
        merge(&mut of_claim, claim);
        self.node(name, &patch, &of_claim)
    }

    /// A pod on a node that asks for so many cores.
    pub(crate) fn running(&mut self, name: &str, node: &str, amount: &str) -> &mut Self {
        self.pod(name, node, &cores(amount))
    }

    /// A pod that waits for a place.
    pub(crate) fn pending(&mut self, name: &str, amount: &str) -> &mut Self {
        let waits = json!({"spec": {"nodeName": null}, "status": {"phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False",
                "reason": "Unschedulable"}]}});
        self.pod(name, "", &cores_and(amount, &waits))
    }

    /// A PodDisruptionBudget for pods with a label `app`.
    pub(crate) fn budget(&mut self, name: &str, app: &str, allowed: u32) -> &mut Self {
        let budget: PodDisruptionBudget = read(
            json!({"metadata": {"name": name, "namespace": "n"},
                "spec": {"selector": {"matchLabels": {"app": app}}},
                "status": {"disruptionsAllowed": allowed}}),
            &json!({}),
        );
        let event = Event::PodDisruptionBudget(Change::Applied(budget));
        self.0.apply(event);
        self
    }

    /// A look with these settings, a hundred seconds after the scene began.
    pub(crate) fn look(&mut self, options: &Options) -> Plan {
        let snapshot = self.snapshot();
        plan(&mut Memory::default(), &snapshot, options, at(100), 0)
    }

    /// What is to be done by the usual settings, in words.
    pub(crate) fn told(&mut self) -> Vec<String> {
        told(&self.look(&Options::default()).commands)
    }

    /// Why a node stays by the usual settings.
    pub(crate) fn stays(&mut self, node: &str) -> Why {
        let plan = self.look(&Options::default());
        why_of(&plan, node)
    }

    /// A second look at commands.
    pub(crate) fn again(&mut self, commands: &[Command]) -> Validated {
        let (snapshot, options) = (self.snapshot(), Options::default());
        let memory = &mut Memory::default();
        validate(memory, commands.to_vec(), &snapshot, &options, at(115))
    }
}

/// Why a node stays.
pub(crate) fn why_of(plan: &Plan, node: &str) -> Why {
    let kept = plan.kept.iter().find(|kept| &*kept.node == node);
    let told = || panic!("{node} goes: {:?}", told(&plan.commands));
    kept.map_or_else(told, |kept| kept.reason.clone())
}
