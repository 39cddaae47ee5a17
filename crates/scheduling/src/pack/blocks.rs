//! Summaries of what blocks of nodes have room for, so that whole blocks are passed over.

/// By block: no node of it has more slack.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    /// By block and dimension.
    most: Vec<i64>,
    /// By block: whether slack may have shrunk since.
    pub(super) stale: Vec<bool>,
}

impl Blocks {
    /// The most slack of a block, by dimension.
    pub(super) fn most(&self, block: usize, dims: usize) -> &[i64] {
        &self.most[block * dims..(block + 1) * dims]
    }

    /// Notes that a node of a block, perhaps the first of it, has so much slack.
    pub(super) fn raise(&mut self, block: usize, slack: &[i64]) {
        let dims = slack.len();
        if block == self.stale.len() {
            self.most.extend_from_slice(slack);
            self.stale.push(false);
            return;
        }
        let most = &mut self.most[block * dims..(block + 1) * dims];
        for (most, slack) in most.iter_mut().zip(slack) {
            *most = (*most).max(*slack);
        }
    }

    /// Begins the summary of a block anew.
    pub(super) fn begin(&mut self, block: usize, dims: usize) {
        self.most[block * dims..(block + 1) * dims].fill(i64::MIN);
        self.stale[block] = false;
    }

    /// Drops all blocks but the first; the last of them may have lost nodes.
    pub(super) fn truncate(&mut self, blocks: usize, dims: usize) {
        self.most.truncate(blocks * dims);
        self.stale.truncate(blocks);
        if let Some(last) = self.stale.last_mut() {
            *last = true;
        }
    }
}
