//! One copy of each text.

use std::sync::Arc;

use requirements::Requirements;
use rustc_hash::FxHashSet;

/// Hands out shared texts, so that a thousand types do not hold a thousand copies of a label key.
#[derive(Debug, Default)]
pub struct Interner {
    texts: FxHashSet<Arc<str>>,
}

impl Interner {
    /// The shared copy of a text.
    pub fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(shared) = self.texts.get(text) {
            return shared.clone();
        }
        let shared: Arc<str> = text.into();
        self.texts.insert(shared.clone());
        shared
    }

    /// The same requirements with shared texts.
    pub fn share(&mut self, requirements: &Requirements) -> Requirements {
        requirements.with_texts(|text| self.get(text))
    }
}

#[cfg(test)]
mod tests {
    use requirements::Requirement;

    use super::*;

    #[test]
    fn requirements_keep_their_meaning_and_share_their_texts() {
        let arch = |values: &[&str]| -> Requirements {
            let values = values.iter().copied();
            std::iter::once(Requirement::any_of("kubernetes.io/arch", values)).collect()
        };
        let mut interner = Interner::default();
        let (both, one) = (arch(&["amd64", "arm64"]), arch(&["arm64"]));
        let (shared_both, shared_one) = (interner.share(&both), interner.share(&one));
        assert_eq!((&shared_both, &shared_one), (&both, &one));
        let (first, second) = (&shared_both.as_slice()[0], &shared_one.as_slice()[0]);
        assert!(Arc::ptr_eq(first.key(), second.key()));
        assert!(Arc::ptr_eq(&first.values()[1], &second.values()[0]));
    }
}
