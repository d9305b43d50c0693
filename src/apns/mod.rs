//! Apple's push service as tables, without I/O: [`endpoint`] (hosts and ports), [`reason`] (why requests are
//! refused), [`alert`] (why TLS connections are), [`notification`] (the rules of a request), [`payload`]
//! (the mistakes that are no reason for a refusal), [`document`] (payloads as documents), [`provider_token`]
//! (authentication without a certificate).

pub(crate) mod alert;
pub(crate) mod document;
pub(crate) mod endpoint;
pub(crate) mod notification;
pub(crate) mod payload;
pub(crate) mod provider_token;
pub(crate) mod reason;
