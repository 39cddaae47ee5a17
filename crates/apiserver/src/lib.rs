//! Kubernetes REST semantics in process, as a tower service.
