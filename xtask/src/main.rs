//! The house rules and chores of this repository.

fn main() {}
