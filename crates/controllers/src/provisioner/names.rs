//! Names of claims: given by us and not by the API server, so that a creation whose answer was lost
//! can be repeated without making a second claim.

/// Letters and digits that make no words and are not mistaken for each other, as Kubernetes uses
/// them.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// Longest name of a pool that is used whole.
const LONGEST: usize = 63 - 6;

/// `<pool>-<five characters>`, a function of the inputs.
pub(crate) fn claim_name(pool: &str, seed: u64, number: u64) -> String {
    let mut state = seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let suffix: String = (0..5)
        .map(|_| {
            state = mix(state);
            let at = usize::try_from(state % ALPHABET.len() as u64).unwrap_or(0);
            char::from(ALPHABET[at])
        })
        .collect();
    let mut end = pool.len().min(LONGEST);
    while !pool.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{suffix}", &pool[..end])
}

/// Names a pass, a function of its seed.
pub(super) fn pass_id(seed: u64) -> String {
    format!("{:016x}", mix(seed))
}

/// A step of splitmix64, which spreads every bit of its input over all of its output.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::claim_name;

    #[test]
    fn names_repeat_with_their_inputs_and_differ_otherwise() {
        assert_eq!(claim_name("pool", 7, 1), claim_name("pool", 7, 1));
        let names: BTreeSet<String> = (0..1_000)
            .map(|number| claim_name("pool", 7, number))
            .collect();
        assert_eq!(names.len(), 1_000);
        assert!(
            names
                .iter()
                .all(|name| name.len() == 10 && name.starts_with("pool-"))
        );
        assert_eq!(claim_name(&"x".repeat(100), 7, 1).len(), 63);
    }
}
