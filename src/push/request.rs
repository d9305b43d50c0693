//! The request of a token: a copy of the headers that all have, and two that are its own.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use uuid::Uuid;

use crate::net::endpoint::Endpoint;
use crate::push::message::Message;
use crate::push::ticket::Ticket;

const APNS_ID: HeaderName = HeaderName::from_static("apns-id");

/// What all requests have in common.
pub(super) struct RequestTemplate {
    authority: Authority,
    headers: HeaderMap,
    pub(super) payload: Bytes,
}

impl RequestTemplate {
    /// Makes the template.
    ///
    /// # Errors
    /// When a value does not fit into a header.
    pub(super) fn new(endpoint: &Endpoint, message: &Message) -> Result<Self, http::Error> {
        let mut headers = HeaderMap::with_capacity(8);
        for (name, value) in message.headers() {
            headers.insert(HeaderName::from_static(name), HeaderValue::try_from(value)?);
        }
        Ok(Self { authority: Authority::try_from(endpoint.to_string())?, headers, payload: message.payload.clone() })
    }

    /// Makes the request of a token.
    ///
    /// # Errors
    /// When the token does not fit into a path.
    pub(super) fn request(
        &self,
        ticket: &Ticket,
        authorization: Option<HeaderValue>,
    ) -> Result<Request<()>, http::Error> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(Scheme::HTTPS);
        uri.authority = Some(self.authority.clone());
        uri.path_and_query = Some(PathAndQuery::from_maybe_shared(ticket.token.path())?);
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from_parts(uri)?;
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        headers.insert(APNS_ID, id_header(&ticket.apns_id)?);
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        Ok(request)
    }
}

/// Returns the header of an ID. It is marked so that HPACK does not let it displace the headers that all requests have.
fn id_header(id: &Uuid) -> Result<HeaderValue, http::Error> {
    let mut buffer = Uuid::encode_buffer();
    let mut value = HeaderValue::from_str(id.hyphenated().encode_lower(&mut buffer))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The IDs of a run's requests. An ID follows from that of the run and from the position, so that a token that is sent
/// again after a break, or in a resumed run, has the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestIds {
    run: Uuid,
    /// The ID of the only token.
    given: Option<Uuid>,
}

/// The number of bytes at the end of an ID that hold the position.
const POSITION_BYTES: usize = 6;

impl RequestIds {
    /// Makes the IDs of a new run.
    pub(crate) fn new(given: Option<Uuid>) -> Self {
        Self { run: Uuid::new_v4(), given }
    }

    /// Makes the IDs of an earlier run.
    pub(crate) fn of_run(run: Uuid) -> Self {
        Self { run, given: None }
    }

    /// Returns the ID of the run.
    pub(crate) fn run(&self) -> Uuid {
        self.run
    }

    /// Returns the ID of the token at a position: a UUID of version 8 (RFC 9562 section 5.8).
    pub(crate) fn at(&self, position: u64) -> Uuid {
        if let Some(given) = self.given {
            return given;
        }
        let mut bytes = *self.run.as_bytes();
        let number = position.to_be_bytes();
        bytes[16 - POSITION_BYTES..].copy_from_slice(&number[8 - POSITION_BYTES..]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_run_and_position() {
        let ids = RequestIds::new(None);
        assert_ne!(ids.at(1), ids.at(2));
        assert_eq!(ids.at(77), RequestIds::of_run(ids.run()).at(77));
        assert_eq!(ids.at(1).get_version_num(), 8);
        assert_ne!(RequestIds::new(None).at(1), ids.at(1));
        let given = Uuid::new_v4();
        assert_eq!(RequestIds::new(Some(given)).at(1), given);
    }
}
