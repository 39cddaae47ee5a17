//! What passes over one cluster have in common, kept from one to the next.
//!
//! Everything here is made of things that never change while they are there (a piece of the list of
//! nodes, a pool's instance types, the keys and resources in play) and is found again by them. So a
//! pass gives the same answer with a memory as without one; it only gets there sooner, and what it
//! does is what has changed. What is *not* here: what the numbers mean (`index`).

mod ground;
mod nodes;
mod templates;

use cluster::Snapshot;

pub(crate) use ground::{Ground, Grounded, ShelfKey, Shelves, TypesKey};
pub(crate) use nodes::{Nodes, Standing};
pub(crate) use templates::{Common, Templates, TypeValues};

/// For how many sets of keys and resources in play numbers are kept.
const MOST_GROUNDS: usize = 4;

/// What passes over one cluster have in common. One that is new knows nothing.
#[derive(Debug, Default)]
pub struct Memory {
    /// What the nodes of each pool have in common.
    pub(crate) templates: Templates,
    /// What is known of the nodes that are there.
    pub(crate) nodes: Nodes,
    /// What depends on the keys and resources in play.
    pub(crate) grounds: Grounds,
    /// Work done over all passes.
    pub(crate) work: Remembered,
}

/// Numbers by keys and resources in play; the last used come first.
#[derive(Debug, Default)]
pub(crate) struct Grounds(Vec<Ground>);

/// Work done over all passes, in units that do not depend on the machine: what was not found in the
/// memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Nodes that were put in numbers.
    pub nodes: u64,
    /// Instance types that were put in numbers.
    pub types: u64,
}

impl Memory {
    /// Work done over all passes so far.
    pub fn work(&self) -> Remembered {
        self.work
    }

    /// How many lists of instance types in numbers it holds. Those of pools that have changed are
    /// forgotten.
    pub fn kept_types(&self) -> usize {
        self.grounds.0.iter().map(Ground::kept_types).sum()
    }

    /// Takes note of which nodes there are now.
    pub(crate) fn see(&mut self, snapshot: &Snapshot) {
        self.nodes.see(snapshot);
    }
}

impl Remembered {
    /// Adds to the work done.
    pub(crate) fn count(&mut self, nodes: usize, types: usize) {
        self.nodes += nodes as u64;
        self.types += types as u64;
    }
}

impl Grounds {
    /// What is known on this ground, as far as pools are as they were.
    pub(crate) fn on(&mut self, ground: &Grounded<'_>, templates: &Templates) -> &mut Ground {
        for known in &mut self.0 {
            known.keep_types(templates);
        }
        let known = self.0.iter().position(|known| known.is(ground));
        if let Some(at) = known {
            self.0[..=at].rotate_right(1);
        } else {
            self.0.insert(0, Ground::new(ground));
            self.0.truncate(MOST_GROUNDS);
        }
        &mut self.0[0]
    }
}
