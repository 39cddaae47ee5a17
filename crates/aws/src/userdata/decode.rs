//! User data that comes in base64.
//!
//! The field takes text as it is. Some write it in base64, as EC2 has it; that is undone where what
//! comes out is certainly user data, so that what reaches EC2 is encoded once.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{mime, script};

/// Base64 with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text as it is, or decoded if all of it is base64 of a form that is known.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let compact: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let decoded = LENIENT.decode(compact).ok();
    match decoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(decoded) if is_known(&decoded) => Cow::Owned(decoded),
        _ => Cow::Borrowed(text),
    }
}

/// Whether it is something that an image reads.
fn is_known(text: &str) -> bool {
    let begin = text.trim_start();
    mime::is_mime(text)
        || begin.starts_with("#!")
        || script::is_cloud_config(text)
        || begin.starts_with("<powershell>")
        || begin.starts_with("<script>")
        || text.contains("apiVersion: node.eks.aws/")
        || text
            .parse::<toml::Table>()
            .is_ok_and(|table| table.contains_key("settings"))
}
