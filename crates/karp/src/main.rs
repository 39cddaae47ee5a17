//! The `karp` program.

fn main() {}
