//! What an account has before Karpenter comes: networks, clusters, roles, queues. And what
//! Karpenter never asks, but tests do.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::Moto;
use crate::http::{Request, send};

/// A network with what selectors find.
#[derive(Debug, Clone)]
pub struct Network {
    /// Its VPC.
    pub vpc: String,
    /// One subnet for each zone, by zone.
    pub subnets: Vec<Subnet>,
    /// Its security group.
    pub security_group: String,
}

/// A subnet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    /// Name of its zone.
    pub zone: String,
    /// Id of its zone.
    pub zone_id: String,
    /// `subnet-...`.
    pub id: String,
}

impl Moto {
    /// The default network of a region; its subnets and its group get a tag.
    pub fn network(&self, region: &str, key: &str, value: &str) -> Result<Network> {
        let listed = self.ec2(region, "DescribeSubnets", &[])?;
        let mut subnets: Vec<Subnet> = listed
            .split("<availabilityZoneId>")
            .skip(1)
            .filter_map(|text| {
                Some(Subnet {
                    zone: text_between(text, "availabilityZone"),
                    zone_id: text.split_once('<')?.0.to_owned(),
                    id: text_between(text, "subnetId"),
                })
            })
            .collect();
        subnets.sort();
        let vpc = text_between(&listed, "vpcId");
        let wanted = [("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", &vpc)];
        let groups = self.ec2(region, "DescribeSecurityGroups", &wanted)?;
        let security_group = text_between(&groups, "groupId");
        let ids = subnets.iter().map(|subnet| subnet.id.as_str());
        for resource in ids.chain([security_group.as_str()]) {
            self.tag(region, resource, key, value)?;
        }
        Ok(Network {
            vpc,
            subnets,
            security_group,
        })
    }

    /// Tags a resource of EC2.
    pub fn tag(&self, region: &str, resource: &str, key: &str, value: &str) -> Result<()> {
        let tag = [
            ("ResourceId.1", resource),
            ("Tag.1.Key", key),
            ("Tag.1.Value", value),
        ];
        self.ec2(region, "CreateTags", &tag).map(drop)
    }

    /// Makes an EKS cluster; returns its ARN.
    pub fn cluster(&self, region: &str, name: &str, version: &str) -> Result<String> {
        let body = json!({
            "name": name,
            "version": version,
            "roleArn": "arn:aws:iam::123456789012:role/cluster",
            "resourcesVpcConfig": {},
        });
        let answer = self.call("eks", region, "POST", "/clusters", &[], &body.to_string())?;
        let answer: Value = serde_json::from_str(&answer)?;
        let arn = answer["cluster"]["arn"].as_str();
        Ok(arn.context("the cluster has no ARN")?.to_owned())
    }

    /// Makes a role that instances and web identities may take.
    pub fn role(&self, name: &str) -> Result<()> {
        let policy = json!({ "Version": "2012-10-17", "Statement": [] }).to_string();
        let role = [
            ("RoleName", name),
            ("AssumeRolePolicyDocument", policy.as_str()),
        ];
        self.query("iam", "us-east-1", "2010-05-08", "CreateRole", &role)
            .map(drop)
    }

    /// Makes a queue; returns its URL.
    pub fn queue(&self, region: &str, name: &str) -> Result<String> {
        let answer = self.sqs(region, "CreateQueue", &json!({ "QueueName": name }))?;
        let url = answer["QueueUrl"].as_str();
        Ok(url.context("the queue has no URL")?.to_owned())
    }

    /// Sends a text to a queue.
    pub fn send(&self, region: &str, url: &str, text: &str) -> Result<()> {
        let message = json!({ "QueueUrl": url, "MessageBody": text });
        self.sqs(region, "SendMessage", &message).map(drop)
    }

    /// How many messages are in a queue, those that somebody has received among them.
    pub fn waiting(&self, region: &str, url: &str) -> Result<u32> {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ];
        let wanted = json!({ "QueueUrl": url, "AttributeNames": names });
        let answer = self.sqs(region, "GetQueueAttributes", &wanted)?;
        let of = |name: &str| answer["Attributes"][name].as_str()?.parse::<u32>().ok();
        let counts: Option<u32> = names.into_iter().map(of).sum();
        counts.context("the queue does not count its messages")
    }

    /// Sends an event of EventBridge: `aws.ec2`, `EC2 Spot Instance Interruption Warning`, ...
    pub fn send_event(
        &self,
        region: &str,
        url: &str,
        source: &str,
        kind: &str,
        detail: &Value,
    ) -> Result<()> {
        let event = json!({
            "version": "0",
            "id": "00000000-0000-0000-0000-000000000000",
            "detail-type": kind,
            "source": source,
            "account": "123456789012",
            "time": "2026-01-01T00:00:00Z",
            "region": region,
            "resources": [],
            "detail": detail,
        });
        self.send(region, url, &event.to_string())
    }

    /// What a launch template holds, as XML.
    pub fn template(&self, region: &str, name: &str) -> Result<String> {
        let wanted = [
            ("LaunchTemplateName", name),
            ("LaunchTemplateVersion.1", "$Latest"),
        ];
        self.ec2(region, "DescribeLaunchTemplateVersions", &wanted)
    }

    /// Ends an instance behind Karpenter's back.
    pub fn terminate(&self, region: &str, id: &str) -> Result<()> {
        let wanted = [("InstanceId.1", id)];
        self.ec2(region, "TerminateInstances", &wanted).map(drop)
    }

    /// A call of EC2: its fields, as they are on the wire. The answer is XML.
    pub fn ec2(&self, region: &str, action: &str, fields: &[(&str, &str)]) -> Result<String> {
        self.query("ec2", region, "2016-11-15", action, fields)
    }

    fn query(
        &self,
        service: &str,
        region: &str,
        version: &str,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Result<String> {
        let mut form = format!("Action={action}&Version={version}");
        for (name, value) in fields {
            write!(form, "&{name}={}", escape(value))?;
        }
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        self.call(service, region, "POST", "/", &kind, &form)
    }

    fn sqs(&self, region: &str, action: &str, body: &Value) -> Result<Value> {
        let target = format!("AmazonSQS.{action}");
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", target.as_str()),
        ];
        let answer = self.call("sqs", region, "POST", "/", &headers, &body.to_string())?;
        Ok(serde_json::from_str(&answer)?)
    }

    /// moto looks at the scope of a signature, and not at the signature.
    fn call(
        &self,
        service: &str,
        region: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<String> {
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=seed/20260101/{region}/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        let mut all = vec![("Authorization", scope.as_str())];
        all.extend_from_slice(headers);
        let headers = &all;
        send(
            self.port,
            Request {
                method,
                path,
                headers,
                body,
            },
        )
    }
}

/// The content of the first element of a name; empty if there is none.
pub fn text_between(xml: &str, element: &str) -> String {
    let open = format!("<{element}>");
    let content = xml.split_once(&open).map(|(_, rest)| rest);
    let content = content.and_then(|rest| rest.split_once("</"));
    content.map_or_else(String::new, |(text, _)| text.to_owned())
}

fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a text can't fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}
