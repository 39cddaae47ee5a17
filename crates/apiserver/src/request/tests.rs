use serde_json::json;

use super::*;
use crate::options::{DryRun, Part, Patch, Propagation};

fn object(path: &str) -> ObjectPath {
    match route(path) {
        Route::Object(object) => object,
        other => panic!("{path} is {other:?}"),
    }
}

#[test]
fn paths_name_resources_objects_and_subresources() {
    let list = object("/api/v1/pods");
    assert_eq!(
        (list.plural.as_str(), list.namespace, list.name),
        ("pods", None, None)
    );
    let one = object("/apis/apps/v1/namespaces/ns/deployments/web/scale");
    assert_eq!((one.group.as_str(), one.version.as_str()), ("apps", "v1"));
    assert_eq!((one.namespace(), one.name()), ("ns", "web"));
    assert_eq!(one.subresource.as_deref(), Some("scale"));
    let namespace = object("/api/v1/namespaces/ns");
    assert_eq!(
        (namespace.plural.as_str(), namespace.name()),
        ("namespaces", "ns")
    );
    let status = object("/api/v1/namespaces/ns/status");
    assert_eq!(
        (status.plural.as_str(), status.subresource.as_deref()),
        ("namespaces", Some("status"))
    );
    let cluster = object("/apis/karpenter.sh/v1/nodepools/default/status");
    assert_eq!((cluster.namespace(), cluster.name()), ("", "default"));
    let encoded = object("/api/v1/namespaces/ns/events/a%3Ab");
    assert_eq!(encoded.name(), "a:b");
}

#[test]
fn paths_of_documents_are_told_apart() {
    assert_eq!(route("/"), Route::Root);
    assert_eq!(route("/version"), Route::Version);
    assert_eq!(route("/readyz/ping"), Route::Health);
    assert_eq!(route("/apis"), Route::Groups);
    assert_eq!(route("/apis/apps"), Route::Group("apps".into()));
    let version = Route::GroupVersion {
        group: String::new(),
        version: "v1".into(),
    };
    assert_eq!(route("/api/v1"), version);
    assert_eq!(route("/nope"), Route::Unknown);
    assert_eq!(route("/api/v1/namespaces/ns/pods/a/b/c"), Route::Unknown);
}

#[test]
fn queries_are_decoded_and_typed() {
    let query =
        Query::parse("labelSelector=a%3Db%2Cc+in+(d)&limit=5&watch=1&dryRun=All&force=true&empty=");
    assert_eq!(query.get("labelSelector"), Some("a=b,c in (d)"));
    assert_eq!(query.number::<usize>("limit").unwrap(), Some(5));
    assert!(query.is_on("watch") && query.is_on("empty") && !query.is_on("absent"));
    let options = query
        .write_options(Part::Main, Some("kubectl/1.36 (linux)"))
        .unwrap();
    assert_eq!(options.field_manager.as_deref(), Some("kubectl"));
    assert_eq!(options.dry_run, DryRun::All);
    for bad in ["limit=x", "dryRun=Some", "fieldValidation=Maybe"] {
        let query = Query::parse(bad);
        let refused = query.number::<usize>("limit").is_err()
            || query.write_options(Part::Main, None).is_err();
        assert!(refused, "{bad}");
    }
}

#[test]
fn bodies_are_read_by_content_type() {
    let yaml = b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
    let object = parse_object("application/yaml", yaml).unwrap();
    assert_eq!(object["metadata"]["name"], "a");
    assert!(parse_object("application/vnd.kubernetes.protobuf", b"k8s").is_err());
    assert!(parse_object("application/json", b"{").is_err());
    let apply = patch_of("application/apply-patch+yaml", yaml).unwrap();
    assert!(matches!(apply, Patch::Apply(v) if v["kind"] == "Pod"));
    assert!(patch_of("application/json", b"{}").is_err());
}

#[test]
fn delete_options_come_from_body_or_query() {
    let body = json!({
        "gracePeriodSeconds": 5, "propagationPolicy": "Foreground", "dryRun": ["All"],
        "preconditions": {"uid": "u"},
    });
    let options = delete_options(&body, &Query::default()).unwrap();
    assert_eq!(options.grace_period_seconds, Some(5));
    assert_eq!(options.propagation, Some(Propagation::Foreground));
    assert_eq!(options.uid.as_deref(), Some("u"));
    assert_eq!(options.dry_run, DryRun::All);
    let query = Query::parse("propagationPolicy=Orphan&gracePeriodSeconds=0");
    let options = delete_options(&serde_json::Value::Null, &query).unwrap();
    assert_eq!(options.propagation, Some(Propagation::Orphan));
    assert_eq!(options.grace_period_seconds, Some(0));
    assert!(delete_options(&json!({"propagationPolicy": "Maybe"}), &Query::default()).is_err());
}
