//! The label requirement algebra, with reasons as values.
