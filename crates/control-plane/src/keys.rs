//! Random tokens and the key pair that signs service account tokens.
//!
//! What is *not* here: serving certificates, which kube-apiserver and kube-scheduler make
//! themselves.

use std::fmt::Write as _;

use anyhow::{Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

/// The DER of a P-256 `SubjectPublicKeyInfo` up to the point itself (RFC 5480).
const P256_PUBLIC_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A key pair as PEM.
pub(crate) struct SigningKey {
    /// PKCS#8.
    pub(crate) private: String,
    /// Its public half.
    pub(crate) public: String,
}

/// A new EC P-256 key pair.
pub(crate) fn signing_key() -> Result<SigningKey> {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random)
        .map_err(|_| anyhow!("the system gives no random bytes"))?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random)
        .map_err(|error| anyhow!("a new key is refused: {error}"))?;
    let public = [&P256_PUBLIC_PREFIX, pair.public_key().as_ref()].concat();
    Ok(SigningKey {
        private: pem("PRIVATE KEY", document.as_ref()),
        public: pem("PUBLIC KEY", &public),
    })
}

/// A new bearer token of 128 bits.
pub(crate) fn token() -> Result<String> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(hex(&bytes))
}

/// A random number.
pub(crate) fn random_u32() -> Result<u32> {
    let mut bytes = [0; 4];
    fill(&mut bytes)?;
    Ok(u32::from_ne_bytes(bytes))
}

/// Lower case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn fill(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| anyhow!("the system gives no random bytes"))
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    let _ = writeln!(text, "-----END {label}-----");
    text
}

#[cfg(test)]
mod tests {
    use super::{signing_key, token};

    #[test]
    fn keys_are_pem_and_differ() {
        let (first, second) = (signing_key().unwrap(), signing_key().unwrap());
        assert_ne!(first.private, second.private);
        assert!(first.private.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        // 91 bytes of DER are 124 characters: two lines between the marks.
        assert_eq!(first.public.lines().count(), 4);
        assert_ne!(token().unwrap(), token().unwrap());
    }
}
