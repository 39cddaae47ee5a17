//! Settings of the kubelet: what is allowed, what they come to, and that all agree on it.

mod accept;
mod agreement;
mod expressions;
mod rules;

use aws::kubelet::{Compiled, Expressions, Settings};
use catalog::ec2::Machine;
use serde_json::{Map, Value};

pub(crate) fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// Settings with expressions, ready to be resolved.
pub(crate) fn compiled(kubelet: &Value) -> Compiled {
    let settings = Settings::parse(&map(kubelet)).unwrap();
    settings.compile(Expressions::Enabled).unwrap()
}

/// An instance type: 2 virtual CPUs, 8 GiB, 3 interfaces of 10 addresses.
pub(crate) fn m5_large() -> Machine {
    Machine {
        name: "m5.large".to_owned(),
        architecture: "amd64".to_owned(),
        vcpus: 2,
        memory_mib: 8192,
        interfaces: 3,
        ipv4_per_interface: 10,
        ..Machine::default()
    }
}
