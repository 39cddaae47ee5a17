//! One copy of each text.

use std::sync::Arc;

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
}
