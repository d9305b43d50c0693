//! Reads the blocks of a PEM file.

use crate::asn1::Malformed;
use crate::container::passwords::Unlocker;
use crate::container::{Container, Contents, OpenError, der, pkcs7};
use crate::crypto::DecodeError;
use crate::pem::{self, Block};

pub(super) fn read(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let blocks = pem::parse(bytes)?;
    let mut contents = Contents::new(Container::Pem);
    contents.is_read_whole = !pem::has_other_text(bytes, &blocks);
    let mut unread_blocks = Vec::new();
    for block in &blocks {
        match read_block(block, unlocker) {
            Ok(Some(read)) => contents.add(read),
            Ok(None) => unread_blocks.push(description(block)),
            Err(error) => return Err(in_block(error, block)),
        }
        contents.is_read_whole &= block.headers.is_empty();
    }
    contents.is_read_whole &= unread_blocks.is_empty();
    if contents.is_empty() && !unread_blocks.is_empty() {
        unread_blocks.dedup();
        return Err(OpenError::UnknownBlocks(unread_blocks.join(", ")));
    }
    Ok(contents)
}

/// Reads a block, or returns `None` if blocks with its label are not read.
fn read_block(block: &Block<'_>, unlocker: &mut Unlocker<'_, '_>) -> Result<Option<Contents>, OpenError> {
    let der = &block.der;
    let contents = match block.label {
        Some("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE") => der::read_certificate(der, unlocker)?,
        Some("PKCS7" | "CMS") => pkcs7::read(der, unlocker)?,
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => der::read_request(der, unlocker)?,
        Some("PRIVATE KEY") => der::read_pkcs8_key(der, unlocker)?,
        Some("ENCRYPTED PRIVATE KEY") => der::read_encrypted_key(der, unlocker)?,
        Some("RSA PRIVATE KEY" | "EC PRIVATE KEY") if block.is_encrypted() => {
            der::read_encrypted_pem_key(&block.text, unlocker)?
        }
        Some("RSA PRIVATE KEY") => der::read_pkcs1_key(der, unlocker)?,
        Some("EC PRIVATE KEY") => der::read_sec1_key(der, unlocker)?,
        _ => return Ok(None),
    };
    Ok(Some(contents))
}

fn description(block: &Block<'_>) -> String {
    match block.label {
        Some(label) => label.to_owned(),
        None => format!("a block with an unknown label at line {}", block.line),
    }
}

/// Names the block in an error about its structure.
fn in_block(error: OpenError, block: &Block<'_>) -> OpenError {
    match error {
        OpenError::Decode(DecodeError::Malformed(Malformed { part, problem })) => {
            Malformed::new(block.name(), format!("{part} {problem}")).into()
        }
        other => other,
    }
}
