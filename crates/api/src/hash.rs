//! Structural hashes that do not depend on the order of lists and maps, as claims and nodes of
//! existing clusters carry them in annotations.
//!
//! The primitive is 64-bit FNV-1 (multiply, then xor). The shape is that of the Go library
//! `hashstructure`, version 2, with sets for lists and zero values left out.

use std::collections::BTreeMap;

const OFFSET: u64 = 14_695_981_039_346_656_037;
const PRIME: u64 = 1_099_511_628_211;

/// The hash of bytes.
pub(crate) fn bytes(bytes: &[u8]) -> u64 {
    bytes.iter().fold(OFFSET, |hash, byte| {
        hash.wrapping_mul(PRIME) ^ u64::from(*byte)
    })
}

/// The 64-bit FNV-1 hash of a text.
pub fn text(text: &str) -> u64 {
    bytes(text.as_bytes())
}

/// The hash of a 64-bit integer.
pub(crate) fn int64(value: i64) -> u64 {
    bytes(&value.to_le_bytes())
}

/// The hash of a 32-bit integer.
pub(crate) fn int32(value: i32) -> u64 {
    bytes(&value.to_le_bytes())
}

/// The hash of a truth value.
pub(crate) fn boolean(value: bool) -> u64 {
    bytes(&[u8::from(value)])
}

fn ordered(first: u64, second: u64) -> u64 {
    let mut both = [0; 16];
    both[..8].copy_from_slice(&first.to_le_bytes());
    both[8..].copy_from_slice(&second.to_le_bytes());
    bytes(&both)
}

fn finish(hash: u64) -> u64 {
    bytes(&hash.to_le_bytes())
}

/// The hash of a map; none if it is empty, since such a field is left out.
pub(crate) fn map(map: &BTreeMap<String, String>) -> Option<u64> {
    let entries = map
        .iter()
        .map(|(key, value)| ordered(text(key), text(value)));
    (!map.is_empty()).then(|| finish(entries.fold(0, |sum, entry| sum ^ entry)))
}

/// The hash of a list by those of its elements; none if it is empty. Equal elements cancel.
pub(crate) fn list(elements: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut elements = elements.into_iter().peekable();
    elements.peek()?;
    Some(elements.fold(0, |sum, element| sum ^ element))
}

/// The hash of a text; none if it is empty.
pub(crate) fn filled(value: &str) -> Option<u64> {
    (!value.is_empty()).then(|| text(value))
}

/// The hash of a structure, field by field in the order of their declaration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Structure {
    hash: u64,
}

impl Structure {
    /// A structure of this type.
    pub(crate) fn new(name: &str) -> Self {
        Self { hash: text(name) }
    }

    /// Adds a field by the hash of its value; none leaves the field out.
    pub(crate) fn field(self, name: &str, value: Option<u64>) -> Self {
        match value {
            Some(value) => Self {
                hash: finish(self.hash ^ ordered(text(name), value)),
            },
            None => self,
        }
    }

    /// The hash.
    pub(crate) fn hash(self) -> u64 {
        self.hash
    }
}
