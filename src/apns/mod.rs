//! Apple's push service as tables, without I/O: [`endpoint`] (hosts and ports), [`reason`] (why requests are
//! refused), [`alert`] (why TLS connections are), [`notification`] (the rules of a request), [`provider_token`]
//! (authentication without a certificate).

pub(crate) mod alert;
pub(crate) mod endpoint;
pub(crate) mod notification;
#[expect(dead_code, reason = "check and the gateway use it next")]
pub(crate) mod provider_token;
pub(crate) mod reason;
