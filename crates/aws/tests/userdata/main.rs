//! User data of each family, as instances read it.

mod bottlerocket;
mod document;
mod labels;
mod node_config;
mod properties;
mod script;
mod windows;

use aws::kubelet::{Resolved, Settings};
use aws::userdata::{ClusterAccess, Input, render_text};
use catalog::ec2::AmiFamily;
use model::k8s::{Taint, TaintEffect};
use serde_json::Value;

/// An instance with room for 29 pods of a cluster that is known but for its name service.
pub(crate) fn input(family: AmiFamily) -> Input {
    Input {
        family,
        cluster: ClusterAccess {
            name: "prod".to_owned(),
            endpoint: "https://prod.example".to_owned(),
            ca_bundle: "Y2EtYnVuZGxl".to_owned(),
            cidr: Some("10.100.0.0/16".to_owned()),
            dns: None,
        },
        labels: [("team", "blue"), ("karpenter.sh/capacity-type", "spot")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        taints: vec![
            Taint::new("dedicated", "web", TaintEffect::NoSchedule),
            api::labels::unregistered_taint(),
        ],
        kubelet: Resolved {
            max_pods: 29,
            ..Resolved::default()
        },
        ..Input::default()
    }
}

/// The same with a class's settings of the kubelet, none of which is an expression.
pub(crate) fn with_kubelet(family: AmiFamily, kubelet: Value) -> Input {
    let settings = Settings::parse(kubelet.as_object().unwrap()).unwrap();
    let max_pods = kubelet["maxPods"].as_u64().unwrap_or(29);
    let kubelet = Resolved {
        max_pods: u32::try_from(max_pods).unwrap(),
        verbatim: settings.verbatim,
        managed: settings.managed,
        kube_reserved: settings.kube_reserved,
        system_reserved: settings.system_reserved,
    };
    Input {
        kubelet,
        ..input(family)
    }
}

/// The same with a class's user data.
pub(crate) fn with_custom(family: AmiFamily, custom: &str) -> Input {
    Input {
        custom: Some(custom.to_owned()),
        ..input(family)
    }
}

pub(crate) fn text(input: &Input) -> String {
    render_text(input).unwrap()
}

/// A setting for each field that means something.
pub(crate) fn all_managed() -> Value {
    serde_json::json!({
        "clusterDNS": ["10.0.100.10"],
        "maxPods": 10,
        "podsPerCore": 2,
        "systemReserved": {"cpu": "100m", "memory": "200Mi"},
        "kubeReserved": {"memory": "300Mi", "cpu": "90m"},
        "evictionHard": {"memory.available": "5%"},
        "evictionSoft": {"memory.available": "10%", "nodefs.available": "1Gi"},
        "evictionSoftGracePeriod": {"memory.available": "90s", "nodefs.available": "1h"},
        "evictionMaxPodGracePeriod": 60,
        "imageGCHighThresholdPercent": 85,
        "imageGCLowThresholdPercent": 80,
        "cpuCFSQuota": false,
    })
}
