//! One shape per content.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use requirements::Vocabulary;
use rustc_hash::FxHashMap;

use super::{PodContent, PodShape, ShapeId};
use crate::{Dimensions, ports, selection};

/// Fewest shapes for which a sweep is worth while.
const SWEEP_MIN: usize = 1024;

/// All shapes in use.
#[derive(Debug)]
pub struct Shapes {
    by_content: FxHashMap<Arc<PodContent>, Arc<PodShape>>,
    /// The same, by the address of the content that a shape holds on to: decoders hand out the same
    /// one again and again.
    by_address: FxHashMap<usize, Arc<PodShape>>,
    next: u32,
    sweep_at: usize,
}

impl Default for Shapes {
    fn default() -> Self {
        Self {
            by_content: FxHashMap::default(),
            by_address: FxHashMap::default(),
            next: 0,
            sweep_at: SWEEP_MIN,
        }
    }
}

impl Shapes {
    /// The shape of a content, made now if it is new.
    pub fn intern(
        &mut self,
        content: &Arc<PodContent>,
        dimensions: &mut Arc<Dimensions>,
        vocabulary: &Vocabulary,
    ) -> Arc<PodShape> {
        if let Some(shape) = self.by_address.get(&address(content)) {
            return shape.clone();
        }
        self.sweep();
        let new = match self.by_content.entry(content.clone()) {
            Entry::Occupied(known) => return known.get().clone(),
            Entry::Vacant(new) => new,
        };
        let requests = content.requests();
        if !dimensions.know(&requests) {
            let dimensions = Arc::make_mut(dimensions);
            for name in requests.keys() {
                dimensions.intern(name);
            }
        }
        let shape = Arc::new(PodShape {
            id: ShapeId(self.next),
            content: content.clone(),
            requests: requests
                .iter()
                .filter_map(|(name, amount)| {
                    let id = dimensions.get(name)?;
                    Some((id, crate::resources::requested(id, *amount)))
                })
                .collect(),
            host_ports: ports::of_pod(&content.spec),
            problems: selection::problems(content, vocabulary),
        });
        self.next += 1;
        new.insert(shape.clone());
        self.by_address.insert(address(content), shape.clone());
        shape
    }

    /// The shape of a content, if there is one.
    pub(crate) fn get(&self, content: &PodContent) -> Option<&Arc<PodShape>> {
        self.by_content.get(content)
    }

    /// How many shapes are held.
    pub fn len(&self) -> usize {
        self.by_content.len()
    }

    /// Whether no shape is held.
    pub fn is_empty(&self) -> bool {
        self.by_content.is_empty()
    }

    /// Lets go of shapes that nobody uses, once there are twice as many as after the last time.
    fn sweep(&mut self) {
        if self.by_content.len() < self.sweep_at {
            return;
        }
        // Two of the references are the tables' own.
        self.by_address
            .retain(|_, shape| Arc::strong_count(shape) > 2);
        self.by_content
            .retain(|_, shape| Arc::strong_count(shape) > 1);
        self.sweep_at = SWEEP_MIN.max(2 * self.by_content.len());
    }
}

fn address(content: &Arc<PodContent>) -> usize {
    Arc::as_ptr(content).addr()
}
