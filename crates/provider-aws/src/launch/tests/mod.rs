//! Launches against a pretended AWS.

mod answers;
mod crowd;
mod fixture;
mod templates;
