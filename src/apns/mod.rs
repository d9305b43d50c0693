//! Apple's push service as tables, without I/O: [`endpoint`] (hosts and ports), [`reason`] (why requests are
//! refused), [`alert`] (why TLS connections are), [`notification`] (the rules of a request).

pub(crate) mod alert;
pub(crate) mod endpoint;
pub(crate) mod notification;
pub(crate) mod reason;
