//! Where the images of an alias are found: names of public SSM parameters by family, version and
//! Kubernetes version.

use api::labels::{AWS_INSTANCE_ACCELERATOR_COUNT, AWS_INSTANCE_GPU_COUNT, OS, WINDOWS_BUILD};
use catalog::ec2::AmiFamily;
use requirements::{Requirement, Requirements};

use super::search::{Lifetime, Lookup, Unsearchable};
use crate::version::KubernetesVersion;

/// The version of an alias that stands for the newest image.
const LATEST: &str = "latest";

/// Which machines an image is for, beside its architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// All.
    Any,
    /// Those without accelerators.
    Standard,
    /// Those with graphics processors.
    Nvidia,
    /// Those with AWS' own accelerators.
    Neuron,
    /// Those that are to run this build of Windows.
    Windows(&'static str),
}

impl Variant {
    /// As requirements of a machine.
    pub fn requirements(self) -> Requirements {
        let list = match self {
            Self::Any => vec![],
            Self::Standard => vec![
                Requirement::does_not_exist(AWS_INSTANCE_ACCELERATOR_COUNT),
                Requirement::does_not_exist(AWS_INSTANCE_GPU_COUNT),
            ],
            Self::Nvidia => vec![Requirement::exists(AWS_INSTANCE_GPU_COUNT)],
            Self::Neuron => vec![Requirement::exists(AWS_INSTANCE_ACCELERATOR_COUNT)],
            Self::Windows(build) => vec![
                Requirement::single(OS, "windows"),
                Requirement::single(WINDOWS_BUILD, build),
            ],
        };
        list.into_iter().collect()
    }
}

/// Where the images of an alias are looked up.
pub(super) fn lookups(
    family: &str,
    version: &str,
    kubernetes: &KubernetesVersion,
) -> Result<Vec<Lookup>, Unsearchable> {
    let k8s = kubernetes.as_str();
    let lookups = match family {
        "al2" if kubernetes.is_at_least(33) == Some(true) => return Err(Unsearchable::Al2),
        "al2" => al2(k8s, version),
        "al2023" => al2023(k8s, version),
        "bottlerocket" => bottlerocket(k8s, version),
        "ubuntu" => ubuntu(kubernetes, version),
        "windows2019" => windows(k8s, "2019", AmiFamily::Windows2019),
        "windows2022" => windows(k8s, "2022", AmiFamily::Windows2022),
        "windows2025" if kubernetes.is_at_least(35) == Some(false) => {
            return Err(Unsearchable::Windows2025(kubernetes.clone()));
        }
        "windows2025" => windows(k8s, "2025", AmiFamily::Windows2025),
        other => return Err(Unsearchable::Family(other.to_owned())),
    };
    Ok(lookups)
}

/// A parameter of an alias. That of the newest image changes its value in time.
fn lookup(version: &str, name: String, variants: &[Variant]) -> Lookup {
    Lookup {
        names: vec![name],
        variants: variants.to_vec(),
        lifetime: match version {
            LATEST => Lifetime::Changing,
            _ => Lifetime::Fixed,
        },
    }
}

fn al2(k8s: &str, version: &str) -> Vec<Lookup> {
    let kinds: [(&str, &str, &[Variant]); 3] = [
        ("amazon-linux-2", "node", &[Variant::Standard]),
        ("amazon-linux-2-arm64", "arm64-node", &[Variant::Standard]),
        (
            "amazon-linux-2-gpu",
            "gpu-node",
            &[Variant::Neuron, Variant::Nvidia],
        ),
    ];
    let one = |(folder, image, variants): (&str, &str, &[Variant])| {
        let release = match version {
            LATEST => "recommended".to_owned(),
            version => format!("amazon-eks-{image}-{k8s}-{version}"),
        };
        let name = format!("/aws/service/eks/optimized-ami/{k8s}/{folder}/{release}/image_id");
        lookup(version, name, variants)
    };
    kinds.into_iter().map(one).collect()
}

fn al2023(k8s: &str, version: &str) -> Vec<Lookup> {
    let kinds = [
        ("x86_64", "standard", Variant::Standard),
        ("x86_64", "nvidia", Variant::Nvidia),
        ("x86_64", "neuron", Variant::Neuron),
        ("arm64", "standard", Variant::Standard),
        ("arm64", "nvidia", Variant::Nvidia),
    ];
    let one = |(arch, kind, variant): (&str, &str, Variant)| {
        let release = match version {
            LATEST => "recommended".to_owned(),
            version => format!("amazon-eks-node-al2023-{arch}-{kind}-{k8s}-{version}"),
        };
        let folder =
            format!("/aws/service/eks/optimized-ami/{k8s}/amazon-linux-2023/{arch}/{kind}");
        lookup(version, format!("{folder}/{release}/image_id"), &[variant])
    };
    kinds.into_iter().map(one).collect()
}

fn bottlerocket(k8s: &str, version: &str) -> Vec<Lookup> {
    let release = match version {
        LATEST => LATEST,
        version => version.trim_start_matches('v'),
    };
    let kinds: [(&str, &str, &[Variant]); 4] = [
        ("", "x86_64", &[Variant::Standard, Variant::Neuron]),
        ("", "arm64", &[Variant::Standard]),
        ("-nvidia", "x86_64", &[Variant::Nvidia]),
        ("-nvidia", "arm64", &[Variant::Nvidia]),
    ];
    let one = |(flavor, arch, variants): (&str, &str, &[Variant])| {
        let folder = format!("/aws/service/bottlerocket/aws-k8s-{k8s}{flavor}");
        lookup(
            version,
            format!("{folder}/{arch}/{release}/image_id"),
            variants,
        )
    };
    kinds.into_iter().map(one).collect()
}

/// Canonical's images: of the newest release of Ubuntu that there is for the Kubernetes version.
/// They bring no drivers, so they serve machines with and without accelerators alike.
fn ubuntu(kubernetes: &KubernetesVersion, version: &str) -> Vec<Lookup> {
    let serial = match version {
        LATEST => "current",
        version => version.trim_start_matches('v'),
    };
    let releases = match kubernetes.is_at_least(31) {
        Some(false) => [("22.04", "gp2"), ("20.04", "gp2")],
        Some(true) | None => [("24.04", "gp3"), ("22.04", "gp2")],
    };
    let one = |arch: &str| {
        let name = |(release, volume): (&str, &str)| {
            let folder = format!("/aws/service/canonical/ubuntu/eks/{release}/{kubernetes}/stable");
            format!("{folder}/{serial}/{arch}/hvm/ebs-{volume}/ami-id")
        };
        Lookup {
            names: releases.into_iter().map(name).collect(),
            ..lookup(version, String::new(), &[Variant::Any])
        }
    };
    ["amd64", "arm64"].into_iter().map(one).collect()
}

/// There is only the newest.
fn windows(k8s: &str, year: &str, family: AmiFamily) -> Vec<Lookup> {
    let image = format!("Windows_Server-{year}-English-Core-EKS_Optimized-{k8s}");
    let name = format!("/aws/service/ami-windows-latest/{image}/image_id");
    let variant = family.windows_build().map(Variant::Windows);
    let variants: Vec<Variant> = variant.into_iter().collect();
    vec![lookup(LATEST, name, &variants)]
}
