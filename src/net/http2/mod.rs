//! What a server sends in HTTP/2: [`frames`] parses frames, [`tap`] observes those of a connection.

pub(crate) mod frames;
pub(crate) mod tap;
