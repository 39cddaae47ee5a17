//! The script that makes instances of AL2 and Ubuntu join, and those that users bring.
//!
//! Both images have `/etc/eks/bootstrap.sh`. Ubuntu's knows nothing of local disks, so they are
//! made one file system before it runs.

use std::net::Ipv4Addr;

use catalog::ec2::{AmiFamily, InstanceStore};

use super::mime::{self, Part};
use super::{Error, Input, flags};

/// Type of a part that is a script.
const SHELL: &str = "text/x-shellscript; charset=\"us-ascii\"";
/// Type of a part that is a cloud-config.
const CLOUD_CONFIG: &str = "text/cloud-config; charset=\"us-ascii\"";

/// Makes local disks one file system with pods' files, containers and logs on it, also after a
/// reboot. Does nothing without local disks.
const UBUNTU_RAID0: &str = "\
disks=$(find /dev/disk/by-id -name 'nvme-Amazon_EC2_NVMe_Instance_Storage_*' \\
-exec readlink -f {} + | sort -u)
if [ -n \"$disks\" ]; then
mdadm --create /dev/md/kubernetes --force --run --level=0 \\
--raid-devices=$(echo \"$disks\" | wc -l) $disks
mkfs.ext4 -q -F -m 0 /dev/md/kubernetes
mkdir -p /mnt/k8s-disks/0
disk=UUID=$(blkid -s UUID -o value /dev/md/kubernetes)
echo \"$disk /mnt/k8s-disks/0 ext4 defaults,nofail 0 2\" >> /etc/fstab
mount /mnt/k8s-disks/0
systemctl stop containerd || true
for part in lib/kubelet lib/containerd log/pods; do
mkdir -p /mnt/k8s-disks/0/$part /var/$part
cp -a /var/$part/. /mnt/k8s-disks/0/$part/
echo \"/mnt/k8s-disks/0/$part /var/$part none bind,nofail 0 0\" >> /etc/fstab
mount /var/$part
done
systemctl start containerd || true
fi
";

/// The whole document: what the class brings, then what joins the cluster.
pub(super) fn render(input: &Input) -> Result<String, Error> {
    let mut parts = custom_parts(&input.custom())?;
    parts.push(Part::new(SHELL, &join(input)));
    Ok(mime::write(&parts))
}

/// What a class brings to an image that runs scripts.
fn custom_parts(custom: &str) -> Result<Vec<Part>, Error> {
    if mime::is_mime(custom) {
        return Ok(mime::parse(custom)?);
    }
    Ok(match custom.trim() {
        "" => Vec::new(),
        _ => vec![text_part(custom)],
    })
}

/// A part of a text that is not MIME: a cloud-config if it says so, a script otherwise.
pub(super) fn text_part(custom: &str) -> Part {
    let content_type = if is_cloud_config(custom) {
        CLOUD_CONFIG
    } else {
        SHELL
    };
    Part::new(content_type, custom)
}

/// Whether a text says of itself that it is a cloud-config.
pub(super) fn is_cloud_config(text: &str) -> bool {
    text.trim_start().starts_with("#cloud-config")
}

/// The script that runs the image's own one.
fn join(input: &Input) -> String {
    let mut options = Vec::new();
    let dns = input.dns();
    if let Some(first) = dns.first() {
        if first.parse::<Ipv4Addr>().is_err() {
            options.push("--ip-family ipv6".to_owned());
        }
        options.push(format!("--dns-cluster-ip {}", quoted(first)));
    }
    options.push("--use-max-pods false".to_owned());
    options.push(format!(
        "--kubelet-extra-args {}",
        quoted(&flags::all(input))
    ));
    let raid0 = input.instance_store == InstanceStore::Raid0;
    let ubuntu = input.family == AmiFamily::Ubuntu;
    if raid0 && !ubuntu {
        options.push("--local-disks raid0".to_owned());
    }
    let cluster = &input.cluster;
    let mut command = vec![
        "/etc/eks/bootstrap.sh".to_owned(),
        quoted(&cluster.name),
        "--apiserver-endpoint".to_owned(),
        quoted(&cluster.endpoint),
    ];
    if !cluster.ca_bundle.is_empty() {
        command.extend(["--b64-cluster-ca".to_owned(), quoted(&cluster.ca_bundle)]);
    }
    options.insert(0, command.join(" "));
    let command = options.join(" \\\n");
    let disks = if raid0 && ubuntu { UBUNTU_RAID0 } else { "" };
    format!(
        "#!/bin/bash -xe\n\
         exec > >(tee /var/log/user-data.log|logger -t user-data -s 2>/dev/console) 2>&1\n\
         {disks}{command}"
    )
}

/// In single quotes, as a shell reads them.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
