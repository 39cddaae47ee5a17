//! Admission, schemas and identities of the API server.

use serde_json::{Value, json};

use crate::Check;
use crate::kubectl::{Kubectl, poll};

pub(crate) const CHECKS: &[Check] = &[
    (
        "the version is that of the pinned modules",
        the_version_is_set,
    ),
    ("admission fills in defaults", admission_fills_in_defaults),
    ("an admission policy denies", an_admission_policy_denies),
    (
        "rules and defaults of a resource definition work",
        rules_of_a_definition_work,
    ),
    (
        "a field of another manager is a conflict",
        a_field_of_another_manager_is_a_conflict,
    ),
    (
        "a requested token authenticates",
        a_requested_token_authenticates,
    ),
];

fn the_version_is_set(kubectl: &Kubectl) {
    let version: Value = serde_json::from_str(&kubectl.run("get --raw /version")).unwrap();
    assert_eq!(
        (&version["major"], &version["minor"]),
        (&json!("1"), &json!("36"))
    );
}

fn admission_fills_in_defaults(kubectl: &Kubectl) {
    let namespace = kubectl.namespace("admission");
    kubectl.apply(
        "apiVersion: v1\n\
         kind: LimitRange\n\
         metadata: {name: defaults, namespace: admission}\n\
         spec: {limits: [{type: Container, defaultRequest: {cpu: 7m}}]}\n\
         ---\n\
         apiVersion: scheduling.k8s.io/v1\n\
         kind: PriorityClass\n\
         metadata: {name: high}\n\
         value: 1234\n",
    );
    let pod = "apiVersion: v1\n\
               kind: Pod\n\
               metadata: {name: plain, namespace: admission}\n\
               spec: {priorityClassName: high, containers: [{name: main, image: pause}]}\n";
    // The API server learns of both a moment after they are stored.
    poll(|| kubectl.try_with("apply --dry-run=server -f -", pod).is_ok());
    kubectl.apply(pod);
    let pod = kubectl.get(&format!("pod plain -n {namespace}")).unwrap();
    assert_eq!(pod["spec"]["priority"], 1234);
    assert_eq!(
        pod["spec"]["containers"][0]["resources"]["requests"]["cpu"],
        "7m"
    );
    let tolerations = pod["spec"]["tolerations"].as_array().unwrap();
    assert_eq!(
        tolerations
            .iter()
            .filter(|t| t["tolerationSeconds"] == 300)
            .count(),
        2
    );
}

fn an_admission_policy_denies(kubectl: &Kubectl) {
    kubectl.apply(
        "apiVersion: admissionregistration.k8s.io/v1\n\
         kind: ValidatingAdmissionPolicy\n\
         metadata: {name: no-secrets}\n\
         spec:\n\
         \x20 matchConstraints:\n\
         \x20   resourceRules:\n\
         \x20   - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [secrets]}\n\
         \x20 validations: [{expression: 'false', message: not here}]\n\
         ---\n\
         apiVersion: admissionregistration.k8s.io/v1\n\
         kind: ValidatingAdmissionPolicyBinding\n\
         metadata: {name: no-secrets}\n\
         spec: {policyName: no-secrets, validationActions: [Deny]}\n",
    );
    let create = "create secret generic denied --dry-run=server";
    poll(|| kubectl.try_with(create, "").is_err());
    let error = kubectl.try_with(create, "").unwrap_err();
    assert!(error.contains("not here"), "{error}");
}

const DEFINITION: &str = "apiVersion: apiextensions.k8s.io/v1\n\
    kind: CustomResourceDefinition\n\
    metadata: {name: boxes.example.com}\n\
    spec:\n\
    \x20 group: example.com\n\
    \x20 scope: Cluster\n\
    \x20 names: {kind: Box, plural: boxes, singular: box}\n\
    \x20 versions:\n\
    \x20 - name: v1\n\
    \x20   served: true\n\
    \x20   storage: true\n\
    \x20   schema:\n\
    \x20     openAPIV3Schema:\n\
    \x20       type: object\n\
    \x20       properties:\n\
    \x20         spec:\n\
    \x20           type: object\n\
    \x20           properties:\n\
    \x20             size: {type: integer, default: 3}\n\
    \x20             kind:\n\
    \x20               type: string\n\
    \x20               x-kubernetes-validations:\n\
    \x20               - {rule: self == oldSelf, message: kind is immutable}\n\
    \x20           x-kubernetes-validations:\n\
    \x20           - {rule: self.size < 10, message: too big}\n";

fn box_of(spec: &str) -> String {
    format!("apiVersion: example.com/v1\nkind: Box\nmetadata: {{name: one}}\nspec: {spec}\n")
}

fn rules_of_a_definition_work(kubectl: &Kubectl) {
    kubectl.apply(DEFINITION);
    poll(|| kubectl.try_apply(&box_of("{kind: a}")).is_ok());
    assert_eq!(kubectl.get("box one").unwrap()["spec"]["size"], 3);
    for (spec, message) in [
        ("{size: 10, kind: a}", "too big"),
        ("{kind: b}", "immutable"),
    ] {
        let error = kubectl.try_apply(&box_of(spec)).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}

fn a_field_of_another_manager_is_a_conflict(kubectl: &Kubectl) {
    let map = |value| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: owned}}\ndata: {{key: {value}}}\n"
        )
    };
    kubectl.apply(&map("one"));
    let other = "apply --server-side --field-manager=other -f -";
    let error = kubectl.try_with(other, &map("two")).unwrap_err();
    assert!(error.contains("conflict"), "{error}");
}

fn a_requested_token_authenticates(kubectl: &Kubectl) {
    kubectl.run("create serviceaccount robot -n default");
    let token = kubectl.run("create token robot -n default");
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token.trim()},
    });
    let path = "/apis/authentication.k8s.io/v1/tokenreviews";
    let answer = kubectl.try_with(&format!("create --raw {path} -f -"), &review.to_string());
    let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
    assert_eq!(answer["status"]["authenticated"], true);
    assert_eq!(
        answer["status"]["user"]["username"],
        "system:serviceaccount:default:robot"
    );
}
