//! The files of charts and documentation against the lists that they are made from.

use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[test]
fn every_file_is_what_its_list_says() {
    for (path, text) in install::files::all() {
        let held = std::fs::read_to_string(Path::new(ROOT).join(&path)).unwrap_or_default();
        assert!(
            held == text,
            "{path} is not up to date: run `cargo xtask charts`"
        );
    }
}

#[test]
fn folders_of_made_files_hold_nothing_else() {
    let made = install::files::all();
    for folder in install::files::WHOLE_FOLDERS {
        let entries = std::fs::read_dir(Path::new(ROOT).join(folder)).expect("a folder");
        for entry in entries {
            let name = entry.expect("an entry").file_name();
            let path = format!("{folder}/{}", name.to_string_lossy());
            assert!(made.contains_key(&path), "{path} is made of nothing");
        }
    }
}

#[test]
fn charts_have_the_version_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    for chart in ["karpenter", "karpenter-crd"] {
        let path = format!("{ROOT}/charts/{chart}/Chart.yaml");
        let text = std::fs::read_to_string(path).expect("a file");
        assert!(text.contains(&format!("\nversion: {version}\n")), "{chart}");
        assert!(
            text.contains(&format!("\nappVersion: {version}\n")),
            "{chart}"
        );
    }
}

#[test]
fn the_template_makes_node_role_policies_queue_and_rules() {
    let text = install::iam::cloudformation();
    for policy in aws::policy::Policy::ALL {
        let name = policy.name();
        let resource = format!("  {name}:\n    Type: AWS::IAM::ManagedPolicy\n");
        assert!(text.contains(&resource), "{name}");
        assert!(
            text.contains(&format!("\"{name}-${{ClusterName}}\"")),
            "{name}"
        );
    }
    assert_eq!(text.matches("Type: AWS::Events::Rule").count(), 5);
    assert_eq!(
        text.matches("Id: KarpenterInterruptionQueueTarget").count(),
        5
    );
    for placeholder in ["KarpenterNodeRole.Arn", "KarpenterInterruptionQueue.Arn"] {
        assert!(
            text.contains(&format!("\"${{{placeholder}}}\"")),
            "{placeholder}"
        );
    }
    assert!(text.contains("RoleName: !Sub \"KarpenterNodeRole-${ClusterName}\""));
    assert!(text.contains("MessageRetentionPeriod: 300"));
    assert!(text.contains("aws:SecureTransport: false"));
    for placeholder in text
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split('}').next())
    {
        let known = [
            "AWS::Partition",
            "AWS::Region",
            "AWS::AccountId",
            "AWS::URLSuffix",
            "ClusterName",
            "KarpenterNodeRole.Arn",
            "KarpenterInterruptionQueue.Arn",
        ];
        assert!(known.contains(&placeholder), "{placeholder}");
    }
}

#[test]
fn policies_as_files_leave_exactly_four_things_open() {
    for (name, text) in install::iam::documents() {
        for placeholder in text
            .split("${")
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
        {
            let known = [
                "AWS_PARTITION",
                "AWS_REGION",
                "AWS_ACCOUNT_ID",
                "CLUSTER_NAME",
            ];
            assert!(known.contains(&placeholder), "{name}: {placeholder}");
        }
        assert!(!text.contains("::AccountId"), "{name}");
    }
}
