//! Which instance types a run is about: those of a file, or the bundled table of the provider that
//! the pools' node classes belong to.

use anyhow::Context as _;
use api::Ec2NodeClass;
use catalog::ec2::{Ec2Options, NodeSettings, bundled};
use catalog::{Catalog, Catalogs};
use manifests::Object;
use runtime::client::Kind;
use runtime::options::FeatureGates;

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
    /// What else counts.
    pub(crate) gates: FeatureGates,
}

impl Chosen {
    /// The same with other feature gates; without this, all have their defaults.
    pub(crate) fn with_gates(self, gates: FeatureGates) -> Self {
        Self { gates, ..self }
    }

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
            gates: FeatureGates::default(),
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
        gates: FeatureGates::default(),
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
        let settings = NodeSettings::from_class(&class);
        if settings != NodeSettings::default() {
            catalogs.by_class.insert(object.name.clone(), of(settings)?);
        }
    }
    Ok(catalogs)
}
