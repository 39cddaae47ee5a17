//! How decisions look to a person: tables, time lines, colours.
