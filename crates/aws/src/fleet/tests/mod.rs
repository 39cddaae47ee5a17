mod answers;
mod filters;
mod requests;
mod reserved;
