//! The control loops, and the CloudProvider trait.
