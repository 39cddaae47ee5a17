//! Versions of Bottlerocket, as far as they decide how local disks are used.

use api::Ec2NodeClass;

/// The first version that knows by itself which directories go on local disks.
const BINDS_BY_DEFAULT: (u64, u64, u64) = (1, 46, 0);

/// The version that instances of a class run, as its alias, the names in its terms or the names of
/// the images that were found tell; empty if none of them does.
pub fn version_of(class: &Ec2NodeClass) -> String {
    let of_alias = class.spec.alias().map(|(_, version)| version.to_owned());
    let terms = &class.spec.ami_selector_terms;
    let of_terms = terms.iter().filter_map(|term| in_name(&term.name));
    let amis = &class.status.amis;
    let by_id = terms.iter().flat_map(|term| {
        amis.iter()
            .filter(|ami| !term.id.is_empty() && ami.id == term.id)
    });
    let named = amis.iter().filter(|ami| ami.name.contains("bottlerocket"));
    let of_images = by_id.chain(named).filter_map(|ami| in_name(&ami.name));
    of_alias
        .into_iter()
        .chain(of_terms)
        .chain(of_images)
        .find(|version| !version.is_empty())
        .unwrap_or_default()
}

/// The version in the name of an image: `bottlerocket-aws-k8s-1.34-x86_64-v1.46.0-abc`.
fn in_name(name: &str) -> Option<String> {
    let parts = name.split('-');
    let mut versions = parts.filter(|part| part.starts_with('v') && part.contains('.'));
    versions.next().map(str::to_owned)
}

/// Whether an image of this version knows which directories go on local disks. One whose version is
/// not known is taken not to.
pub fn binds_by_default(version: &str) -> bool {
    version == "latest" || parsed(version).is_some_and(|version| version >= BINDS_BY_DEFAULT)
}

fn parsed(version: &str) -> Option<(u64, u64, u64)> {
    let mut numbers = version.trim_start_matches('v').splitn(3, '.');
    let mut number = || numbers.next()?.parse().ok();
    Some((number()?, number()?, number()?))
}

#[cfg(test)]
mod tests {
    use api::Ec2NodeClass;
    use serde_json::{Value, json};

    use super::{binds_by_default, version_of};

    /// VER-3: old, incomplete and unreadable versions need to be told, new ones do not.
    #[test]
    fn versions_from_1_46_0_on_bind_by_default() {
        for old in ["1.45.0", "1.9.0", "1.46", "1", "", "abc.def.ghi", "invalid"] {
            assert!(!binds_by_default(old), "{old:?}");
        }
        for new in ["1.46.0", "v1.46.0", "1.47.0", "2.0.0", "latest"] {
            assert!(binds_by_default(new), "{new:?}");
        }
    }

    fn version(terms: Value, images: &[(&str, &str)]) -> String {
        let images: Vec<Value> = images
            .iter()
            .map(|(id, name)| json!({"id": id, "name": name, "requirements": []}))
            .collect();
        let class: Ec2NodeClass = serde_json::from_value(json!({
            "spec": {"amiSelectorTerms": terms, "amiFamily": "Bottlerocket"},
            "status": {"amis": images},
        }))
        .unwrap();
        version_of(&class)
    }

    /// AMI-18: the version is in the alias, in a name, or in the name of an image that was found.
    #[test]
    fn the_version_is_found_in_the_alias_a_name_or_an_image() {
        let name = "bottlerocket-aws-k8s-1.34-x86_64-v1.46.0-abc123";
        let other = "bottlerocket-aws-k8s-1.34-aarch64-v1.45.1-abc123";
        let found = [("ami-1", name), ("ami-2", other)];
        let alias = json!([{"alias": "bottlerocket@v1.20.3"}]);
        assert_eq!(version(alias, &found), "v1.20.3");
        assert_eq!(
            version(json!([{"alias": "bottlerocket@latest"}]), &found),
            "latest"
        );
        assert_eq!(version(json!([{"name": other}]), &found), "v1.45.1");
        assert_eq!(version(json!([{"id": "ami-2"}]), &found), "v1.45.1");
        assert_eq!(version(json!([{"tags": {"a": "b"}}]), &found), "v1.46.0");
        let unnamed = [("ami-1", "custom-v1.46.0"), ("ami-2", "")];
        assert_eq!(version(json!([{"tags": {"a": "b"}}]), &unnamed), "");
        assert_eq!(version(json!([{"id": "ami-1"}]), &unnamed), "v1.46.0");
        assert_eq!(version(json!([{"name": "bottlerocket-*"}]), &[]), "");
    }
}
