//! The shell's toolkit: API access, watches, queue, lease, recorder, metrics, health, options, clock.
