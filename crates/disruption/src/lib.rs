//! Which nodes may go, and why the others stay.
