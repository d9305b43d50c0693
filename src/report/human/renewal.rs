//! The way on from a certificate that has expired, or does so soon.

use crate::certificate::apple::CertificateKind;
use crate::certificate::renewal::RENEW_MDM;
use crate::certificate::time_left::TimeLeft;
use crate::inspect::CertificateReport;

const ASK_PORTAL: &str = "for the next certificate, pushcert csr makes the request that Apple's portal takes (a new key; with --key FILE the same one)";

/// Returns how the next certificate comes about; `None` for one that Apple's portals do not give for push.
pub(crate) fn way_to_next(kind: CertificateKind) -> Option<String> {
    match kind {
        CertificateKind::Mdm => Some(format!("for the next certificate, {RENEW_MDM}")),
        kind if kind.is_push() => Some(ASK_PORTAL.to_owned()),
        _ => None,
    }
}

/// As [`way_to_next`], of a certificate that has expired: APNs need not be asked.
pub(crate) fn way_from_expired(certificate: &CertificateReport) -> Option<String> {
    let is_expired = TimeLeft::from_seconds(certificate.seconds_left).is_over();
    if is_expired { way_to_next(certificate.kind) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_push_certificate_has_a_next_one() {
        use CertificateKind::{Apns, AppleOther, Mdm, Other, PassType, Voip};
        for kind in [Apns, Voip, PassType] {
            assert!(way_to_next(kind).unwrap().contains("pushcert csr"), "{kind:?}");
        }
        // A request of its own would lead to a certificate that silences every device.
        let mdm = way_to_next(Mdm).unwrap();
        assert!(mdm.contains("identity.apple.com/pushcert with Renew") && !mdm.contains("csr"), "{mdm}");
        assert_eq!([way_to_next(AppleOther), way_to_next(Other)], [None, None]);
    }
}
