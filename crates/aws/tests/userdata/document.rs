//! Documents and encodings.

use aws::userdata::{Error, MimeError, render, render_text};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use catalog::ec2::AmiFamily;

use crate::{input, text, with_custom};

const FAMILIES: [AmiFamily; 6] = [
    AmiFamily::Al2,
    AmiFamily::Al2023,
    AmiFamily::Bottlerocket,
    AmiFamily::Ubuntu,
    AmiFamily::Windows2022,
    AmiFamily::Custom,
];

fn failure(custom: &str) -> MimeError {
    let failures = [AmiFamily::Al2, AmiFamily::Al2023, AmiFamily::Ubuntu]
        .map(|family| render_text(&with_custom(family, custom)));
    assert!(failures.iter().all(|failure| *failure == failures[0]));
    match &failures[0] {
        Err(Error::Mime(error)) => error.clone(),
        other => panic!("{other:?}"),
    }
}

/// UD-21: a document that cannot be read keeps instances from being launched.
#[test]
fn broken_documents_are_errors() {
    let head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n";
    assert_eq!(
        failure("MIME-Version: 1.0\nnonsense\n\n--B--"),
        MimeError::Header("nonsense".to_owned())
    );
    assert_eq!(
        failure(&format!("{head}\n--B\nbroken part\n\nbody\n--B--")),
        MimeError::Header("broken part".to_owned())
    );
    assert_eq!(failure(head), MimeError::HeadersUnended);
    assert_eq!(
        failure("MIME-Version: 1.0\n\n--B--"),
        MimeError::NoContentType
    );
    assert_eq!(
        failure("Content-Type: text/plain; a=b\n\nhello"),
        MimeError::NotMultipart("text/plain".to_owned())
    );
    assert_eq!(
        failure("Content-Type: multipart/mixed\n\n--B--"),
        MimeError::NoBoundary
    );
    assert_eq!(
        failure(&format!("{head}\n--B\nA: b\n\nbody\n")),
        MimeError::Unended("B".to_owned())
    );
}

#[test]
fn line_breaks_of_windows_and_continued_headers_are_read() {
    let custom = "Content-Type: multipart/mixed;\r\n boundary=\"=={B}==\"\r\n\r\nignored\r\n\
                  --=={B}==  \r\nContent-Type: text/x-shellscript;\r\n\tcharset=utf-8\r\n\r\n\
                  #!/bin/bash\r\n--=={B}==x is no boundary\r\n--=={B}==--\r\nignored";
    let text = text(&with_custom(AmiFamily::Al2, custom));
    let part = "--//\nContent-Type: text/x-shellscript;\n\tcharset=utf-8\n\n\
                #!/bin/bash\n--=={B}==x is no boundary\n--//\n";
    assert!(text.contains(part), "{text}");
    assert!(!text.contains("ignored"));
}

#[test]
fn a_part_that_holds_the_boundary_gets_another_one() {
    let text = text(&with_custom(
        AmiFamily::Al2,
        "#!/bin/bash\n--//\n--//= not so\n",
    ));
    assert!(text.contains("boundary=\"//==\"\n\n--//==\n"), "{text}");
    assert!(text.ends_with("\n--//==--\n"));
}

#[test]
fn what_reaches_ec2_is_encoded_once() {
    let forms = [
        (AmiFamily::Al2, "#!/bin/bash\necho hello\n"),
        (AmiFamily::Ubuntu, "#cloud-config\nruncmd: [ls]\n"),
        (
            AmiFamily::Al2023,
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\n",
        ),
        (
            AmiFamily::Bottlerocket,
            "[settings.kernel]\nlockdown = \"none\"\n",
        ),
        (
            AmiFamily::Windows2022,
            "<powershell>\nGet-Date\n</powershell>",
        ),
        (
            AmiFamily::Custom,
            "MIME-Version: 1.0\nContent-Type: multipart/mixed\n",
        ),
    ];
    for (family, plain) in forms {
        let encoded = BASE64_STANDARD.encode(plain);
        let (first, second) = encoded.split_at(encoded.len() / 2);
        let wrapped = format!("{first}\n{second}\n");
        let expected = render(&with_custom(family, plain)).unwrap();
        for custom in [&encoded, &wrapped] {
            assert_eq!(render(&with_custom(family, custom)).unwrap(), expected);
        }
        let decoded = BASE64_STANDARD.decode(expected).unwrap();
        assert_eq!(text(&with_custom(family, plain)).as_bytes(), decoded);
    }
}

#[test]
fn base64_of_something_else_is_left_alone() {
    let encoded = BASE64_STANDARD.encode("just some text");
    assert_eq!(text(&with_custom(AmiFamily::Custom, &encoded)), encoded);
    assert_eq!(text(&with_custom(AmiFamily::Custom, "echo")), "echo");
}

/// UD-20: what users of their own images bring is passed as it is.
#[test]
fn custom_images_get_what_the_class_has() {
    for custom in [
        "",
        "#!/bin/sh\r\necho hi \n\n",
        "anything at all: \u{1f980}",
    ] {
        let encoded = render(&with_custom(AmiFamily::Custom, custom)).unwrap();
        assert_eq!(BASE64_STANDARD.decode(encoded).unwrap(), custom.as_bytes());
    }
    assert_eq!(render(&input(AmiFamily::Custom)).unwrap(), "");
}

#[test]
fn equal_inputs_give_equal_user_data_whatever_the_family() {
    for family in FAMILIES {
        assert_eq!(render(&input(family)), render(&input(family)));
        assert!(render(&input(family)).is_ok());
    }
}
