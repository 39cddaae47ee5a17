//! Batches: how requests are gathered, and the calls that are made of them.

mod ec2;
mod gathering;
mod properties;

use std::sync::Arc;

use runtime::Clock;
use runtime::metrics::Metrics;

/// A clock that only goes on when all wait.
fn clock() -> Clock {
    Clock::simulated("2026-01-01T00:00:00Z".parse().expect("a time"))
}

fn metrics() -> Metrics {
    Metrics::new()
}

/// What is counted by many.
type Shared<T> = Arc<std::sync::Mutex<T>>;

fn shared<T>(value: T) -> Shared<T> {
    Arc::new(std::sync::Mutex::new(value))
}
