//! The KWOK cloud: simulated nodes on a real control plane.
