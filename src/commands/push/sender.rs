//! Who sends: a certificate with its key, or a key that signs provider tokens.

use crate::certificate::Certificate;
use crate::certificate::apple::Environment;
use crate::cli::push::PushArgs;
use crate::commands::shared::client_identity::{client_identity, unusable};
use crate::commands::shared::judging::refuse_request;
use crate::commands::shared::opening::Opener;
use crate::commands::shared::signing_key::{self, TokenNames};
use crate::commands::shared::unread;
use crate::error::Error;
use crate::exit::ExitKind;
use crate::identity::{Collection, SelectError};
use crate::net::mask::Mask;
use crate::net::tls::ClientIdentity;
use crate::push::credential::ProviderTokens;
use crate::push::message::{LabelledTopic, Message, MessageError, MessageOptions, Sender};
use crate::world::context::Context;
use crate::world::files::Location;

/// A sender.
pub(super) struct PushSender {
    credential: Credential,
    /// The certificate, for its topics.
    leaf: Option<Certificate>,
    /// The environments that the certificate is for; those of a key are not known.
    pub(super) environments: Vec<Environment>,
    pub(super) warnings: Vec<String>,
    secret: Option<zeroize::Zeroizing<String>>,
}

enum Credential {
    Certificate(ClientIdentity),
    Tokens(ProviderTokens),
}

impl PushSender {
    /// Puts the notification together.
    pub(super) fn message(&self, options: &MessageOptions) -> Result<Message, MessageError> {
        let Some(leaf) = &self.leaf else { return Message::new(options, Sender::ProviderToken) };
        let mut topics = Vec::new();
        for listed in &leaf.topics {
            topics.push(LabelledTopic { topic: &listed.topic, label: Some(&listed.kind) });
        }
        let mut message = Message::new(options, Sender::Certificate(&topics))?;
        if !topics.is_empty() && topics.iter().all(|listed| listed.topic != message.topic) {
            message.warnings.push(format!("the certificate does not list the topic {}", message.topic));
        }
        Ok(message)
    }

    /// Returns the ID of the key that signs provider tokens.
    pub(super) fn key_id(&self) -> Option<&str> {
        match &self.credential {
            Credential::Certificate(_) => None,
            Credential::Tokens(tokens) => Some(&tokens.key_id),
        }
    }

    /// Adds what no message may repeat.
    pub(super) fn add_secrets(&self, mask: &mut Mask) {
        if let Some(secret) = &self.secret {
            mask.add(secret);
        }
    }

    /// Returns what is presented to the gateway: one of both.
    pub(super) fn into_parts(self) -> (Option<ClientIdentity>, Option<ProviderTokens>) {
        match self.credential {
            Credential::Certificate(identity) => (Some(identity), None),
            Credential::Tokens(tokens) => (None, Some(tokens)),
        }
    }
}

/// Reads the sender.
pub(super) fn read(arguments: &PushArgs, opener: &Opener, context: &mut Context<'_>) -> Result<PushSender, Error> {
    match &arguments.p8 {
        Some(file) => read_key(arguments, file, opener, context),
        None => read_certificate(arguments, opener, context),
    }
}

fn read_key(
    arguments: &PushArgs,
    file: &Location,
    opener: &Opener,
    context: &mut Context<'_>,
) -> Result<PushSender, Error> {
    let team_id = arguments.team_id.as_deref().unwrap_or_default();
    let names = TokenNames { key_id: arguments.key_id.as_deref(), team_id };
    let key = signing_key::read(file, &names, opener, context)?;
    let mut warnings = Vec::new();
    if key.key_id_of_file.as_ref().is_some_and(|id| *id != key.key_id) {
        warnings.push("the file of the key is named after another key ID".to_owned());
    }
    match ProviderTokens::new(key.signer, key.key_id) {
        Ok((tokens, first)) => Ok(PushSender {
            credential: Credential::Tokens(tokens),
            leaf: None,
            environments: Vec::new(),
            warnings,
            secret: Some(zeroize::Zeroizing::new(first.expose().to_owned())),
        }),
        Err(error) => Err(signing_key::unusable(file, &error)),
    }
}

fn read_certificate(arguments: &PushArgs, opener: &Opener, context: &mut Context<'_>) -> Result<PushSender, Error> {
    let file = arguments.sender_file();
    let contents = opener.open_with_key(file, arguments.key.as_ref(), context)?;
    unread::check_mac(file, &contents)?;
    refuse_request(file, &contents, arguments.key.is_some())?;
    let collection = Collection::new(&contents.certificates, &contents.keys);
    let leaf = match collection.select(arguments.select.as_deref(), true) {
        Ok(entry) => entry.item.clone(),
        Err(error @ (SelectError::NoKey(_) | SelectError::KeyMissing(_))) if !contents.may_have_unread_key() => {
            let hint = if unread::is_of_portal(&contents) {
                unread::KEY_OF_PORTAL_CERTIFICATE
            } else {
                "give the key with --key FILE, or export the certificate together with its key"
            };
            return Err(unread::explain_selection(file, &contents, &error).hint(hint));
        }
        Err(error) => return Err(unread::explain_selection(file, &contents, &error)),
    };
    let identity = match client_identity(&leaf, &contents) {
        Ok(identity) => identity,
        Err(error) => return Err(unusable(file, &error)),
    };
    if let Err(error) = identity.try_out() {
        let key_file = arguments.key.as_ref().unwrap_or(file);
        let message = format!("OpenSSL cannot sign with the private key in {key_file}: {error}");
        return Err(Error::new(ExitKind::Input, message));
    }
    let mut warnings = Vec::new();
    if leaf.is_expired(context.now) {
        warnings.push(format!("the certificate has expired, on {}", leaf.not_after.date()));
    } else if leaf.is_not_yet_valid(context.now) {
        warnings.push(format!("the certificate is not valid before {}", leaf.not_before.date()));
    }
    Ok(PushSender {
        credential: Credential::Certificate(identity),
        environments: leaf.environments.clone(),
        leaf: Some(leaf),
        warnings,
        secret: None,
    })
}
