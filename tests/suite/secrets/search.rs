//! The secrets in every form that a program could print, and the search for a part of one.

use std::collections::HashMap;
use std::fmt::Write;

use data_encoding::{BASE64, HEXLOWER};
use openssl::bn::BigNum;
use openssl::pkey::{PKey, Private};

/// So many characters in a row are a leak.
const LENGTH: usize = 16;

type Window = [u8; LENGTH];

/// Everything that may not be printed.
#[derive(Default)]
pub(super) struct Secrets {
    names: Vec<String>,
    /// The parts of each secret as it is, with the index of its name.
    raw: HashMap<Window, usize>,
    /// The parts of each form of it, without all that separates characters.
    written: HashMap<Window, usize>,
}

impl Secrets {
    pub(super) fn add(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= 24, "{name} is too short to be found");
        let index = self.names.len();
        self.names.push(name.to_owned());
        for window in windows(secret) {
            self.raw.insert(window, index);
        }
        for form in forms(secret) {
            for window in windows(&bare(&form)) {
                self.written.insert(window, index);
            }
        }
    }

    /// Adds the private components of a key.
    pub(super) fn add_key(&mut self, name: &str, key: &PKey<Private>) {
        if let Ok(rsa) = key.rsa() {
            let primes = [rsa.p(), rsa.q(), rsa.dmp1(), rsa.dmq1(), rsa.iqmp()];
            self.add(&format!("{name}: d"), &rsa.d().to_vec());
            for (part, number) in ["p", "q", "d mod p-1", "d mod q-1", "1/q mod p"].iter().zip(primes) {
                self.add(&format!("{name}: {part}"), &number.unwrap().to_vec());
            }
        }
        if let Ok(ec) = key.ec_key() {
            self.add(&format!("{name}: d"), &ec.private_key().to_vec());
        }
    }

    /// Returns the name of a secret that is printed in part, and what is printed of it.
    pub(super) fn find(&self, printed: &[u8]) -> Option<String> {
        find(&self.raw, printed)
            .or_else(|| find(&self.written, &bare(printed)))
            .map(|(index, window)| format!("{:?} of {}", String::from_utf8_lossy(&window), self.names[index]))
    }
}

fn windows(bytes: &[u8]) -> impl Iterator<Item = Window> {
    bytes.windows(LENGTH).map(|window| window.try_into().unwrap())
}

fn find(known: &HashMap<Window, usize>, printed: &[u8]) -> Option<(usize, Window)> {
    for window in windows(printed) {
        if let Some(index) = known.get(&window) {
            return Some((*index, window));
        }
    }
    None
}

/// What stands for a line end inside of other texts.
const ESCAPES: [&[u8]; 7] = [b"\\n", b"\\r", b"\\t", b"%0A", b"%0D", b"&#10;", b"\\u{a}"];

/// Reduces a text to its letters and digits: line ends, colons, blanks, NULs, dots and case hide nothing.
fn bare(text: &[u8]) -> Vec<u8> {
    let mut bare = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        if let Some(escape) = ESCAPES.iter().find(|escape| rest.starts_with(escape)) {
            rest = &rest[escape.len()..];
            continue;
        }
        if byte.is_ascii_alphanumeric() {
            bare.push(byte.to_ascii_lowercase());
        }
        rest = after;
    }
    bare
}

/// Returns the forms of a secret in text.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut forms = vec![
        secret.to_vec(),
        HEXLOWER.encode(secret).into_bytes(),
        list(secret, |text, byte| write!(text, "0x{byte:02x}")),
        list(secret, |text, byte| write!(text, "x{byte:02x}")),
        // Rust and Python print byte strings so: what is ASCII stands for itself.
        secret.escape_ascii().to_string().into_bytes(),
        // Rust prints lists of bytes so.
        list(secret, |text, byte| write!(text, "{byte}")),
        BigNum::from_slice(secret).unwrap().to_dec_str().unwrap().as_bytes().to_vec(),
        arcs(secret),
    ];
    for once in base64(secret) {
        let wide: Vec<u8> = once.iter().flat_map(|byte| [*byte, 0]).collect();
        forms.extend(base64(&once));
        forms.extend(base64(&wide));
        forms.push(once);
    }
    forms
}

fn list(bytes: &[u8], write_byte: fn(&mut String, u8) -> std::fmt::Result) -> Vec<u8> {
    let mut text = String::new();
    for byte in bytes {
        write_byte(&mut text, *byte).unwrap();
    }
    text.into_bytes()
}

/// Returns what is in the Base64 of any text with these bytes: it depends on how many bytes are before them.
fn base64(bytes: &[u8]) -> [Vec<u8>; 3] {
    [0, 1, 2].map(|before| {
        let shifted = [&[0, 0][..before], bytes].concat();
        let whole = &shifted[..shifted.len() / 3 * 3];
        let text = BASE64.encode(whole).into_bytes();
        text[if before > 0 { 4 } else { 0 }..].to_vec()
    })
}

/// Returns the numbers of an object identifier with these bytes.
fn arcs(bytes: &[u8]) -> Vec<u8> {
    let mut text = String::new();
    let mut arc: u128 = 0;
    for byte in bytes {
        arc = (arc << 7) | u128::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            write!(text, "{arc}").unwrap();
            arc = 0;
        }
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::{PASSWORD, known_secrets, push_key};
    use super::*;

    #[test]
    fn every_form_of_a_leak_is_found() {
        let secrets = known_secrets();
        let key = push_key();
        let d = key.rsa().unwrap().d().to_vec();
        let pem = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        let line = pem.lines().nth(12).unwrap();
        let hex = HEXLOWER.encode(&d);
        let colons: Vec<String> = d.iter().map(|byte| format!("{byte:02X}")).collect();
        let decimal = BigNum::from_slice(&d).unwrap().to_dec_str().unwrap().to_string();
        let utf16: Vec<u8> = pem.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let leaks: [Vec<u8>; 15] = [
            pem.clone().into_bytes(),
            pem.replace('\n', "\\n").into_bytes(),
            line.into(),
            line[..24].into(),
            line.to_lowercase().into(),
            BASE64.encode(pem.as_bytes()).into(),
            utf16.clone(),
            BASE64.encode(&utf16).into(),
            hex[20..40].into(),
            hex.to_uppercase().into(),
            colons[3..20].join(":").into(),
            decimal[100..130].into(),
            format!("{:?}", &d[8..24]).into(),
            d[100..120].into(),
            format!("error: wrong password \"{PASSWORD}\"").into(),
        ];
        for (index, leak) in leaks.iter().enumerate() {
            let printed = [b"error: push.pem: it is called \"", &leak[..], b"\"\n"].concat();
            assert!(secrets.find(&printed).is_some(), "leak {index}");
        }
    }

    #[test]
    fn what_is_public_is_no_leak() {
        let secrets = known_secrets();
        let key = push_key();
        let modulus = key.rsa().unwrap().n().to_vec();
        let pem = key.public_key_to_pem().unwrap();
        let hex = HEXLOWER.encode(&modulus).into_bytes();
        let decimal = key.rsa().unwrap().n().to_dec_str().unwrap().as_bytes().to_vec();
        let certificate = std::fs::read(crate::common::fixture("der/universal.cer")).unwrap();
        for public in [pem, modulus, hex, decimal, BASE64.encode(&certificate).into_bytes(), certificate] {
            assert_eq!(secrets.find(&public), None);
        }
    }
}
