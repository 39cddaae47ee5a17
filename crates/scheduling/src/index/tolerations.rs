//! Which lists of tolerations tolerate which lists of taints, by number.

use model::k8s::{Taint, TaintEffect, Toleration};
use requirements::taints;
use rustc_hash::FxHashMap;

/// Interned lists.
#[derive(Debug, Default)]
pub(super) struct Tolerances {
    tolerations: Vec<Vec<Toleration>>,
    toleration_ids: FxHashMap<Vec<Toleration>, usize>,
    taints: Vec<Vec<Taint>>,
}

impl Tolerances {
    /// The row of a list of tolerations.
    pub(super) fn row(&mut self, tolerations: &[Toleration]) -> usize {
        if let Some(id) = self.toleration_ids.get(tolerations) {
            return *id;
        }
        let id = self.tolerations.len();
        self.tolerations.push(tolerations.to_vec());
        self.toleration_ids.insert(tolerations.to_vec(), id);
        id
    }

    /// The column of a list of taints.
    pub(super) fn column(&mut self, taints: &[Taint]) -> usize {
        let same = |known: &Vec<Taint>| {
            known.len() == taints.len()
                && known
                    .iter()
                    .zip(taints)
                    .all(|(a, b)| a.same_identity(b) && a.value() == b.value())
        };
        if let Some(id) = self.taints.iter().position(same) {
            return id;
        }
        self.taints.push(taints.to_vec());
        self.taints.len() - 1
    }

    /// The column of a list of taints without soft ones.
    pub(super) fn hard_column(&mut self, taints: &[Taint]) -> usize {
        let hard: Vec<Taint> = taints
            .iter()
            .filter(|taint| taint.effect != TaintEffect::PreferNoSchedule)
            .cloned()
            .collect();
        self.column(&hard)
    }

    /// Whether each row tolerates each column.
    pub(super) fn matrix(&self) -> Vec<Vec<bool>> {
        let row = |tolerations: &Vec<Toleration>| {
            self.taints
                .iter()
                .map(|list| taints::tolerate_all(tolerations, list).is_ok())
                .collect()
        };
        self.tolerations.iter().map(row).collect()
    }
}
