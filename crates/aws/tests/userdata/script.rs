//! AL2 and Ubuntu.

use aws::userdata::Input;
use catalog::ec2::{AmiFamily, InstanceStore};
use serde_json::json;

use crate::{all_managed, input, text, with_custom, with_kubelet};

/// UD-1, UD-4: the whole text where the class brings nothing.
#[test]
fn al2_joins_by_the_script_of_its_image() {
    let expected = r#"MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="//"

--//
Content-Type: text/x-shellscript; charset="us-ascii"

#!/bin/bash -xe
exec > >(tee /var/log/user-data.log|logger -t user-data -s 2>/dev/console) 2>&1
/etc/eks/bootstrap.sh 'prod' --apiserver-endpoint 'https://prod.example' --b64-cluster-ca 'Y2EtYnVuZGxl' \
--use-max-pods false \
--kubelet-extra-args '--node-labels="karpenter.sh/capacity-type=spot,team=blue" --register-with-taints="dedicated=web:NoSchedule,karpenter.sh/unregistered:NoExecute" --max-pods=29'
--//--
"#;
    assert_eq!(text(&input(AmiFamily::Al2)), expected);
    for empty in ["", "  \n"] {
        assert_eq!(text(&with_custom(AmiFamily::Al2, empty)), expected);
    }
    assert_eq!(text(&input(AmiFamily::Ubuntu)), expected);
}

#[test]
fn what_is_not_known_is_not_passed() {
    let mut input = input(AmiFamily::Al2);
    input.cluster.ca_bundle.clear();
    input.labels.clear();
    let text = text(&input);
    assert!(!text.contains("--b64-cluster-ca"), "{text}");
    assert!(!text.contains("--node-labels"), "{text}");
    assert!(text.contains("--kubelet-extra-args '--register-with-taints="));
}

/// UD-5: the number of pods is passed as it is given.
#[test]
fn the_number_of_pods_is_passed() {
    let text = text(&with_kubelet(AmiFamily::Al2, json!({"maxPods": 10})));
    assert!(text.contains("--use-max-pods false"), "{text}");
    assert!(text.contains("--max-pods=10'"), "{text}");
}

/// UD-6: pods per core are passed beside the number of pods.
#[test]
fn pods_per_core_are_passed() {
    let alone = text(&with_kubelet(AmiFamily::Al2, json!({"podsPerCore": 2})));
    assert!(
        alone.contains("--max-pods=29 --pods-per-core=2'"),
        "{alone}"
    );
    let both = json!({"podsPerCore": 2, "maxPods": 10});
    let both = text(&with_kubelet(AmiFamily::Al2, both));
    assert!(both.contains("--max-pods=10 --pods-per-core=2'"), "{both}");
}

/// UD-7: each setting has its flag; without settings there are none.
#[test]
fn each_setting_of_the_kubelet_has_its_flag() {
    let text = text(&with_kubelet(AmiFamily::Al2, all_managed()));
    let flags = "--max-pods=10 --pods-per-core=2 \
                 --system-reserved=\"cpu=100m,memory=200Mi\" \
                 --kube-reserved=\"cpu=90m,memory=300Mi\" \
                 --eviction-hard=\"memory.available<5%\" \
                 --eviction-soft=\"memory.available<10%,nodefs.available<1Gi\" \
                 --eviction-soft-grace-period=\"memory.available=1m30s,nodefs.available=1h0m0s\" \
                 --eviction-max-pod-grace-period=60 --image-gc-high-threshold=85 \
                 --image-gc-low-threshold=80 --cpu-cfs-quota=false'";
    assert!(text.contains(flags), "{text}");
    let bare = crate::text(&input(AmiFamily::Al2));
    assert!(bare.contains("--max-pods=29'\n--//--"), "{bare}");
}

/// UD-8: an address of IPv6 makes the node one of IPv6.
#[test]
fn the_address_of_the_name_service_tells_the_family_of_addresses() {
    let dns = |address: &str| {
        let kubelet = json!({"clusterDNS": [address]});
        text(&with_kubelet(AmiFamily::Al2, kubelet))
    };
    let six = dns("fd4b:121b:812b::a");
    assert!(
        six.contains("\\\n--ip-family ipv6 \\\n--dns-cluster-ip 'fd4b:121b:812b::a' \\\n"),
        "{six}"
    );
    let four = dns("10.0.100.10");
    assert!(four.contains("--dns-cluster-ip '10.0.100.10' \\\n"));
    assert!(!four.contains("--ip-family"));

    let mut known = input(AmiFamily::Al2);
    known.cluster.dns = Some("10.100.0.10".to_owned());
    assert!(text(&known).contains("--dns-cluster-ip '10.100.0.10'"));
}

fn raid0(family: AmiFamily) -> String {
    text(&Input {
        instance_store: InstanceStore::Raid0,
        ..input(family)
    })
}

/// UD-9: the script of AL2 makes local disks one file system.
#[test]
fn al2_is_told_to_join_local_disks() {
    let text = raid0(AmiFamily::Al2);
    assert!(text.contains("' \\\n--local-disks raid0\n--//--"), "{text}");
}

#[test]
fn ubuntu_gets_commands_that_join_local_disks_before_it_joins() {
    let text = raid0(AmiFamily::Ubuntu);
    assert!(!text.contains("--local-disks"), "{text}");
    let disks = text.find("mdadm --create").unwrap();
    assert!(disks < text.find("/etc/eks/bootstrap.sh").unwrap());
    assert!(text.contains("log/pods"));
}

/// UD-2: parts of the class come first and in their order.
#[test]
fn parts_of_a_document_are_kept_in_front() {
    let version = "MIME-Version: 1.0\n";
    let kind = "Content-Type: multipart/mixed; boundary=\"BOUNDARY\"\n";
    let parts = "\n--BOUNDARY\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\n\
                 X-Mine: 1\n\n#!/bin/bash\necho first\n\n\
                 --BOUNDARY\nContent-Type: text/cloud-config\n\nruncmd: [ls]\n--BOUNDARY--\n";
    let expected = "boundary=\"//\"\n\n--//\n\
                    Content-Type: text/x-shellscript; charset=\"us-ascii\"\nX-Mine: 1\n\n\
                    #!/bin/bash\necho first\n\n\
                    --//\nContent-Type: text/cloud-config\n\nruncmd: [ls]\n\
                    --//\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\n\n\
                    #!/bin/bash -xe\n";
    for custom in [
        format!("{version}{kind}{parts}"),
        format!("{kind}{version}{parts}"),
        format!("\n{version}{kind}{parts}"),
    ] {
        let text = text(&with_custom(AmiFamily::Al2, &custom));
        assert!(text.contains(expected), "{text}");
    }
}

/// UD-3: a text that is no document is one part.
#[test]
fn a_script_is_a_part_of_its_own() {
    let script = "#!/bin/bash\necho hello\n";
    let expected = format!(
        "--//\nContent-Type: text/x-shellscript; charset=\"us-ascii\"\n\n{script}\n\
         --//\nContent-Type: text/x-shellscript"
    );
    let text = text(&with_custom(AmiFamily::Al2, script));
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn a_cloud_config_is_a_part_of_its_own_kind() {
    for family in [AmiFamily::Al2, AmiFamily::Al2023, AmiFamily::Ubuntu] {
        let text = text(&with_custom(family, "#cloud-config\nruncmd: [ls]\n"));
        let part = "--//\nContent-Type: text/cloud-config; charset=\"us-ascii\"\n\n#cloud-config\n";
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn quotes_do_not_end_what_is_quoted() {
    let mut input = input(AmiFamily::Al2);
    input.cluster.name = "it's".to_owned();
    input.labels.insert("odd".to_owned(), "a\"b".to_owned());
    let text = text(&input);
    assert!(
        text.contains(r"bootstrap.sh 'it'\''s' --apiserver"),
        "{text}"
    );
    assert!(text.contains("odd=a\\\"b,team"), "{text}");
}
