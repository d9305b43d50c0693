//! What a TLS server asks of its client: whether it wants a certificate, and from which authorities
//! (CertificateRequest, RFC 8446 section 4.3.2, RFC 5246 section 7.4.4).
//!
//! The openssl crate has no safe way to ask for that, so the bytes of the server's first flight are kept
//! and read once more: as they are for TLS 1.2, and for TLS 1.3 with the handshake secret that OpenSSL
//! gives its key log. Nothing here takes part in the connection.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use hmac::{Hmac, Mac};
use openssl::symm::Cipher;
use sha2::{Sha256, Sha384};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;
use zeroize::Zeroizing;

use crate::certificate::name::{self, NameStyle};

/// What is kept of the server's flight; a chain and a long list of authorities take less.
const MAX_KEPT: usize = 128 << 10;
/// The line of the key log (RFC 9850) with the secret of the server's handshake messages.
const LABEL: &str = "SERVER_HANDSHAKE_TRAFFIC_SECRET ";

/// What the server asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Requested {
    /// Whether it asked for a certificate.
    pub(crate) is_requested: bool,
    /// The names of the authorities that it takes; empty where it takes all.
    pub(crate) authorities: Vec<String>,
}

#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    is_over: bool,
    secret: Option<Zeroizing<Vec<u8>>>,
}

/// The server's flight, shared between the stream and its reader.
#[derive(Clone, Default)]
pub(crate) struct Flight(Arc<Mutex<Heard>>);

impl Flight {
    fn with<T>(&self, act: impl FnOnce(&mut Heard) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes a line of the key log.
    pub(crate) fn note_key(&self, line: &str) {
        if let Some(rest) = line.strip_prefix(LABEL)
            && let Some((_, secret)) = rest.split_once(' ')
            && let Ok(secret) = data_encoding::HEXLOWER_PERMISSIVE.decode(secret.trim().as_bytes())
        {
            self.with(|heard| heard.secret = Some(Zeroizing::new(secret)));
        }
    }

    /// Whether the server answered in TLS at all; `None` while it has said nothing.
    pub(crate) fn is_tls(&self) -> Option<bool> {
        // ContentType 20 to 23 (RFC 8446 section 5.1).
        self.with(|heard| heard.bytes.first().map(|first| (20..=23).contains(first)))
    }

    /// The end of the handshake: reads what was asked, and keeps nothing. `None` where that cannot be
    /// told, as before the server has said it.
    pub(crate) fn finish(&self, cipher: Option<&str>) -> Option<Requested> {
        let (bytes, secret) = self.with(|heard| {
            heard.is_over = true;
            (std::mem::take(&mut heard.bytes), heard.secret.take())
        });
        match secret {
            Some(secret) => parse_messages(&decrypt(&bytes, &secret, cipher?)?, true),
            None => parse_messages(&plain(&bytes), false),
        }
    }
}

/// The stream beneath TLS.
pub(crate) struct Wire<S> {
    inner: S,
    flight: Flight,
}

impl<S> Wire<S> {
    /// Keeps what `inner` reads, until the flight is over.
    pub(crate) fn new(inner: S, flight: Flight) -> Self {
        Self { inner, flight }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buffer))?;
        this.flight.with(|heard| {
            if !heard.is_over && heard.bytes.len() < MAX_KEPT {
                heard.bytes.extend_from_slice(&buffer.filled()[before..]);
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Takes fields off the front; every length is checked.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, width: usize) -> Option<usize> {
        self.take(width).map(|bytes| bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b)))
    }

    /// A vector with a length of `width` bytes (RFC 8446 section 3.4).
    fn vector(&mut self, width: usize) -> Option<Fields<'a>> {
        let length = self.number(width)?;
        self.take(length).map(Fields)
    }
}

/// The records of a flight: type, header, payload.
fn records(bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8], &[u8])> {
    let mut fields = Fields(bytes);
    std::iter::from_fn(move || {
        let header = fields.take(5)?;
        let length = usize::from(header[3]) << 8 | usize::from(header[4]);
        Some((header[0], header, fields.take(length)?))
    })
}

const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// The handshake messages of TLS 1.2 up to where encryption begins.
fn plain(bytes: &[u8]) -> Vec<u8> {
    let before = records(bytes).take_while(|(kind, ..)| *kind != CHANGE_CIPHER_SPEC);
    before.filter(|(kind, ..)| *kind == HANDSHAKE).flat_map(|(.., payload)| payload.iter().copied()).collect()
}

/// The encrypted handshake messages of TLS 1.3 (RFC 8446 sections 5.2 and 7.3).
fn decrypt(bytes: &[u8], secret: &[u8], suite: &str) -> Option<Vec<u8>> {
    let (cipher, key_length) = match suite {
        "TLS_AES_128_GCM_SHA256" => (Cipher::aes_128_gcm(), 16),
        "TLS_AES_256_GCM_SHA384" => (Cipher::aes_256_gcm(), 32),
        "TLS_CHACHA20_POLY1305_SHA256" => (Cipher::chacha20_poly1305(), 32),
        _ => return None,
    };
    let key = expand_label(secret, "key", key_length)?;
    let iv = expand_label(secret, "iv", 12)?;
    let mut messages = Vec::new();
    let encrypted = records(bytes).filter(|(kind, ..)| *kind == APPLICATION_DATA);
    for (number, (_, header, payload)) in (0_u64..).zip(encrypted) {
        let (ciphertext, tag) = payload.split_at_checked(payload.len().checked_sub(16)?)?;
        let mut nonce = iv.clone();
        for (byte, count) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
            *byte ^= count;
        }
        // What follows the handshake has other keys.
        let Ok(inner) = openssl::symm::decrypt_aead(cipher, &key, Some(&nonce), header, ciphertext, tag) else { break };
        let end = inner.iter().rposition(|byte| *byte != 0)?;
        if inner[end] == HANDSHAKE {
            messages.extend_from_slice(&inner[..end]);
        }
    }
    Some(messages)
}

/// HKDF-Expand-Label with an empty context (RFC 8446 section 7.1), for outputs of one block of HKDF.
fn expand_label(secret: &[u8], label: &str, length: usize) -> Option<Zeroizing<Vec<u8>>> {
    let mut info = u16::try_from(length).ok()?.to_be_bytes().to_vec();
    info.push(u8::try_from(label.len() + 6).ok()?);
    info.extend_from_slice(b"tls13 ");
    info.extend_from_slice(label.as_bytes());
    info.extend([0, 1]);
    let block = if secret.len() == 48 {
        Hmac::<Sha384>::new_from_slice(secret).ok()?.chain_update(&info).finalize().into_bytes().to_vec()
    } else {
        Hmac::<Sha256>::new_from_slice(secret).ok()?.chain_update(&info).finalize().into_bytes().to_vec()
    };
    let block = Zeroizing::new(block);
    block.get(..length).map(|output| Zeroizing::new(output.to_vec()))
}

const CERTIFICATE_REQUEST: usize = 13;
/// ServerHelloDone of TLS 1.2, Finished of TLS 1.3: past these nothing is asked any more.
const ENDS: [usize; 2] = [14, 20];
/// The extension certificate_authorities (RFC 8446 section 4.2.4).
const CERTIFICATE_AUTHORITIES: usize = 47;

fn parse_messages(messages: &[u8], is_tls13: bool) -> Option<Requested> {
    let mut fields = Fields(messages);
    let mut requested = Requested::default();
    loop {
        let kind = fields.number(1)?;
        let body = fields.vector(3)?;
        if kind == CERTIFICATE_REQUEST {
            let names = if is_tls13 { authorities_13(body) } else { authorities_12(body) };
            requested = Requested { is_requested: true, authorities: names.unwrap_or_default() };
        } else if ENDS.contains(&kind) {
            return Some(requested);
        }
    }
}

fn authorities_13(mut body: Fields<'_>) -> Option<Vec<String>> {
    body.vector(1)?;
    let mut extensions = body.vector(2)?;
    while let Some(kind) = extensions.number(2) {
        let mut value = extensions.vector(2)?;
        if kind == CERTIFICATE_AUTHORITIES {
            return value.vector(2).map(names);
        }
    }
    None
}

fn authorities_12(mut body: Fields<'_>) -> Option<Vec<String>> {
    body.vector(1)?;
    body.vector(2)?;
    body.vector(2).map(names)
}

fn names(mut list: Fields<'_>) -> Vec<String> {
    let next = || {
        let der = list.vector(2)?.0;
        let name = X509Name::from_der(der).map(|(_, name)| name::format(&name, NameStyle::Compact));
        Some(name.unwrap_or_else(|_| format!("#{}", data_encoding::HEXLOWER.encode(der))))
    };
    std::iter::from_fn(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_expand_as_in_rfc_8448() {
        // RFC 8448 section 3: the server's handshake traffic secret, and its write key and IV.
        let secret = "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38";
        let secret = data_encoding::HEXLOWER.decode(secret.as_bytes()).unwrap();
        let hex = |label, length| data_encoding::HEXLOWER.encode(&expand_label(&secret, label, length).unwrap());
        assert_eq!(hex("key", 16), "3fce516009c21727d0f2e4e86ee403bc");
        assert_eq!(hex("iv", 12), "5d313eb2671276ee13000b30");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_taken(bytes: Vec<u8>, secret: [u8; 32]) {
            parse_messages(&bytes, true);
            parse_messages(&bytes, false);
            parse_messages(&[&[13, 0, 0, bytes.len() as u8], &bytes[..]].concat(), true);
            parse_messages(&plain(&bytes), false);
            decrypt(&[&[23, 3, 3, 0, bytes.len() as u8], &bytes[..]].concat(), &secret, "TLS_AES_128_GCM_SHA256");
        }
    }

    #[test]
    fn a_request_of_tls_1_2_is_read_and_no_cut_is_misread() {
        let der = [0x30, 0x0f, 0x31, 0x0d, 0x30, 0x0b, 6, 3, 0x55, 4, 3, 0x0c, 4, b'R', b'o', b'o', b't'];
        let mut body = vec![1, 1, 0, 2, 4, 1, 0, 2 + der.len() as u8, 0, der.len() as u8];
        body.extend(der);
        let mut messages = vec![13, 0, 0, body.len() as u8];
        messages.extend(&body);
        messages.extend([14, 0, 0, 0]);
        let requested = parse_messages(&messages, false).unwrap();
        assert_eq!(requested, Requested { is_requested: true, authorities: vec!["CN=Root".to_owned()] });
        for cut in 0..messages.len() {
            assert_eq!(parse_messages(&messages[..cut], false), None, "cut at {cut}");
        }
        assert_eq!(parse_messages(&[14, 0, 0, 0], false), Some(Requested::default()));
    }
}
