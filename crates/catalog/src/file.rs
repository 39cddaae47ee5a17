//! Catalogs from JSON, in the format of the KWOK provider.
