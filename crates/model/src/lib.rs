//! Values that everything shares: exact quantities, resource vectors, time, slim Kubernetes objects.
