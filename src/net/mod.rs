//! The way to a server: addresses, proxies, trust, TLS, HTTP/2 frames.

pub(crate) mod dial;
pub(crate) mod frames;
pub(crate) mod proxy;
pub(crate) mod requested;
pub(crate) mod tap;
pub(crate) mod tls;
pub(crate) mod trust;
