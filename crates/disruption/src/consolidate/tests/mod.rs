//! What consolidation makes of small clusters.

mod again;
mod delete;
mod devices;
mod replace;
mod several;
mod spot;
