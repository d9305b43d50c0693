//! Apple's push service as tables, without I/O: [`endpoint`] (hosts and ports), [`reason`] (why requests are
//! refused), [`alert`] (why TLS connections are), [`notification`] (the rules of a request).

pub mod alert;
pub mod endpoint;
pub mod notification;
pub mod reason;
