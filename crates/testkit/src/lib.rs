//! Builders and oracles for tests.
