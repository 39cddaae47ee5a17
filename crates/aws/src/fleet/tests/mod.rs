//! Launches, from filters to answers.

mod answers;
mod filters;
mod requests;
mod reserved;
