//! What convert and pack say of a certificate before they write it.

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::chain::{APPLE, AppleChain, FileCas};
use crate::certificate::warning;
use crate::commands::shared::writing;
use crate::container::Contents;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::finding::{Finding, FindingCode, Level};
use crate::text::{Printable, printable_name};
use crate::world::context::Context;
use crate::world::files::Location;

/// The most warnings on authorities that are printed.
const MAX_WARNINGS: usize = 10;

/// The options of a judgement.
pub(crate) struct Judging<'a> {
    pub(crate) input: &'a Location,
    pub(crate) now: OffsetDateTime,
    /// An authority's certificate is written, without a key: it is not for APNs. `strict` expects a leaf all the same.
    pub(crate) is_authority: bool,
    /// A warning is an error.
    pub(crate) strict: bool,
    /// The JSON report has the warnings, and standard error has none.
    pub(crate) json: bool,
}

/// The first leaf's chain, and the warnings on all leaves that a conversion does not change.
pub(crate) struct Judged {
    pub(crate) chain: AppleChain,
    pub(crate) warnings: Vec<Finding>,
}

impl Judging<'_> {
    /// Judges the leaves that are written, and prints their warnings. A warning on any but the first names its leaf.
    /// `left_out` are the warnings on those that are not written.
    ///
    /// # Errors
    /// With `strict`, when there is a warning.
    pub(crate) fn judge(
        &self,
        first: &Certificate,
        others: &[&Certificate],
        left_out: Vec<Finding>,
        context: &mut Context<'_>,
    ) -> Result<Judged, Error> {
        for warning in &left_out {
            let hint = match &warning.hint {
                Some(hint) if self.strict => hint.to_string(),
                _ => format!("to leave it out on purpose, choose the other: --select {}", &first.sha256()[..16]),
            };
            let message = if self.strict { warning.message.to_string() } else { warning.with_hint(&warning.message) };
            self.warn(&message, &hint, context)?;
        }
        let chain = APPLE.judge(first, &FileCas::new([]), self.now);
        let mut warnings = left_out;
        warnings.extend(self.judge_leaf(first, &chain, context)?);
        for leaf in others {
            let chain = APPLE.judge(leaf, &FileCas::new([]), self.now);
            for warning in self.judge_leaf(leaf, &chain, context)? {
                warnings.push(Finding { message: about(leaf, &warning), ..warning });
            }
        }
        Ok(Judged { chain, warnings })
    }

    /// Judges the authorities that are written beside a leaf, and prints their warnings: one that is not valid, and one
    /// that others name as their issuer and whose key did not sign them.
    ///
    /// # Errors
    /// With `strict`, when there is a warning.
    pub(crate) fn judge_authorities(
        &self,
        leaf: Option<&Certificate>,
        authorities: &[&Certificate],
        context: &mut Context<'_>,
    ) -> Result<Vec<Finding>, Error> {
        let mut warnings = Vec::new();
        for authority in authorities {
            let mut found = warning::judge_authority(authority, self.now);
            found.extend(warning::judge_encoding(authority, Level::Warning));
            for warning in found {
                let code = match warning.code {
                    FindingCode::Expired => FindingCode::IntermediateExpired,
                    code if warning::concerns_conversion(code) => code,
                    _ => continue,
                };
                let message = format!("the authority {}", about(authority, &warning));
                warnings.push(Finding::warning(code, message));
            }
        }
        let cas = FileCas::of_all(authorities.iter().copied());
        for certificate in leaf.iter().chain(authorities) {
            if let Some(issuer) = cas.false_issuer_of(certificate) {
                let [name, issuer] = [certificate, issuer].map(|named| printable_name(named.title()));
                let message =
                    format!("\"{name}\" names the authority \"{issuer}\" as its issuer, whose key did not sign it");
                warnings.push(Finding::warning(FindingCode::ChainInvalid, message));
            }
        }
        for warning in warnings.iter().take(MAX_WARNINGS) {
            self.warn(&warning.message, "without --strict it is written with a warning", context)?;
        }
        Ok(warnings)
    }

    fn judge_leaf(
        &self,
        leaf: &Certificate,
        chain: &AppleChain,
        context: &mut Context<'_>,
    ) -> Result<Vec<Finding>, Error> {
        let mut warnings = match self.is_authority && !self.strict {
            true => warning::judge_authority(leaf, self.now),
            false => warning::judge_leaf(leaf, chain, None, self.now),
        };
        warnings.extend(warning::judge_encoding(leaf, Level::Warning));
        warnings.retain(|warning| {
            warning::concerns_conversion(warning.code) || (self.strict && warning::refutes_apple(warning.code))
        });
        for warning in &warnings {
            let hint = match warning::concerns_conversion(warning.code) {
                true => "without --strict it is converted with a warning",
                false => "without --strict it is converted",
            };
            self.warn(&about(leaf, warning), hint, context)?;
        }
        Ok(warnings)
    }

    /// Prints a warning, unless the report has it; with `strict` it is an error with this hint.
    fn warn(&self, message: &str, hint: &str, context: &mut Context<'_>) -> Result<(), Error> {
        let sentence = Printable::from(format!("{}: {message}", self.input.input_name()));
        if self.strict {
            return Err(Error::new(ExitKind::CheckFailed, sentence).hint(hint));
        }
        if self.json { Ok(()) } else { writing::warn(&sentence, context) }
    }
}

/// Returns a warning with the name of its leaf.
fn about(leaf: &Certificate, warning: &Finding) -> Printable {
    format!("\"{}\" {}", printable_name(leaf.title()), warning.message).into()
}

/// Refuses an input that holds only a certificate signing request. With `has_key_file`, the keys of `contents` are from
/// another file.
pub(crate) fn refuse_request(input: &Location, contents: &Contents, has_key_file: bool) -> Result<(), Error> {
    let Some(request) = contents.requests.first() else { return Ok(()) };
    let own_keys = if has_key_file { &contents.replaced_keys } else { &contents.keys };
    if !contents.certificates.is_empty() || !own_keys.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{}: this is a certificate signing request, not a certificate ({})",
        input.input_name(),
        printable_name(&request.subject)
    );
    Err(Error::new(ExitKind::Input, message)
        .hint("upload it to Apple's developer portal and convert the .cer that it gives back"))
}

/// Returns Apple's CA certificate that issued a certificate, for `--chain`.
pub(crate) fn apple_issuer<'a>(input: &Location, leaf: Option<&'a Certificate>) -> Result<&'a Certificate, Error> {
    if let Some((_, issuer)) = leaf.and_then(|leaf| APPLE.issuer_of(leaf)) {
        return Ok(issuer);
    }
    let input = input.input_name();
    let message = format!("{input}: --chain: the certificate was not issued by an authority of Apple's");
    Err(Error::new(ExitKind::CheckFailed, message).hint("leave out --chain"))
}
