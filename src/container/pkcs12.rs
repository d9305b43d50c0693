//! Reads a PKCS#12 file.

use crate::certificate::Certificate;
use crate::container::passwords::{PasswordTarget, Unlocker};
use crate::container::{Container, Contents, Entry, OpenError};
use crate::key::PrivateKey;
use crate::pkcs12::{BagContent, Pfx, Unlocked};

pub(super) fn read(bytes: &[u8], unlocker: &mut Unlocker<'_, '_>) -> Result<Contents, OpenError> {
    let pfx = Pfx::parse(bytes)?;
    let info = pfx.info()?;
    let bags = unlocker.unlock(PasswordTarget::Pkcs12, pfx.has_mac(), |password, limits| {
        match pfx.open(password, limits)? {
            Unlocked::Bags(bags) => Ok(Some(bags)),
            Unlocked::WrongPassword => Ok(None),
            Unlocked::OtherKeyPassword => Err(OpenError::OtherKeyPassword),
        }
    })?;
    let mut contents = Contents::new(Container::Pkcs12);
    for bag in &bags {
        let (friendly_name, local_key_id) = (bag.friendly_name(), bag.local_key_id());
        match &bag.content {
            BagContent::Certificate(der) => {
                let item = Certificate::parse(der)?;
                contents.certificates.push(Entry { item, friendly_name, local_key_id });
            }
            BagContent::Key(der) => {
                let item = PrivateKey::from_pkcs8(der)?;
                contents.keys.push(Entry { item, friendly_name, local_key_id });
            }
            BagContent::Safe | BagContent::Secret(_) | BagContent::Other => {}
        }
    }
    Ok(Contents { pkcs12: Some(info), bags, ..contents })
}
