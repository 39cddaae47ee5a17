//! What only a provider needs to know of an image's family: the disks of its instances, and which
//! kubelet settings it has a way to apply.
//!
//! What is *not* here: what the family means for a node's capacity (`catalog`), where images are
//! found, and user data.

use api::Ec2NodeClass;
use catalog::ec2::AmiFamily;

use crate::ec2::BlockDevice;

/// The family of a class: `amiFamily`, else that of its alias, else `Custom`.
pub fn of(class: &Ec2NodeClass) -> AmiFamily {
    AmiFamily::from_name(class.spec.resolved_family())
}

/// The disks of instances whose class lists none; empty: those of the image.
pub fn default_block_devices(family: AmiFamily) -> Vec<BlockDevice> {
    let disks: &[(&str, i32)] = match family {
        AmiFamily::Al2 | AmiFamily::Al2023 => &[("/dev/xvda", 20)],
        AmiFamily::Bottlerocket => &[("/dev/xvda", 4), ("/dev/xvdb", 20)],
        AmiFamily::Ubuntu => &[("/dev/sda1", 20)],
        AmiFamily::Windows2019 | AmiFamily::Windows2022 | AmiFamily::Windows2025 => {
            &[("/dev/sda1", 50)]
        }
        AmiFamily::Custom => &[],
    };
    disks
        .iter()
        .map(|(device_name, size_gib)| BlockDevice {
            device_name: (*device_name).to_owned(),
            encrypted: Some(true),
            volume_type: Some("gp3".to_owned()),
            size_gib: Some(*size_gib),
            ..BlockDevice::default()
        })
        .collect()
}

/// Whether the kubelet is configured by a file, so that every setting reaches it.
pub fn applies_every_kubelet_setting(family: AmiFamily) -> bool {
    family == AmiFamily::Al2023
}

#[cfg(test)]
mod tests {
    use catalog::ec2::AmiFamily;
    use serde_json::json;

    use super::{default_block_devices, of};

    fn disks(family: AmiFamily) -> Vec<(String, i32)> {
        let devices = default_block_devices(family).into_iter();
        devices
            .map(|device| {
                assert_eq!(device.volume_type.as_deref(), Some("gp3"));
                assert_eq!((device.encrypted, device.iops), (Some(true), None));
                (device.device_name, device.size_gib.unwrap_or_default())
            })
            .collect()
    }

    #[test]
    fn each_family_has_its_disks() {
        let one = |name: &str, size| vec![(name.to_owned(), size)];
        assert_eq!(disks(AmiFamily::Al2), one("/dev/xvda", 20));
        assert_eq!(disks(AmiFamily::Al2023), one("/dev/xvda", 20));
        assert_eq!(disks(AmiFamily::Ubuntu), one("/dev/sda1", 20));
        assert_eq!(disks(AmiFamily::Windows2025), one("/dev/sda1", 50));
        assert_eq!(disks(AmiFamily::Custom), []);
        let bottlerocket = [one("/dev/xvda", 4), one("/dev/xvdb", 20)].concat();
        assert_eq!(disks(AmiFamily::Bottlerocket), bottlerocket);
    }

    #[test]
    fn the_family_is_the_one_that_is_named_or_the_aliass_or_custom() {
        let family =
            |spec: serde_json::Value| of(&serde_json::from_value(json!({"spec": spec})).unwrap());
        let alias = json!([{"alias": "bottlerocket@latest"}]);
        assert_eq!(
            family(json!({"amiSelectorTerms": alias})),
            AmiFamily::Bottlerocket
        );
        assert_eq!(
            family(json!({"amiSelectorTerms": alias, "amiFamily": "Custom"})),
            AmiFamily::Custom
        );
        assert_eq!(family(json!({"amiFamily": "Ubuntu"})), AmiFamily::Ubuntu);
        assert_eq!(
            family(json!({"amiSelectorTerms": [{"id": "ami-1"}]})),
            AmiFamily::Custom
        );
    }
}
