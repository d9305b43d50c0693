//! What convert and pack say of a certificate before they write it.

use time::OffsetDateTime;

use crate::certificate::Certificate;
use crate::certificate::chain::{APPLE, AppleChain, FileCas};
use crate::certificate::warning;
use crate::container::Contents;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::finding::Finding;
use crate::report::style::Paint;
use crate::text::{Printable, printable_name};
use crate::world::context::Context;
use crate::world::files::Location;

/// The options of a judgement.
pub(crate) struct Judging<'a> {
    pub(crate) input: &'a Location,
    pub(crate) now: OffsetDateTime,
    /// A warning is an error.
    pub(crate) strict: bool,
    /// The JSON report has the warnings, and standard error has none.
    pub(crate) json: bool,
}

/// A certificate's chain, and the warnings that a conversion does not change.
pub(crate) struct Judged {
    pub(crate) chain: AppleChain,
    pub(crate) warnings: Vec<Finding>,
}

impl Judging<'_> {
    /// Judges a leaf, and prints its warnings.
    ///
    /// # Errors
    /// With `strict`, when there is a warning.
    pub(crate) fn judge(&self, leaf: &Certificate, context: &mut Context<'_>) -> Result<Judged, Error> {
        let chain = APPLE.judge(leaf, &FileCas::new([]), self.now);
        let mut warnings = warning::judge_leaf(leaf, &chain, None, self.now);
        warnings.retain(|warning| {
            warning::concerns_conversion(warning.code) || (self.strict && warning::refutes_apple(warning.code))
        });
        let paint = Paint::new(context.stderr_has_color);
        for warning in &warnings {
            let (input, title) = (self.input.input_name(), printable_name(leaf.title()));
            let sentence = Printable::from(format!("{input}: \"{title}\" {}", warning.message));
            if self.strict {
                let hint = match warning::concerns_conversion(warning.code) {
                    true => "without --strict it is converted with a warning",
                    false => "without --strict it is converted",
                };
                return Err(Error::new(ExitKind::CheckFailed, sentence).hint(hint));
            }
            if !self.json {
                writeln!(context.stderr, "{} {sentence}", paint.warning("warning:"))?;
            }
        }
        Ok(Judged { chain, warnings })
    }
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
