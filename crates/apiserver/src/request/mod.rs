//! Requests: paths, query parameters, bodies.

mod body;
mod path;
mod query;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    body::{delete_options, parse_object, patch_of},
    path::{ObjectPath, Route, route},
    query::Query,
};
