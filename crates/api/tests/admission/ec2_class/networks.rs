//! What instances are in: subnets, security groups, capacity reservations, placement groups.

use serde_json::{Value, json};

use super::class;
use crate::case::Case;

const EMPTY_TAGS: &str = "empty tag keys or values aren't supported";

/// Terms of subnets.
pub(crate) fn subnets() -> Vec<Case> {
    let subnets = |terms: Value| class(&json!({"subnetSelectorTerms": terms}));
    let nothing = "expected at least one, got none, ['tags', 'id']";
    let mixed = "'id' is mutually exclusive, cannot be set with a combination of other fields in a subnet selector term";
    let both = json!({"id": "subnet-1", "tags": {"a": "b"}});
    vec![
        Case::accepted("two tags", subnets(json!([{"tags": {"a": "b", "c": "d"}}]))),
        Case::accepted(
            "several subnets",
            subnets(json!([{"ids": ["subnet-1", "subnet-2"]}])),
        ),
        Case::refused(
            "no subnets",
            class(&json!({"subnetSelectorTerms": null})),
            "subnetSelectorTerms",
        ),
        Case::refused(
            "no subnet term",
            subnets(json!([])),
            "subnetSelectorTerms cannot be empty",
        ),
        Case::refused("an empty subnet term", subnets(json!([{}])), nothing),
        Case::refused(
            "an empty subnet term at the end",
            subnets(json!([{"id": "subnet-1"}, {"tags": {"a": "b"}}, {}])),
            nothing,
        ),
        Case::refused("no tags", subnets(json!([{"tags": {}}])), nothing),
        Case::refused(
            "an empty tag",
            subnets(json!([{"tags": {"": "b"}}])),
            EMPTY_TAGS,
        ),
        Case::refused(
            "an empty tag value",
            subnets(json!([{"tags": {"a": ""}}])),
            EMPTY_TAGS,
        ),
        Case::refused("id and tags", subnets(json!([both])), mixed),
        Case::accepted(
            "one bad term of two",
            subnets(json!([both, {"id": "subnet-2"}])),
        ),
    ]
}

/// Terms of security groups.
pub(crate) fn groups() -> Vec<Case> {
    let groups = |terms: Value| class(&json!({"securityGroupSelectorTerms": terms}));
    let nothing = "expected at least one, got none, ['tags', 'id', 'name']";
    let mixed = |field: &str| {
        format!(
            "'{field}' is mutually exclusive, cannot be set with a combination of other fields in a security group selector term"
        )
    };
    vec![
        Case::accepted("several groups", groups(json!([{"ids": ["sg-1", "sg-2"]}]))),
        Case::refused(
            "ids and name",
            groups(json!([{"ids": ["sg-1"], "name": "n"}])),
            "'ids' is mutually exclusive",
        ),
        Case::refused(
            "no group term",
            groups(json!([])),
            "securityGroupSelectorTerms cannot be empty",
        ),
        Case::refused("an empty group term", groups(json!([{}])), nothing),
        Case::refused("no tags", groups(json!([{"tags": {}}])), nothing),
        Case::refused(
            "an empty tag value",
            groups(json!([{"tags": {"a": ""}}])),
            EMPTY_TAGS,
        ),
        Case::refused(
            "id and tags",
            groups(json!([{"id": "sg-1", "tags": {"a": "b"}}])),
            &mixed("id"),
        ),
        Case::refused(
            "id and name",
            groups(json!([{"id": "sg-1", "name": "n"}])),
            &mixed("id"),
        ),
        Case::refused(
            "name and tags",
            groups(json!([{"name": "n", "tags": {"a": "b"}}])),
            &mixed("name"),
        ),
    ]
}

/// Terms of capacity reservations.
pub(crate) fn reservations() -> Vec<Case> {
    let reservations = |terms: Value| class(&json!({"capacityReservationSelectorTerms": terms}));
    let nothing = "expected at least one, got none, ['tags', 'id', 'instanceMatchCriteria']";
    let mixed = "'id' is mutually exclusive, cannot be set along with other fields in a capacity reservation selector term";
    let matching = |criteria: &str| reservations(json!([{"instanceMatchCriteria": criteria}]));
    vec![
        Case::accepted("no reservations", class(&json!({}))),
        Case::accepted("no reservation term", reservations(json!([]))),
        Case::accepted("a reservation", reservations(json!([{"id": "cr-1"}]))),
        Case::refused(
            "a bad reservation",
            reservations(json!([{"id": "r-1"}])),
            "should match",
        ),
        Case::refused(
            "a reservation in capitals",
            reservations(json!([{"id": "cr-A"}])),
            "should match",
        ),
        Case::refused(
            "a bad owner",
            reservations(json!([{"ownerID": "12345678901", "tags": {"a": "b"}}])),
            "should match",
        ),
        Case::refused(
            "an owner alone",
            reservations(json!([{"ownerID": "123456789012"}])),
            nothing,
        ),
        Case::accepted(
            "owner and tags",
            reservations(json!([{"ownerID": "123456789012", "tags": {"a": "b"}}])),
        ),
        Case::refused("no tags", reservations(json!([{"tags": {}}])), nothing),
        Case::accepted("open", matching("open")),
        Case::accepted("targeted", matching("targeted")),
        Case::refused("other criteria", matching("invalid"), "Unsupported value"),
        Case::refused(
            "id and criteria",
            reservations(json!([{"id": "cr-1", "instanceMatchCriteria": "open"}])),
            mixed,
        ),
        Case::refused(
            "id and owner",
            reservations(json!([{"id": "cr-1", "ownerID": "123456789012"}])),
            mixed,
        ),
        Case::refused(
            "id and tags",
            reservations(json!([{"id": "cr-1", "tags": {"a": "b"}}])),
            mixed,
        ),
    ]
}

/// The placement group.
pub(crate) fn placement() -> Vec<Case> {
    let placement = |selector: Value| class(&json!({"placementGroupSelector": selector}));
    vec![
        Case::accepted("a placement group", placement(json!({"name": "n"}))),
        Case::accepted("a placement group by id", placement(json!({"id": "pg-1"}))),
        Case::refused(
            "a placement group without name",
            placement(json!({})),
            "expected at least one, got none, ['name', 'id']",
        ),
        Case::refused(
            "a placement group of two names",
            placement(json!({"name": "n", "id": "pg-1"})),
            "'name' and 'id' are mutually exclusive",
        ),
        Case::refused(
            "a bad placement group",
            placement(json!({"id": "pg_1"})),
            "should match",
        ),
    ]
}
