//! Log lines as JSON.
