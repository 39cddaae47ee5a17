//! Karpenter on EC2: a real control plane, moto for AWS over HTTP, the SDK, and the rights that the
//! chart gives. What is pretended are the instances: a fixture makes a node of each, as its kubelet
//! would by its user data, and kwok lets pods run there.

#[path = "../common/mod.rs"]
mod common;

mod cloud;
mod faults;
mod flow;
mod interruption;
mod kubelets;
