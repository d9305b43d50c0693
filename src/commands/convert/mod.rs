//! `pushcert convert`.

mod bag_attributes;

use std::path::Path;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::certificate::chain::{APPLE, AppleChain};
use crate::certificate::warning::{self, KeyState, Warning};
use crate::cli::convert::{Certs, ConvertArgs, KeyForm};
use crate::commands::shared::opening::{Conversion, Opener, check_stdin};
use crate::commands::shared::passout::{self, NewPassword, PasswordRule};
use crate::container::{Container, Contents, Entry};
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::Collection;
use crate::key::PrivateKey;
use crate::pem;
use crate::report::human::convert::{ConvertReport, OutputReport};
use crate::report::style::Paint;
use crate::report::{human, json};
use crate::schema::SCHEMA_VERSION;
use crate::secret::Password;
use crate::text::printable;
use crate::world::context::Context;
use crate::world::files::{self, Location, Output};

pub(super) fn run(arguments: &ConvertArgs, context: &mut Context<'_>) -> Result<(), Error> {
    OutputPlan::new(arguments, context)?;
    let inputs: Vec<_> = [Some(&arguments.input), arguments.key.as_ref()].into_iter().flatten().collect();
    check_stdin(&inputs, &[arguments.opening.passin.as_ref(), arguments.passout.as_ref()])?;
    let opener = Opener::new(&arguments.opening, &inputs, context)?;
    let contents = opener.open_with_key(&arguments.input, arguments.key.as_ref(), context)?;
    convert(arguments, &contents, context)
}

/// Converts what was opened.
pub(super) fn convert(arguments: &ConvertArgs, contents: &Contents, context: &mut Context<'_>) -> Result<(), Error> {
    let plan = OutputPlan::new(arguments, context)?;
    let selection = select(arguments, contents)?;
    check_keys_stay(arguments, &plan, &selection, contents)?;
    let now = arguments.at.unwrap_or(context.now);
    let judging = Judging { input: &arguments.input, now, strict: arguments.strict, json: arguments.json };
    let judged = selection.leaf.map(|leaf| judge(&judging, &leaf.item, context)).transpose()?;
    let (chain, warnings) = judged.unzip();
    let parts = if arguments.bag_attributes.is_some() {
        vec![Part {
            text: bag_attributes::render(arguments, contents)?,
            certificates: selection.certificates.len(),
            has_key: selection.key.is_some(),
        }]
    } else {
        let passout = passout(arguments, context)?;
        render(arguments, &selection, passout.as_ref())?
    };
    let outputs = plan.distribute(parts);
    write(&outputs, arguments.force, context)?;

    let report = ConvertReport {
        schema_version: SCHEMA_VERSION,
        input: arguments.input.to_string(),
        outputs: outputs
            .iter()
            .map(|(location, part)| OutputReport {
                file: location.to_string(),
                certificates: part.certificates,
                private_key: part.has_key,
                encrypted: part.has_key && arguments.encrypt,
            })
            .collect(),
        certificate: selection.leaf.zip(chain).map(|(leaf, chain)| {
            let key = if selection.key.is_some() { KeyState::Matches } else { KeyState::Missing };
            ConvertReport::certificate(leaf, key, chain, now)
        }),
        warnings: warnings.unwrap_or_default(),
    };
    if arguments.json {
        json::write(context.stdout, &report)?;
    } else {
        human::convert::convert(context.stderr, &report, Paint::new(context.stderr_has_color))?;
    }
    Ok(())
}

/// Refuses to replace an input where a key of it would be lost.
fn check_keys_stay(
    arguments: &ConvertArgs,
    plan: &OutputPlan<'_>,
    selection: &Selection<'_>,
    contents: &Contents,
) -> Result<(), Error> {
    if !arguments.force {
        return Ok(());
    }
    let writes_every_key = arguments.bag_attributes.is_some() && arguments.select.is_none() && !arguments.no_key;
    let written_keys = if writes_every_key {
        contents.keys.iter().map(|entry| &entry.item).collect()
    } else {
        selection.key.into_iter().collect()
    };
    let outputs = [plan.main, plan.certificates, plan.key].into_iter().flatten().collect();
    Conversion { input: &arguments.input, key: arguments.key.as_ref(), outputs, written_keys }.check_keys_stay(contents)
}

/// Where things go, checked before anything is read.
struct OutputPlan<'a> {
    main: Option<&'a Location>,
    certificates: Option<&'a Location>,
    key: Option<&'a Location>,
}

const STANDARD: Location = Location::Standard;

impl<'a> OutputPlan<'a> {
    fn new(arguments: &'a ConvertArgs, context: &Context<'_>) -> Result<Self, Error> {
        let usage = |message: &str| Err(Error::new(ExitKind::Usage, message));
        let (writes_certificates, writes_key) = (arguments.certs != Certs::None, !arguments.no_key);
        if !writes_certificates && !writes_key {
            return usage("--certs none and --no-key leave nothing to write");
        }
        if arguments.cert_out.is_some() && !writes_certificates {
            return usage("--cert-out has nothing to write with --certs none");
        }
        let certificates = arguments.cert_out.as_ref().filter(|_| writes_certificates);
        let key = arguments.key_out.as_ref();
        let needs_main = (writes_certificates && certificates.is_none()) || (writes_key && key.is_none());
        if arguments.output.is_some() && !needs_main {
            return usage("-o has nothing to write: --cert-out and --key-out take it all");
        }
        let main = needs_main.then(|| arguments.output.as_ref().unwrap_or(&STANDARD));
        let takes_key = if key.is_none() { main } else { key };
        if writes_key
            && arguments.output.is_none()
            && takes_key == Some(&STANDARD)
            && context.stdout_is_terminal
            && key.is_none()
        {
            return Err(Error::new(ExitKind::Usage, "a private key is not printed on a terminal")
                .hint("write it to a file with -o push.pem, or print it all the same with -o -"));
        }
        let all: Vec<&Location> = [main, certificates, key].into_iter().flatten().collect();
        if arguments.json && all.iter().any(|output| output.is_same_output(&STANDARD)) {
            return Err(Error::new(ExitKind::Usage, "--json reports on standard output, where the PEM would go")
                .hint("write the PEM to a file with -o push.pem"));
        }
        for (index, output) in all.iter().enumerate() {
            if all[..index].iter().any(|other| other.is_same_output(output)) {
                return usage("two outputs have the same name");
            }
        }
        Ok(Self { main, certificates, key })
    }

    /// Joins the parts that go to the same place.
    fn distribute(&self, parts: Vec<Part>) -> Vec<(&'a Location, Part)> {
        let mut outputs: Vec<(&Location, Part)> = Vec::new();
        for part in parts {
            let own = if part.certificates > 0 && part.has_key {
                None
            } else if part.has_key {
                self.key
            } else {
                self.certificates
            };
            let Some(location) = own.or(self.main) else { continue };
            match outputs.iter_mut().find(|(known, _)| *known == location) {
                Some((_, joined)) => {
                    joined.text.extend_from_slice(&part.text);
                    joined.certificates += part.certificates;
                    joined.has_key |= part.has_key;
                }
                None => outputs.push((location, part)),
            }
        }
        outputs
    }
}

/// A stretch of PEM.
struct Part {
    text: Zeroizing<Vec<u8>>,
    certificates: usize,
    has_key: bool,
}

/// What is to be written.
struct Selection<'a> {
    /// The certificate that all is about.
    leaf: Option<&'a Entry<Certificate>>,
    /// The certificates to write, the leaf first.
    certificates: Vec<&'a Certificate>,
    key: Option<&'a PrivateKey>,
}

fn select<'a>(arguments: &ConvertArgs, contents: &'a Contents) -> Result<Selection<'a>, Error> {
    let file = arguments.input.to_string();
    refuse_request(&arguments.input, contents)?;
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let describe = |error| Error::in_file(&file, &error);
    let wanted = arguments.select.as_deref();
    let needs_key = !arguments.no_key;
    let only_authorities = arguments.certs == Certs::Ca && !needs_key;
    let only_key = arguments.certs == Certs::None && contents.certificates.is_empty();
    let leaf = if arguments.bag_attributes.is_some() {
        // As openssl: all of them; there must be one.
        collection.identities(wanted, needs_key).map_err(describe)?.first().copied()
    } else if only_authorities || only_key {
        None
    } else {
        Some(collection.select(wanted, needs_key).map_err(describe)?)
    };
    let key = match (needs_key, leaf, &contents.keys[..]) {
        (false, ..) => None,
        (true, Some(leaf), _) => collection.key_of(&leaf.item).map(|key| &key.item),
        (true, None, [key]) => Some(&key.item),
        (true, None, keys) => {
            let message =
                format!("{file}: there are {} private keys in it, and no certificate to choose one by", keys.len());
            return Err(Error::new(ExitKind::Input, message));
        }
    };
    let authorities = || collection.authorities().into_iter().map(|entry| &entry.item);
    let leaf_item = leaf.map(|entry| &entry.item);
    let mut certificates: Vec<&Certificate> = match arguments.certs {
        Certs::Leaf => leaf_item.into_iter().collect(),
        Certs::Ca => authorities().collect(),
        Certs::All => leaf_item.into_iter().chain(authorities()).collect(),
        Certs::None => vec![],
    };
    if arguments.chain {
        let issuer = apple_issuer(&arguments.input, leaf_item).map_err(|error| {
            error.hint("leave out --chain; other authorities in the file are written with --certs all")
        })?;
        if !certificates.iter().any(|known| known.der == issuer.der) {
            certificates.insert(usize::from(!certificates.is_empty()), issuer);
        }
    }
    if certificates.is_empty() && arguments.certs == Certs::Ca {
        return Err(Error::new(ExitKind::Input, format!("{file}: there is no certificate of an authority in it")));
    }
    Ok(Selection { leaf, certificates, key })
}

/// A request is not a certificate yet.
pub(super) fn refuse_request(input: &Location, contents: &Contents) -> Result<(), Error> {
    let is_alone = contents.certificates.is_empty() && contents.keys.is_empty();
    let Some(first) = contents.requests.first().filter(|_| is_alone) else { return Ok(()) };
    let message = format!("{input}: this is a certificate signing request, not a certificate ({})", first.subject);
    Err(Error::new(ExitKind::Input, message)
        .hint("upload it to Apple's developer portal and convert the .cer that it gives back"))
}

/// The authority of Apple's that issued a certificate, for --chain.
pub(super) fn apple_issuer<'a>(input: &Location, leaf: Option<&'a Certificate>) -> Result<&'a Certificate, Error> {
    let issuer = leaf.and_then(|leaf| APPLE.issuer_of(leaf)).map(|(_, certificate)| certificate);
    issuer.ok_or_else(|| {
        Error::new(
            ExitKind::CheckFailed,
            format!("{input}: --chain: the certificate was not issued by an authority of Apple's"),
        )
        .hint("leave out --chain")
    })
}

/// How a certificate is judged.
pub(super) struct Judging<'a> {
    /// Where it comes from.
    pub(super) input: &'a Location,
    pub(super) now: OffsetDateTime,
    /// Whether a warning is the end.
    pub(super) strict: bool,
    /// Whether the report has the warnings, and nothing is told now.
    pub(super) json: bool,
}

/// Warns of what a conversion does not change; with --strict that is the end.
pub(super) fn judge(
    judging: &Judging<'_>,
    leaf: &Certificate,
    context: &mut Context<'_>,
) -> Result<(AppleChain, Vec<Warning>), Error> {
    let Judging { input, now, strict, json } = *judging;
    let chain = APPLE.judge(leaf, &[], now);
    let mut warnings = warning::judge(leaf, &chain, None, now);
    warnings.retain(|warning| warning.code.concerns_conversion());
    let sentence = |warning: &Warning| printable(&format!("{input}: \"{}\" {}", leaf.title(), warning.message));
    if let (true, Some(first)) = (strict, warnings.first()) {
        return Err(
            Error::new(ExitKind::CheckFailed, sentence(first)).hint("without --strict it is converted with a warning")
        );
    }
    if !json {
        let paint = Paint::new(context.stderr_has_color);
        for warning in &warnings {
            writeln!(context.stderr, "{} {}", paint.careful("warning:"), sentence(warning))?;
        }
    }
    Ok((chain, warnings))
}

/// The password for the key, where it is to be encrypted.
fn passout(arguments: &ConvertArgs, context: &mut Context<'_>) -> Result<Option<Password>, Error> {
    let purpose = NewPassword {
        needed_by: "--encrypt",
        question: "Password to encrypt the private key with",
        demand: PasswordRule::NotEmpty,
    };
    arguments.encrypt.then(|| passout::read(arguments.passout.as_ref(), &purpose, context)).transpose()
}

/// The PEM of a selection: leaf, authorities, key.
fn render(arguments: &ConvertArgs, selection: &Selection<'_>, passout: Option<&Password>) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    for certificate in &selection.certificates {
        let text = pem::encode("CERTIFICATE", &certificate.der);
        parts.push(Part { text: Zeroizing::new(text.as_bytes().to_vec()), certificates: 1, has_key: false });
    }
    if let Some(key) = selection.key {
        let text = match (passout, arguments.key_format) {
            (Some(password), _) => key.to_encrypted_pem(password),
            (None, KeyForm::Pkcs8) => Ok(key.to_pem()),
            (None, KeyForm::Traditional) => key.to_traditional_pem(),
        };
        let text = text.map_err(|error| Error::in_file(&arguments.input.to_string(), &error))?;
        parts.push(Part { text: Zeroizing::new(text.as_bytes().to_vec()), certificates: 0, has_key: true });
    }
    Ok(parts)
}

/// Files first, so that after a failure standard output has stayed empty too.
fn write(outputs: &[(&Location, Part)], force: bool, context: &mut Context<'_>) -> Result<(), Error> {
    let files: Vec<Output<'_>> = outputs
        .iter()
        .filter_map(|(location, part)| match location {
            Location::Path(path) => Some(Output { path, bytes: &part.text, is_private: part.has_key }),
            Location::Standard => None,
        })
        .collect();
    let named = |(path, error): (&Path, _)| Error::in_file(&path.display().to_string(), &error);
    files::write_all(&files, force).map_err(named)?;
    for (_, part) in outputs.iter().filter(|(location, _)| **location == Location::Standard) {
        context.stdout.write_all(&part.text)?;
    }
    Ok(context.stdout.flush()?)
}

/// Whether the input is a PKCS#12 file, which alone has bags.
fn require_bags(arguments: &ConvertArgs, contents: &Contents) -> Result<(), Error> {
    if contents.container == Container::Pkcs12 {
        return Ok(());
    }
    let message = format!("{}: --bag-attributes: only PKCS#12 files have bags", arguments.input);
    Err(Error::new(ExitKind::Usage, message))
}
