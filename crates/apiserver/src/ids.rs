//! Uids and generated name suffixes from a seed. Not cryptographic, and not meant to be.

/// Characters of generated names: no vowels and no look-alikes, as the real server uses.
const NAME_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A seeded stream of identifiers (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    state: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A version 4 UUID.
    pub(crate) fn uid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | (b >> 48) & 0x3fff,
            b & 0xffff_ffff_ffff
        )
    }

    /// Five characters to append to `metadata.generateName`.
    pub(crate) fn suffix(&mut self) -> String {
        let mut bits = self.next();
        let len = NAME_ALPHABET.len() as u64;
        (0..5)
            .map(|_| {
                let c = NAME_ALPHABET[(bits % len) as usize];
                bits /= len;
                char::from(c)
            })
            .collect()
    }
}
