//! What the scenarios have in common.

#![allow(dead_code, unreachable_pub)]

pub mod world;
