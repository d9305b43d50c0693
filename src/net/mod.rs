//! The way to a server: [`endpoint`] (host and port), [`descriptors`] (how many connections there can be), [`dial`]
//! (addresses, TCP), [`proxy`], [`trust`] (who signed the server's certificate), [`server_chain`] (what it sent),
//! [`fetch`] (one request over HTTP/1.1), [`tls`] with [`alert`] and [`certificate_request`], [`http2`] (its frames),
//! [`mask`] (own secrets in the words of others), [`retry`] (when the next attempt is made), [`device_lines`] (what
//! simulated devices say).

pub(crate) mod alert;
pub(crate) mod certificate_request;
pub(crate) mod descriptors;
pub(crate) mod device_lines;
pub(crate) mod dial;
pub(crate) mod endpoint;
pub(crate) mod fetch;
pub(crate) mod http2;
pub(crate) mod mask;
pub(crate) mod proxy;
pub(crate) mod retry;
pub(crate) mod server_chain;
pub(crate) mod tls;
pub(crate) mod trust;
