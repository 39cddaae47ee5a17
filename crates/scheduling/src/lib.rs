//! From pending pods to places: a pure function over a snapshot.
