//! What the SDK sends and reads, over real HTTP: each method of each trait against AWS' stand-in.
//!
//! One server for all tests; they keep apart by access keys, regions and names. What is *not*
//! here: what real AWS alone can show (whether it takes our requests as they are).

mod catalogue;
mod connecting;
mod discovery;
mod every_call;
mod failures;
mod fleets;
mod instances;
mod profiles;
mod services;
mod support;
mod templates;
