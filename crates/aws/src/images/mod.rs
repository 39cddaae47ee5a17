//! Images: where those of a class are looked for, which of those found it uses, and which machine
//! runs which.
//!
//! A [`Search`] says what is asked of SSM and EC2; [`select`] makes the class' images of the
//! answers; [`Choices`] gives each machine its image. What is *not* here: what is asked when and
//! remembered for how long (`provider-aws`), and what an image's family means for user data.

mod alias;
mod choose;
mod search;
mod select;

pub use alias::Variant;
pub use choose::Choices;
pub use search::{Lifetime, Lookup, NothingFound, Queries, Search, Unsearchable};
pub use select::{Known, Selected, is_deprecated, select};

#[cfg(test)]
mod tests;
