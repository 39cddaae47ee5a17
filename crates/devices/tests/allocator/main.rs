//! The allocator on worlds of devices.

mod common;
mod promised;
mod published;
