//! Settings of the process from flags and environment.
