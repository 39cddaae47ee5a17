//! Resources of EC2 instances, under the names by which pods ask for them.

/// EFA interfaces.
pub const EFA: &str = "vpc.amazonaws.com/efa";
/// Devices that ordinary pods do not ask for: types that have them are kept for those that do.
pub const EXOTIC: &[&str] = &[
    "nvidia.com/gpu",
    "amd.com/gpu",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
    "habana.ai/gaudi",
];
