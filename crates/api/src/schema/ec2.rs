//! Pieces of the schema of EC2NodeClass, with their rules.

use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::patterns::VOLUME_SIZE;
use super::rules::rule;

/// Families that have an alias, with the article that their name takes.
const ALIAS_FAMILIES: [(&str, &str, &str); 6] = [
    ("al2", "AL2", "an"),
    ("al2023", "AL2023", "an"),
    ("bottlerocket", "Bottlerocket", "a"),
    ("windows2019", "Windows2019", "a"),
    ("windows2022", "Windows2022", "a"),
    ("windows2025", "Windows2025", "a"),
];

/// Tags that a term asks for.
pub(crate) fn selector_tags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 20,
        "additionalProperties": {"type": "string"},
        "x-kubernetes-validations": [rule(
            "self.all(k, k != '' && self[k] != '')",
            "empty tag keys or values aren't supported",
        )],
    })
}

/// Tags of what is made.
pub(crate) fn tags(_: &mut SchemaGenerator) -> Schema {
    let restricted = |condition: &str, tag: &str| {
        rule(
            &format!("self.all(k, {condition})"),
            &format!("tag contains a restricted tag matching {tag}"),
        )
    };
    let named = |tag: &str| restricted(&format!("k != '{tag}'"), tag);
    json_schema!({
        "type": "object",
        "additionalProperties": {"type": "string"},
        "x-kubernetes-validations": [
            rule("self.all(k, k != '')", "empty tag keys aren't supported"),
            named("eks:eks-cluster-name"),
            restricted("!k.startsWith('kubernetes.io/cluster')", "kubernetes.io/cluster/"),
            named("karpenter.sh/nodepool"),
            named("karpenter.sh/nodeclaim"),
            named("karpenter.k8s.aws/ec2nodeclass"),
        ],
    })
}

/// An alias of an image.
pub(crate) fn alias(_: &mut SchemaGenerator) -> Schema {
    let families: Vec<String> = ALIAS_FAMILIES
        .iter()
        .map(|(alias, _, _)| format!("'{alias}'"))
        .collect();
    let families = families.join(", ");
    json_schema!({
        "type": "string",
        "maxLength": 30,
        "x-kubernetes-validations": [
            rule(
                "self.matches('^[a-zA-Z0-9]+@.+$')",
                "'alias' is improperly formatted, must match the format 'family@version'",
            ),
            rule(
                &format!("self.find('^[^@]+') in [{families}]"),
                &format!("family is not supported, must be one of the following: {families}"),
            ),
            rule(
                "self.startsWith('windows') ? self.find('@.+$') == '@latest' : true",
                "windows families may only specify version 'latest'",
            ),
        ],
    })
}

fn at_least_one(fields: &[&str]) -> Value {
    let has: Vec<String> = fields
        .iter()
        .map(|field| match *field {
            "tags" => "(has(x.tags) && x.tags.size() > 0)".to_owned(),
            field => format!("has(x.{field})"),
        })
        .collect();
    let named: Vec<String> = fields
        .iter()
        .filter(|field| **field != "ids")
        .map(|field| format!("'{field}'"))
        .collect();
    rule(
        &format!("self.all(x, {})", has.join(" || ")),
        &format!("expected at least one, got none, [{}]", named.join(", ")),
    )
}

/// CEL: a term has `field` and one of the others.
fn mixed(field: &str, others: &[&str]) -> String {
    let others: Vec<String> = others
        .iter()
        .map(|other| format!("has(x.{other})"))
        .collect();
    format!("has(x.{field}) && ({})", others.join(" || "))
}

fn not_empty(list: &str) -> Value {
    rule("self.size() != 0", &format!("{list} cannot be empty"))
}

/// The rule that existing clusters have: it only holds a list back in which every term is wrong.
fn exclusive(field: &str, others: &[&str], message: &str) -> Value {
    rule(
        &format!("!self.all(x, {})", mixed(field, others)),
        &format!("'{field}' is mutually exclusive, cannot be set {message}"),
    )
}

fn never_with(field: &str, others: &[&str], message: &str) -> Value {
    rule(
        &format!("!self.exists(x, {})", mixed(field, others)),
        &format!("'{field}' is mutually exclusive, cannot be set {message}"),
    )
}

/// Rules of subnet terms.
pub(crate) fn subnet_terms() -> Value {
    let message = "with a combination of other fields in a subnet selector term";
    json!([
        not_empty("subnetSelectorTerms"),
        at_least_one(&["tags", "id", "ids"]),
        exclusive("id", &["tags"], message),
        never_with("ids", &["tags", "id"], message),
    ])
}

/// Rules of security group terms.
pub(crate) fn security_group_terms() -> Value {
    let message = "with a combination of other fields in a security group selector term";
    json!([
        not_empty("securityGroupSelectorTerms"),
        at_least_one(&["tags", "id", "name", "ids"]),
        exclusive("id", &["tags", "name"], message),
        exclusive("name", &["tags", "id"], message),
        never_with("ids", &["tags", "id", "name"], message),
    ])
}

/// Rules of capacity reservation terms.
pub(crate) fn reservation_terms() -> Value {
    json!([
        at_least_one(&["tags", "id", "instanceMatchCriteria"]),
        rule(
            "self.size() == 0 || !self.all(x, has(x.id) && (has(x.tags) || has(x.ownerID) || has(x.instanceMatchCriteria)))",
            "'id' is mutually exclusive, cannot be set along with other fields in a capacity reservation selector term",
        ),
    ])
}

/// Rules of image terms.
pub(crate) fn ami_terms() -> Value {
    let message = "with a combination of other fields in amiSelectorTerms";
    json!([
        at_least_one(&["tags", "id", "name", "alias", "ssmParameter"]),
        never_with("id", &["alias", "tags", "name", "owner"], message),
        never_with("alias", &["id", "tags", "name", "owner"], message),
        rule(
            "!(self.exists(x, has(x.alias)) && self.size() != 1)",
            "'alias' is mutually exclusive, cannot be set with a combination of other amiSelectorTerms",
        ),
    ])
}

/// Rules of a placement group selector.
pub(crate) fn placement_group() -> Value {
    json!([
        rule(
            "has(self.name) || has(self.id)",
            "expected at least one, got none, ['name', 'id']",
        ),
        rule(
            "!(has(self.name) && has(self.id))",
            "'name' and 'id' are mutually exclusive"
        ),
    ])
}

/// Rules of the spec as a whole.
pub(crate) fn class_spec() -> Value {
    let mut rules = vec![
        rule(
            "!(has(self.role) && has(self.instanceProfile))",
            "must specify exactly one of ['role', 'instanceProfile']",
        ),
        rule(
            "(has(self.amiSelectorTerms) && self.amiSelectorTerms.exists(x, has(x.alias))) || has(self.amiFamily)",
            "must specify amiFamily if amiSelectorTerms does not contain an alias",
        ),
        rule(
            "has(self.amiSelectorTerms) || !has(self.amiFamily) || self.amiFamily != 'Custom'",
            "amiFamily 'Custom' has no images of its own, amiSelectorTerms must select some",
        ),
    ];
    rules.extend(ALIAS_FAMILIES.iter().map(|(alias, family, article)| {
        rule(
            &format!(
                "!has(self.amiFamily) || !has(self.amiSelectorTerms) || self.amiFamily in ['{family}', 'Custom'] || \
                 !self.amiSelectorTerms.exists(x, has(x.alias) && x.alias.find('^[^@]+') == '{alias}')"
            ),
            &format!(
                "if set, amiFamily must be '{family}' or 'Custom' when using {article} {family} alias"
            ),
        )
    }));
    json!(rules)
}

/// Rules of block device mappings, all together.
pub(crate) fn block_devices() -> Value {
    json!([rule(
        "self.filter(x, has(x.rootVolume) ? x.rootVolume : false).size() <= 1",
        "must have only one blockDeviceMappings with rootVolume",
    )])
}

/// Rules of a volume.
pub(crate) fn volume() -> Value {
    json!([
        rule(
            "has(self.snapshotID) || has(self.volumeSize)",
            "snapshotID or volumeSize must be defined",
        ),
        rule(
            "!has(self.volumeInitializationRate) || (has(self.snapshotID) && self.snapshotID != '')",
            "snapshotID must be set when volumeInitializationRate is set",
        ),
    ])
}

/// The size of a volume: a quantity that is written as text.
pub(crate) fn volume_size(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": VOLUME_SIZE})
}

/// Rules of network interfaces, all together.
pub(crate) fn network_interfaces() -> Value {
    json!([
        rule(
            "self.size() == 0 || self.exists(x, x.networkCardIndex == 0 && x.deviceIndex == 0 && x.interfaceType == 'interface')",
            "networkInterfaces must include a primary interface with interfaceType='interface'",
        ),
        rule(
            "self.all(x, self.filter(y, y.networkCardIndex == x.networkCardIndex && y.deviceIndex == x.deviceIndex).size() == 1 && \
             self.filter(y, y.networkCardIndex == x.networkCardIndex && y.interfaceType == 'efa-only').size() <= 1)",
            "networkInterfaces must not have duplicate networkCardIndex and deviceIndex pairs, and can have at most one efa device per network card",
        ),
    ])
}

/// Rules of connection tracking.
pub(crate) fn connection_tracking() -> Value {
    json!([rule(
        "has(self.tcpEstablishedTimeout) || has(self.udpStreamTimeout) || has(self.udpTimeout)",
        "at least one of tcpEstablishedTimeout, udpStreamTimeout, or udpTimeout must be set",
    )])
}

/// A text that, where it is set, is not empty.
pub(crate) fn set_text(field: &str) -> Value {
    json!([rule("self != ''", &format!("{field} cannot be empty"))])
}

/// Settings of the kubelet: any.
pub(crate) fn kubelet(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}
