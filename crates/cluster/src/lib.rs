//! The one owner of derived cluster state.
