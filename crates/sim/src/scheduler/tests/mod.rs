//! Each rule of the scheduler as a table; `world` reads small clusters from a few words.

mod affinity;
mod nodes;
mod scale;
mod scores;
mod spread;
mod volumes;
mod world;
