//! The way to a server: addresses, proxies, trust, TLS, HTTP/2 frames.

pub mod dial;
pub mod frames;
pub mod proxy;
pub mod requested;
pub mod tap;
pub mod tls;
pub mod trust;
