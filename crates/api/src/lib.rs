//! The Kubernetes kinds that Karpenter defines: types, schema, defaults, conditions, hashes, labels.
