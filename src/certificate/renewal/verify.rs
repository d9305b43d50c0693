//! Lets OpenSSL judge whether programs that trust an authority take the certificate of a file.

use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509, X509StoreContext, X509VerifyResult};
use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::finding::{Finding, FindingCode};
use crate::text::{printable, printable_name};

/// The errors of OpenSSL that have a meaning of their own (x509_vfy.h).
const NO_ISSUER: [i32; 7] = [2, 7, 18, 19, 20, 21, 27];
const NOT_YET_VALID: i32 = 9;
const EXPIRED: i32 = 10;
const PATH_TOO_LONG: i32 = 25;
const OTHER_SERIAL: i32 = 31;
const UNKNOWN_CRITICAL: i32 = 34;
const NAME_CONSTRAINTS: std::ops::RangeInclusive<i32> = 47..=53;

/// A certificate, what stands beside it, and the authority that is trusted. That need not be a root.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) leaf: &'a Certificate,
    pub(super) others: &'a [&'a Certificate],
    pub(super) anchor: &'a Certificate,
    /// The time at which the chain is judged; `None` leaves times out.
    pub(super) time: Option<OffsetDateTime>,
    /// Critical extensions that are not known are passed over.
    pub(super) is_lenient: bool,
}

/// The reason why OpenSSL takes a chain for invalid.
pub(super) struct Refusal {
    error: X509VerifyResult,
    /// The certificate that is wrong; 0 is the leaf.
    depth: usize,
    certificate: Option<Certificate>,
}

impl Question<'_> {
    /// Returns why it is refused. What OpenSSL cannot read is judged elsewhere.
    pub(super) fn refusal(self) -> Option<Refusal> {
        let found = self.ask();
        // OpenSSL keeps the reason why a signature does not verify; the next error would be taken for it.
        drop(ErrorStack::get());
        found.unwrap_or(None)
    }

    fn ask(self) -> Result<Option<Refusal>, ErrorStack> {
        let mut others = Stack::new()?;
        for other in self.others {
            if let Ok(other) = X509::from_der(&other.der) {
                others.push(other)?;
            }
        }
        let mut parameters = X509VerifyParam::new()?;
        let mut flags = X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::TRUSTED_FIRST;
        match self.time {
            // The time of the leaf is judged by itself.
            Some(time) => {
                let (first, last) = (self.leaf.not_before, self.leaf.not_after);
                parameters.set_time(time.min(last).max(first).unix_timestamp());
            }
            None => flags |= X509VerifyFlags::NO_CHECK_TIME,
        }
        if self.is_lenient {
            flags |= X509VerifyFlags::IGNORE_CRITICAL;
        }
        parameters.set_flags(flags)?;
        let mut store = X509StoreBuilder::new()?;
        store.set_param(&parameters)?;
        store.add_cert(X509::from_der(&self.anchor.der)?)?;
        let mut context = X509StoreContext::new()?;
        context.init(&store.build(), &*X509::from_der(&self.leaf.der)?, &others, |context| {
            if context.verify_cert()? {
                return Ok(None);
            }
            let certificate = match context.current_cert() {
                Some(current) => Certificate::parse(&current.to_der()?).ok(),
                None => None,
            };
            Ok(Some(Refusal { error: context.error(), depth: context.error_depth() as usize, certificate }))
        })
    }
}

impl Refusal {
    /// Takes the reason why an authority of the file, whose key signed what is below it, is none of its issuers.
    pub(super) fn explain_issuer(self, path: &[&Certificate], leaf: &Certificate) -> Self {
        let Some(issuer) = path.get(self.depth) else { return self };
        let below = if self.depth == 0 { leaf } else { path[self.depth - 1] };
        let (Ok(authority), Ok(issued)) = (X509::from_der(&issuer.der), X509::from_der(&below.der)) else {
            return self;
        };
        let error = authority.issued(&issued);
        if !self.lacks_issuer() || error == X509VerifyResult::OK {
            return self;
        }
        Self { error, depth: self.depth + 1, certificate: Some((*issuer).clone()) }
    }

    pub(super) fn lacks_issuer(&self) -> bool {
        NO_ISSUER.contains(&self.error.as_raw())
    }

    pub(super) fn is_of_time(&self) -> bool {
        matches!(self.error.as_raw(), EXPIRED | NOT_YET_VALID)
    }

    /// Returns whether the leaf has a critical extension that is not known.
    pub(super) fn is_of_leaf_extension(&self) -> bool {
        self.depth == 0 && self.error.as_raw() == UNKNOWN_CRITICAL
    }

    /// Describes it. `root` is what the old file leads to.
    pub(super) fn describe(&self, root: &Certificate) -> Finding {
        let code = self.error.as_raw();
        if self.lacks_issuer() {
            let message = format!(
                "the new file does not lead to {}, as the old one does: programs that trust that alone refuse it",
                printable_name(root.title())
            );
            return Finding::failure(FindingCode::WrongChain, message);
        }
        if NAME_CONSTRAINTS.contains(&code) {
            let message =
                "the name constraints of an authority in the new file do not allow the names of the certificate";
            return Finding::failure(FindingCode::ChainInvalid, message);
        }
        let Some(certificate) = self.certificate.as_ref().filter(|_| self.depth > 0) else {
            let text = printable(self.error.error_string());
            return Finding::failure(FindingCode::ChainInvalid, format!("OpenSSL refuses the new one: {text}"));
        };
        let text = match code {
            // OpenSSL takes it for no authority's.
            _ if !certificate.may_sign_certificates => {
                "may not sign certificates (its key usage lacks keyCertSign)".to_owned()
            }
            EXPIRED => format!("expired on {}", certificate.not_after.date()),
            NOT_YET_VALID => format!("is not valid before {}", certificate.not_before.date()),
            PATH_TOO_LONG => "does not allow so many authorities below it (pathlen)".to_owned(),
            OTHER_SERIAL => "has another serial number than what it issued names (authorityKeyIdentifier)".to_owned(),
            UNKNOWN_CRITICAL => "has a critical extension that programs do not know".to_owned(),
            _ => format!("is refused by OpenSSL: {}", printable(self.error.error_string())),
        };
        let name = printable_name(certificate.title());
        let message = format!("{name} in the new file, which leads to the certificate, {text}");
        let finding_code = if code == EXPIRED { FindingCode::IntermediateExpired } else { FindingCode::ChainInvalid };
        Finding::failure(finding_code, message)
    }
}
