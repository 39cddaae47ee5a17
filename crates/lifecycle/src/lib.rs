//! NodeClaim and Node phases as step functions.
