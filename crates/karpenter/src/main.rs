//! The `karpenter` program.

fn main() {}
