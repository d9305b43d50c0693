//! Apple's push service: where it listens, what it says, and how a certificate is put to it.
//!
//! Tables: [`endpoint`] (hosts and ports), [`reason`] (why requests are refused), [`alert`] (why TLS
//! connections are), [`notification`] (the rules of a request). The way of a check: [`dial`] and
//! [`proxy`] lead to a server, [`tls`] shakes hands (with [`trust`] judging the server and
//! [`requested`] what it asks for), [`probe`] speaks HTTP/2 through a [`tap`] that notes its
//! [`frames`]; [`check`] leads from [`stage`] to stage, [`verdict`] draws the conclusion, and
//! [`revocation`] asks the issuer.

pub mod alert;
pub mod check;
mod describe;
pub mod dial;
pub mod endpoint;
pub mod frames;
pub mod notification;
pub mod probe;
pub mod proxy;
pub mod reason;
pub mod requested;
pub mod revocation;
pub mod stage;
pub mod tap;
pub mod tls;
pub mod trust;
pub mod verdict;
