//! The server's CertificateRequest (RFC 8446 section 4.3.2, RFC 5246 section 7.4.4): whether the server asked for a
//! client certificate, the CA names that it accepts, and whether the client could sign as it asks.
//!
//! This is the only module with `unsafe`. OpenSSL keeps the request, but the openssl crate offers no safe way to
//! read it; without these functions, the handshake would have to be decrypted and parsed a second time. Why
//! the calls are sound:
//! - The functions exist with these signatures since OpenSSL 1.1.1, and read fields of a connection without
//!   changing it. The pointer comes from a live `&SslRef`, so that it is valid and nobody changes the connection.
//! - `SSL_get_sigalgs` accepts null for every output. A client learns the server's signature algorithms only from a
//!   CertificateRequest, which must have at least one (SSL_get_sigalgs(3)).
//! - `SSL_get_signature_type_nid` writes one number, which lives until it returns. OpenSSL chooses the algorithm of the
//!   client's signature before it sends the certificate; where none fits, it sends an empty list instead.
//! - `SSL_get0_peer_CA_list` returns null or a list that the connection owns until it is freed or starts another
//!   handshake. The list is copied before the borrow of the connection ends.

#![expect(unsafe_code, reason = "the openssl crate does not offer what OpenSSL knows of the CertificateRequest")]

use std::ffi::{c_int, c_uchar, c_void};
use std::ptr::null_mut;

use foreign_types::ForeignTypeRef;
use openssl::ssl::SslRef;
use openssl::stack::StackRef;
use openssl::x509::X509Name;
use x509_parser::prelude::FromDer;

use crate::certificate::name::{self, NameStyle};

unsafe extern "C" {
    fn SSL_get_sigalgs(
        ssl: *mut c_void,
        index: c_int,
        signature: *mut c_int,
        hash: *mut c_int,
        signature_and_hash: *mut c_int,
        raw_signature: *mut c_uchar,
        raw_hash: *mut c_uchar,
    ) -> c_int;

    fn SSL_get_signature_type_nid(ssl: *const c_void, nid: *mut c_int) -> c_int;

    fn SSL_get0_peer_CA_list(ssl: *const c_void) -> *const c_void;
}

/// Returns the CA names in the CertificateRequest that a client has received; the list is empty if the server
/// accepts every CA, and `None` if no CertificateRequest has been received.
pub(crate) fn requested_cas(ssl: &SslRef) -> Option<Vec<String>> {
    let pointer = ssl.as_ptr().cast::<c_void>();
    // SAFETY: the pointer is valid, and the outputs may be null; see above.
    let count = unsafe { SSL_get_sigalgs(pointer, -1, null_mut(), null_mut(), null_mut(), null_mut(), null_mut()) };
    if count == 0 {
        return None;
    }
    // SAFETY: the pointer is valid; see above.
    let list = unsafe { SSL_get0_peer_CA_list(pointer) }.cast_mut();
    if list.is_null() {
        return Some(Vec::new());
    }
    // SAFETY: the list is valid while `ssl` is borrowed, and is dropped before that; see above.
    let list: &StackRef<X509Name> = unsafe { StackRef::from_ptr(list.cast()) };
    let mut names = Vec::new();
    for ca in list {
        names.push(match ca.to_der() {
            Ok(der) => format_name(&der),
            Err(_) => "a name that cannot be encoded".to_owned(),
        });
    }
    Some(names)
}

/// Returns whether a client has found an algorithm for its signature among those that the server takes. Without one it
/// sends no certificate.
pub(crate) fn has_signature_algorithm(ssl: &SslRef) -> bool {
    let mut algorithm = 0;
    // SAFETY: both pointers are valid; see above.
    let is_chosen = unsafe { SSL_get_signature_type_nid(ssl.as_ptr().cast::<c_void>(), &raw mut algorithm) };
    is_chosen == 1
}

/// Formats a name, or its bytes if it cannot be parsed.
fn format_name(der: &[u8]) -> String {
    match x509_parser::x509::X509Name::from_der(der) {
        Ok((_, parsed)) => name::format(&parsed, NameStyle::Escaped),
        Err(_) => format!("#{}", data_encoding::HEXLOWER.encode(der)),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use openssl::pkey::PKey;
    use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslStream, SslVerifyMode, SslVersion};
    use openssl::stack::Stack;
    use openssl::x509::X509;

    use super::*;
    use crate::test_support::fixture;

    const VERSIONS: [SslVersion; 2] = [SslVersion::TLS1_2, SslVersion::TLS1_3];

    fn with_identity(method: SslMethod, version: SslVersion) -> SslContextBuilder {
        let pem = fixture("pem/identity.pem");
        let mut context = SslContext::builder(method).unwrap();
        context.set_min_proto_version(Some(version)).unwrap();
        context.set_max_proto_version(Some(version)).unwrap();
        context.set_certificate(&X509::from_pem(&pem).unwrap()).unwrap();
        context.set_private_key(&PKey::private_key_from_pem(&pem).unwrap()).unwrap();
        context
    }

    /// Creates a server that requests a certificate from these CAs; with `None` it requests none.
    fn server(version: SslVersion, cas: Option<&[&str]>) -> SslContext {
        let mut context = with_identity(SslMethod::tls_server(), version);
        if let Some(cas) = cas {
            let mut names = Stack::new().unwrap();
            for ca in cas {
                let mut name = X509Name::builder().unwrap();
                name.append_entry_by_text("CN", ca).unwrap();
                names.push(name.build()).unwrap();
            }
            context.set_client_ca_list(names);
            context.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
        }
        context.build()
    }

    /// Lets a client that accepts every server, or none, connect to the server; returns what the server requested.
    fn request_of(server: &SslContext, version: SslVersion, is_trusting: bool) -> Option<Vec<String>> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ssl = Ssl::new(server).unwrap();
        let peer = thread::spawn(move || SslStream::new(ssl, listener.accept().unwrap().0).unwrap().accept().is_ok());
        let mut context = with_identity(SslMethod::tls_client(), version);
        context.set_verify_callback(SslVerifyMode::PEER, move |_, _| is_trusting);
        let ssl = Ssl::new(&context.build()).unwrap();
        assert_eq!(requested_cas(&ssl), None, "before the handshake");
        let mut stream = SslStream::new(ssl, TcpStream::connect(address).unwrap()).unwrap();
        assert_eq!(stream.connect().is_ok(), is_trusting);
        let requested = requested_cas(stream.ssl());
        drop(stream);
        assert_eq!(peer.join().unwrap(), is_trusting);
        requested
    }

    #[test]
    fn a_server_that_requests_nothing() {
        for version in VERSIONS {
            assert_eq!(request_of(&server(version, None), version, true), None);
        }
    }

    #[test]
    fn a_server_that_accepts_every_ca() {
        for version in VERSIONS {
            assert_eq!(request_of(&server(version, Some(&[])), version, true), Some(vec![]));
        }
    }

    #[test]
    fn a_server_that_names_cas() {
        for version in VERSIONS {
            let server = server(version, Some(&["One", "Two"]));
            // Many connections, so that a list freed twice or kept too long would show.
            for _ in 0..20 {
                assert_eq!(request_of(&server, version, true), Some(vec!["CN=One".to_owned(), "CN=Two".to_owned()]));
            }
        }
    }

    #[test]
    fn a_handshake_that_the_client_ends() {
        let version = SslVersion::TLS1_3;
        assert_eq!(request_of(&server(version, Some(&["One"])), version, false), Some(vec!["CN=One".to_owned()]));
        assert_eq!(request_of(&server(version, None), version, false), None);
        // TLS 1.2 sends the request after the certificate, which ended the handshake.
        let version = SslVersion::TLS1_2;
        assert_eq!(request_of(&server(version, Some(&["One"])), version, false), None);
    }

    #[test]
    fn names_that_cannot_be_parsed_are_shown_as_bytes() {
        assert_eq!(format_name(&[0x31, 0]), "#3100");
    }
}
