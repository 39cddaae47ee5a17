//! Names of launch templates: by what is in them.

use std::hash::{Hash, Hasher};

use crate::Tags;
use crate::digest::Digest;
use crate::ec2::{Interface, TemplateData};

/// What names begin with; a number follows.
pub const NAME_PREFIX: &str = "karpenter.k8s.aws/";

/// The name of a template with these tags of its own and this content. Order in lists means
/// nothing; equal content has one name, in every process.
pub fn name(tags: &Tags, data: &TemplateData) -> String {
    // Taken apart, so that a field that comes later can't be forgotten here.
    let TemplateData {
        block_devices,
        nested_virtualization,
        instance_profile,
        monitoring,
        image_id,
        user_data,
        metadata,
        interfaces,
        placement,
        enclave,
        tags: specifications,
        reservation,
        market,
    } = data;
    let mut digest = Digest::default();
    tags.hash(&mut digest);
    digest.add_set(block_devices);
    (nested_virtualization, instance_profile, monitoring).hash(&mut digest);
    (image_id, user_data, metadata).hash(&mut digest);
    digest.add_set(interfaces.iter().map(interface));
    (placement, enclave).hash(&mut digest);
    digest.add_set(specifications);
    (reservation, market).hash(&mut digest);
    format!("{NAME_PREFIX}{}", digest.finish())
}

fn interface(interface: &Interface) -> u128 {
    let Interface {
        card,
        device,
        kind,
        groups,
        public_address,
        ipv4_prefixes,
        ipv6_prefixes,
        primary_ipv6,
        ipv6_addresses,
        tracking,
    } = interface;
    let mut digest = Digest::default();
    (card, device, kind, public_address).hash(&mut digest);
    digest.add_set(groups);
    (ipv4_prefixes, ipv6_prefixes, primary_ipv6, ipv6_addresses).hash(&mut digest);
    let tracking = tracking.as_ref().map(|tracking| {
        let tcp = tracking.tcp_established_timeout;
        (tcp, tracking.udp_stream_timeout, tracking.udp_timeout)
    });
    tracking.hash(&mut digest);
    digest.value()
}
