//! How decisions look to a person: tables, colours, numbers, a progress line.
//!
//! What is *not* here: what is shown. Callers build rows and lines; this crate lays them out. It
//! writes nothing except the progress line, and knows nothing of Kubernetes.

pub mod format;
mod progress;
mod style;
mod table;

pub use progress::Progress;
pub use style::{Paint, Style};
pub use table::{Align, Table};

#[cfg(test)]
mod tests;
