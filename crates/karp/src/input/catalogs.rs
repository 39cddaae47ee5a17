//! Which instance types a run is about: those of a file, or the bundled table of the provider that
//! the pools' node classes belong to.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::Context as _;
use api::Ec2NodeClass;
use catalog::ec2::{Ec2Options, NodeSettings, bundled};
use catalog::{Catalog, Catalogs};
use manifests::Object;
use model::k8s::affinity::TopologySpreadConstraint;
use runtime::client::Kind;
use runtime::options::FeatureGates;

use super::{decode, gates, read, scheduler_config};
use crate::cli::{CatalogArgs, PolicyArgs, Sources};

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
    /// What pods that declare no topology spread are spread by.
    pub(crate) spread: Arc<[TopologySpreadConstraint]>,
}

impl Chosen {
    /// The same with the settings of the command line; without this, all have their defaults.
    pub(crate) fn with_policy(self, args: &PolicyArgs) -> anyhow::Result<Self> {
        Ok(Self {
            gates: gates(args)?,
            spread: scheduler_config(args.scheduler_config.as_deref())?.spread(),
            ..self
        })
    }

    /// What pools that name no class of their own get.
    pub(crate) fn defaults(&self) -> api::ProviderDefaults {
        api::ProviderDefaults {
            group: self.kinds[0].group.to_owned(),
            kind: self.kinds[0].kind.to_owned(),
        }
    }
}

/// Reads all objects that the command line names, and their catalog. A file of instance types is
/// read beside them, if there is a thread to spare.
pub(crate) fn read_with_catalog(
    sources: &Sources,
    args: &CatalogArgs,
    threads: usize,
) -> anyhow::Result<(Vec<Object>, Chosen)> {
    thread::scope(|scope| {
        let file = args.catalog.as_deref().filter(|_| threads > 1);
        let file = file.map(|path| scope.spawn(move || read_catalog(path)));
        let objects = read(sources, threads)?;
        let file = file.map(|reading| match reading.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        let chosen = choose_with(args, &objects, file.transpose()?)?;
        Ok((objects, chosen))
    })
}

/// The catalog for these objects.
pub(crate) fn choose(args: &CatalogArgs, objects: &[Object]) -> anyhow::Result<Chosen> {
    choose_with(args, objects, None)
}

fn read_catalog(path: &Path) -> anyhow::Result<Catalog> {
    let shown = path.display();
    let text = std::fs::read(path).with_context(|| format!("reading the catalog {shown}"))?;
    catalog::file::parse(&text).with_context(|| format!("catalog {shown}"))
}

/// The catalog for these objects; `file` is that of the command line, if it is read already.
fn choose_with(
    args: &CatalogArgs,
    objects: &[Object],
    file: Option<Catalog>,
) -> anyhow::Result<Chosen> {
    let kwok = objects.iter().any(|object| {
        object.kind == KWOK.kind
            || (object.kind == "NodePool" && object.text().contains("karpenter.kwok.sh"))
    });
    let own = if kwok { KWOK } else { EC2 };
    if let Some(path) = &args.catalog {
        let catalog = match file {
            Some(catalog) => catalog,
            None => read_catalog(path)?,
        };
        let other = if kwok { EC2 } else { KWOK };
        return Ok(Chosen {
            catalogs: Catalogs::same(catalog),
            kinds: vec![own, other],
            gates: FeatureGates::default(),
            spread: Arc::default(),
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
        spread: Arc::default(),
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
