//! What holds whatever a class brings.

use aws::userdata::{Input, render, render_text};
use catalog::ec2::{AmiFamily, InstanceStore};
use proptest::prelude::*;

use crate::{input, text, with_custom};

const FAMILIES: [AmiFamily; 8] = [
    AmiFamily::Al2,
    AmiFamily::Al2023,
    AmiFamily::Bottlerocket,
    AmiFamily::Ubuntu,
    AmiFamily::Windows2019,
    AmiFamily::Windows2022,
    AmiFamily::Windows2025,
    AmiFamily::Custom,
];

/// Texts that come near to what is read.
fn custom() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("MIME-Version: 1.0\n"),
        Just("Content-Type: multipart/mixed; boundary=\"b\"\n"),
        Just("Content-Type: multipart/mixed; boundary=\"\\"),
        Just("Content-Type: text/plain\n"),
        Just("\n"),
        Just("--b\n"),
        Just("--b--\n"),
        Just("--//\n"),
        Just(" folded\r\n"),
        Just("#!/bin/bash\n"),
        Just("#cloud-config\n"),
        Just("kind: NodeConfig\n"),
        Just("- &a [*a, <<: *a]\n"),
        Just("[settings.kubernetes]\n"),
        Just("max-pods = 1\n"),
        Just("[settings.bootstrap-commands.a]\n"),
        Just("mode = \"once\"\n"),
        Just("<powershell>"),
        Just("</powershell>"),
        Just("\u{feff}é\0"),
    ];
    prop_oneof![
        any::<String>(),
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        "[A-Za-z0-9+/]{0,40}={0,2}",
    ]
}

/// The parts of a document that has the boundary `//` or a longer one.
fn bodies(text: &str) -> Vec<String> {
    let (head, rest) = text.split_once("\"\n\n").unwrap();
    let boundary = head.rsplit('"').next().unwrap();
    let end = format!("\n--{boundary}--\n");
    let rest = rest.strip_suffix(&end).unwrap();
    let rest = rest.strip_prefix(&format!("--{boundary}\n")).unwrap();
    rest.split(&format!("\n--{boundary}\n"))
        .map(|part| part.split_once("\n\n").unwrap().1.to_owned())
        .collect()
}

proptest! {
    #[test]
    fn rendering_never_panics(custom in custom(), raid0: bool, version: String) {
        for family in FAMILIES {
            let instance_store = if raid0 { InstanceStore::Raid0 } else { InstanceStore::Unused };
            let input = Input {
                instance_store,
                image_version: version.clone(),
                ..with_custom(family, &custom)
            };
            let _ = render(&input);
            let _ = aws::userdata::ignored_settings(&input);
        }
    }

    #[test]
    fn bodies_of_parts_are_kept_byte_by_byte(
        bodies in prop::collection::vec("([a-z /=-]|--//|--b|\n|é){0,30}", 1..4),
    ) {
        let boundary = "=a boundary=";
        let parts: Vec<String> = bodies
            .iter()
            .map(|body| format!("--{boundary}\nContent-Type: text/plain\n\n{body}\n"))
            .collect();
        let custom = format!(
            "MIME-Version: 1.0\n\
             Content-Type: multipart/mixed; boundary=\"{boundary}\"\n\n{}--{boundary}--",
            parts.concat()
        );
        for family in [AmiFamily::Al2, AmiFamily::Al2023, AmiFamily::Ubuntu] {
            let document = text(&with_custom(family, &custom));
            let merged = self::bodies(&document);
            prop_assert_eq!(&merged[..bodies.len()], &bodies[..]);
            prop_assert_eq!(merged.len(), bodies.len() + 1);
            // A document that was merged is read again as it was written.
            let again = self::bodies(&text(&with_custom(family, &document)));
            prop_assert_eq!(&again[..merged.len()], &merged[..]);
        }
    }

    #[test]
    fn settings_of_bottlerocket_are_read_again_as_they_were_written(
        custom in custom(),
        label: String,
    ) {
        let mut input = with_custom(AmiFamily::Bottlerocket, &custom);
        input.labels.insert("any".to_owned(), label);
        if let Ok(text) = render_text(&input) {
            let table: toml::Table = text.parse().unwrap();
            prop_assert_eq!(toml::to_string(&table).unwrap(), text.clone());
            let again = Input { custom: Some(text.clone()), ..input };
            prop_assert_eq!(render_text(&again), Ok(text));
        }
    }

    #[test]
    fn every_name_of_a_cluster_is_written_as_what_it_is(name: String) {
        let mut input = input(AmiFamily::Bottlerocket);
        input.cluster.name = name.clone();
        let table: toml::Table = text(&input).parse().unwrap();
        prop_assert_eq!(table["settings"]["kubernetes"]["cluster-name"].as_str(), Some(&*name));
    }
}
