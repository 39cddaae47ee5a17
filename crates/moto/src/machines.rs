//! The instances that there are, as EC2 tells them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use roxmltree::{Document, Node};

use crate::Moto;

/// An instance of EC2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// `i-...`.
    pub id: String,
    /// `pending`, `running`, `shutting-down`, `stopped`, ...
    pub state: String,
    /// `m5.large`.
    pub instance_type: String,
    /// Name of its zone.
    pub zone: String,
    /// `subnet-...`.
    pub subnet: String,
    /// `ami-...`.
    pub image: String,
    /// Its security groups, `sg-...`.
    pub security_groups: Vec<String>,
    /// ARN of its instance profile; empty if it has none.
    pub profile: String,
    /// `spot`, or empty.
    pub lifecycle: String,
    /// `required` if its metadata service wants tokens.
    pub http_tokens: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Moto {
    /// All instances that have not ended, by id.
    pub fn machines(&self, region: &str) -> Result<Vec<Machine>> {
        let wanted = [
            ("Filter.1.Name", "instance-state-name"),
            ("Filter.1.Value.1", "pending"),
            ("Filter.1.Value.2", "running"),
            ("Filter.1.Value.3", "shutting-down"),
            ("Filter.1.Value.4", "stopping"),
            ("Filter.1.Value.5", "stopped"),
        ];
        let listed = self.ec2(region, "DescribeInstances", &wanted)?;
        let document = Document::parse(&listed).context("instances are no XML")?;
        let sets = all(document.root(), "instancesSet");
        let mut machines: Vec<Machine> = sets.flat_map(items).map(machine).collect();
        machines.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(machines)
    }

    /// The ids of [`Moto::machines`].
    pub fn instances(&self, region: &str) -> Result<Vec<String>> {
        let machines = self.machines(region)?;
        Ok(machines.into_iter().map(|machine| machine.id).collect())
    }

    /// The user data that an instance was started with, in base64; empty if there is none.
    pub fn user_data(&self, region: &str, id: &str) -> Result<String> {
        let wanted = [("InstanceId", id), ("Attribute", "userData")];
        let answer = self.ec2(region, "DescribeInstanceAttribute", &wanted)?;
        let document = Document::parse(&answer).context("an attribute is no XML")?;
        let data = all(document.root(), "userData").next();
        Ok(data.map_or_else(String::new, |data| text(data, "value")))
    }

    /// Processors and MiB of memory of an instance type.
    pub fn size(&self, region: &str, instance_type: &str) -> Result<(u64, u64)> {
        let wanted = [("InstanceType.1", instance_type)];
        let answer = self.ec2(region, "DescribeInstanceTypes", &wanted)?;
        let document = Document::parse(&answer).context("types are no XML")?;
        let number = |element: &str| {
            let found = all(document.root(), element).next();
            let found = found.and_then(|found| found.text()?.parse().ok());
            found.with_context(|| format!("{instance_type} has no {element}"))
        };
        Ok((number("defaultVCpus")?, number("sizeInMiB")?))
    }
}

fn machine(item: Node<'_, '_>) -> Machine {
    let list = |of: &str| child(item, of).into_iter().flat_map(items);
    let tags = list("tagSet").map(|tag| (text(tag, "key"), text(tag, "value")));
    let inner = |of: &str, element: &str| {
        let found = child(item, of);
        found.map_or_else(String::new, |found| text(found, element))
    };
    Machine {
        id: text(item, "instanceId"),
        state: inner("instanceState", "name"),
        instance_type: text(item, "instanceType"),
        zone: inner("placement", "availabilityZone"),
        subnet: text(item, "subnetId"),
        image: text(item, "imageId"),
        security_groups: list("groupSet").map(|one| text(one, "groupId")).collect(),
        profile: inner("iamInstanceProfile", "arn"),
        lifecycle: text(item, "instanceLifecycle"),
        http_tokens: inner("metadataOptions", "httpTokens"),
        tags: tags.collect(),
    }
}

/// All elements of a name, at any depth.
fn all<'a, 'd: 'a>(node: Node<'a, 'd>, name: &'a str) -> impl Iterator<Item = Node<'a, 'd>> + 'a {
    node.descendants()
        .filter(move |node| node.tag_name().name() == name)
}

fn child<'a, 'd>(node: Node<'a, 'd>, name: &str) -> Option<Node<'a, 'd>> {
    node.children().find(|node| node.tag_name().name() == name)
}

fn items<'a, 'd: 'a>(list: Node<'a, 'd>) -> impl Iterator<Item = Node<'a, 'd>> + 'a {
    list.children()
        .filter(|node| node.tag_name().name() == "item")
}

/// The text of a child; empty if there is none.
fn text(node: Node<'_, '_>, name: &str) -> String {
    let found = child(node, name).and_then(|child| child.text());
    found.unwrap_or_default().to_owned()
}
