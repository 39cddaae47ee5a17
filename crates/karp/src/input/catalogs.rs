//! Which instance types a run is about: those of a file, or the bundled table of the provider that the
//! pools' node classes belong to.

use anyhow::Context as _;
use api::Ec2NodeClass;
use catalog::ec2::{AmiFamily, Ec2Options, InstanceStore, Kubelet, NodeSettings, bundled};
use catalog::{Catalog, Catalogs};
use manifests::Object;
use runtime::client::Kind;

use super::decode;
use crate::cli::CatalogArgs;

/// EC2's node class.
pub(crate) const EC2: Kind = Kind {
    group: "karpenter.k8s.aws",
    version: "v1",
    kind: "EC2NodeClass",
    plural: "ec2nodeclasses",
};
/// KWOK's node class.
pub(crate) const KWOK: Kind = Kind {
    group: "karpenter.kwok.sh",
    version: "v1alpha1",
    kind: "KWOKNodeClass",
    plural: "kwoknodeclasses",
};

/// Catalogs and the node class kinds that go with it; the first is the default.
pub(crate) struct Chosen {
    pub(crate) catalogs: Catalogs,
    pub(crate) kinds: Vec<Kind>,
}

impl Chosen {
    /// What pools that name no class of their own get.
    pub(crate) fn defaults(&self) -> api::ProviderDefaults {
        api::ProviderDefaults {
            group: self.kinds[0].group.to_owned(),
            kind: self.kinds[0].kind.to_owned(),
        }
    }
}

/// The catalog for these objects.
pub(crate) fn choose(args: &CatalogArgs, objects: &[Object]) -> anyhow::Result<Chosen> {
    let kwok = objects.iter().any(|object| {
        object.kind == KWOK.kind
            || (object.kind == "NodePool" && object.text().contains("karpenter.kwok.sh"))
    });
    let own = if kwok { KWOK } else { EC2 };
    if let Some(path) = &args.catalog {
        let shown = path.display();
        let text = std::fs::read(path).with_context(|| format!("reading the catalog {shown}"))?;
        let catalog = catalog::file::parse(&text).with_context(|| format!("catalog {shown}"))?;
        let other = if kwok { EC2 } else { KWOK };
        return Ok(Chosen {
            catalogs: Catalogs::same(catalog),
            kinds: vec![own, other],
        });
    }
    let catalogs = if kwok {
        Catalogs::same(catalog::kwok::standard())
    } else {
        ec2(&args.region, objects)?
    };
    Ok(Chosen {
        catalogs,
        kinds: vec![own],
    })
}

/// The bundled table, once for the default set-up and once for each class that differs from it.
fn ec2(region: &str, objects: &[Object]) -> anyhow::Result<Catalogs> {
    let of = |node: NodeSettings| -> anyhow::Result<Catalog> {
        let options = Ec2Options {
            region: region.to_owned(),
            node,
            ..Ec2Options::default()
        };
        Ok(bundled(&options)?)
    };
    let mut catalogs = Catalogs::same(of(NodeSettings::default())?);
    for object in objects.iter().filter(|object| object.kind == EC2.kind) {
        let class: Ec2NodeClass = decode(object)?;
        let settings = node_settings(&class);
        if settings != NodeSettings::default() {
            catalogs.by_class.insert(object.name.clone(), of(settings)?);
        }
    }
    Ok(catalogs)
}

/// What of a node class decides how much of a machine pods can have. Values that are expressions
/// need a cloud to be resolved and count as not given.
fn node_settings(class: &Ec2NodeClass) -> NodeSettings {
    let number = |name: &str| {
        class
            .spec
            .kubelet
            .get(name)
            .and_then(serde_json::Value::as_u64)
    };
    let family = match class.spec.resolved_family() {
        "AL2" => AmiFamily::Al2,
        "AL2023" => AmiFamily::Al2023,
        "Bottlerocket" => AmiFamily::Bottlerocket,
        "Windows2019" => AmiFamily::Windows2019,
        "Windows2022" => AmiFamily::Windows2022,
        "Windows2025" => AmiFamily::Windows2025,
        _ => AmiFamily::Custom,
    };
    NodeSettings {
        family,
        kubelet: Kubelet {
            max_pods: number("maxPods"),
            pods_per_core: number("podsPerCore"),
            ..Kubelet::default()
        },
        instance_store: match class.spec.instance_store_policy.as_deref() {
            Some("RAID0") => InstanceStore::Raid0,
            _ => InstanceStore::default(),
        },
        ..NodeSettings::default()
    }
}
