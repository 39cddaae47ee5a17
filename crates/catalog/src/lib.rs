//! Instance types, offerings, prices and overhead.
