//! Authentication by provider tokens (Apple, "Establishing a token-based connection to APNs", and "Handling
//! notification responses from APNs" for the reasons).

use http::HeaderValue;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Public};

use crate::apns::provider_token::{LIFETIME, ReceivedToken, is_p256};
use crate::key::PrivateKey;

/// The shortest time between two tokens of a connection, in seconds: "no more than once every 20 minutes".
const UPDATE_INTERVAL: i64 = 20 * 60;
/// The tolerance for a provider's clock that is ahead, in seconds. [?] Apple says only "within the last hour".
const CLOCK_TOLERANCE: i64 = 60;

/// The public half of a token signing key, and its names.
#[derive(Clone)]
pub struct TeamKey {
    key_id: String,
    team_id: String,
    key: PKey<Public>,
}

impl TeamKey {
    /// Takes a private key's public half; returns `None` if it is not a token signing key.
    ///
    /// # Errors
    /// When OpenSSL cannot parse it.
    pub fn from_private(key_id: &str, team_id: &str, key: &PrivateKey) -> Result<Option<Self>, ErrorStack> {
        Ok(Self::from_public(key_id, team_id, PKey::public_key_from_der(&key.public().spki)?))
    }

    /// Takes a public key; returns `None` if it is not that of a token signing key.
    pub(crate) fn from_public(key_id: &str, team_id: &str, key: PKey<Public>) -> Option<Self> {
        if !is_p256(&key) {
            return None;
        }
        Some(Self { key_id: key_id.to_owned(), team_id: team_id.to_owned(), key })
    }
}

/// The provider tokens of one connection.
#[derive(Default)]
pub(super) struct TokenSession {
    accepted: Option<AcceptedToken>,
}

/// The token that a connection used last.
struct AcceptedToken {
    /// The value of `authorization`: a request that repeats it is not verified again.
    authorization: HeaderValue,
    key_id: String,
    issued_at: i64,
    /// The time of its first use, in UNIX seconds.
    accepted_at: i64,
}

impl TokenSession {
    /// Returns whether a valid token was seen.
    pub(super) fn is_authenticated(&self) -> bool {
        self.accepted.is_some()
    }

    /// Authenticates a request. The order of the rules is not documented [?].
    ///
    /// # Errors
    /// With the reason for which it is refused.
    pub(super) fn authenticate(
        &mut self,
        keys: &[TeamKey],
        authorization: Option<&HeaderValue>,
        now: i64,
    ) -> Result<(), &'static str> {
        let Some(authorization) = authorization else { return Err("MissingProviderToken") };
        if let Some(accepted) = &self.accepted
            && accepted.authorization == authorization
        {
            return check_time(accepted.issued_at, now);
        }
        let token = verify(keys, authorization)?;
        check_time(token.issued_at, now)?;
        if let Some(accepted) = &self.accepted {
            check_update(accepted, &token, now)?;
        }
        self.accepted = Some(AcceptedToken {
            authorization: authorization.clone(),
            key_id: token.key_id,
            issued_at: token.issued_at,
            accepted_at: now,
        });
        Ok(())
    }
}

/// Parses a token and verifies its signature.
fn verify(keys: &[TeamKey], authorization: &HeaderValue) -> Result<ReceivedToken, &'static str> {
    const INVALID: &str = "InvalidProviderToken";
    let Ok(text) = authorization.to_str() else { return Err(INVALID) };
    let Ok(token) = ReceivedToken::parse(text) else { return Err(INVALID) };
    for known in keys {
        if known.key_id == token.key_id && known.team_id == token.team_id && token.is_signed_by(&known.key) {
            return Ok(token);
        }
    }
    Err(INVALID)
}

/// Checks that a token was issued within the last hour. Apple's reason for all other times is `ExpiredProviderToken`;
/// whether it is so for a time in the future [?].
fn check_time(issued_at: i64, now: i64) -> Result<(), &'static str> {
    let age = now.saturating_sub(issued_at);
    if (-CLOCK_TOLERANCE..=LIFETIME).contains(&age) { Ok(()) } else { Err("ExpiredProviderToken") }
}

/// Checks a token that takes the place of another. A key other than the connection's first needs a connection of its
/// own. Only requests with a token that came too early are refused; APNs may refuse all of them for an hour [?].
fn check_update(accepted: &AcceptedToken, token: &ReceivedToken, now: i64) -> Result<(), &'static str> {
    if accepted.key_id != token.key_id {
        return Err("UnrelatedKeyIdInToken");
    }
    if now - accepted.accepted_at < UPDATE_INTERVAL {
        return Err("TooManyProviderTokenUpdates");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apns::provider_token::TokenSigner;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;

    const NOW: i64 = 1_800_000_000;
    const TEAM_ID: &str = "TEAMID1234";

    struct Signer {
        key: PrivateKey,
        key_id: &'static str,
    }

    impl Signer {
        fn new(key_id: &'static str) -> Self {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
            Self { key: PrivateKey::from_pkcs8(&key.private_key_to_pkcs8().unwrap()).unwrap(), key_id }
        }

        fn team_key(&self) -> TeamKey {
            TeamKey::from_private(self.key_id, TEAM_ID, &self.key).unwrap().unwrap()
        }

        fn token(&self, team_id: &str, issued_at: i64) -> HeaderValue {
            TokenSigner::new(&self.key, self.key_id, team_id).unwrap().sign(issued_at).unwrap().header_value().unwrap()
        }
    }

    #[test]
    fn the_first_token_decides() {
        let (known, stranger) = (Signer::new("ABC123DEFG"), Signer::new("ABC123DEFG"));
        let keys = [known.team_key()];
        for (authorization, expected) in [
            (None, Err("MissingProviderToken")),
            (Some(HeaderValue::from_static("bearer x")), Err("InvalidProviderToken")),
            (Some(stranger.token(TEAM_ID, NOW)), Err("InvalidProviderToken")),
            (Some(known.token("TEAMID9999", NOW)), Err("InvalidProviderToken")),
            (Some(known.token(TEAM_ID, NOW - 3601)), Err("ExpiredProviderToken")),
            (Some(known.token(TEAM_ID, NOW + 61)), Err("ExpiredProviderToken")),
            (Some(known.token(TEAM_ID, NOW - 3600)), Ok(())),
            (Some(known.token(TEAM_ID, NOW + 60)), Ok(())),
        ] {
            let mut session = TokenSession::default();
            assert_eq!(session.authenticate(&keys, authorization.as_ref(), NOW), expected);
            assert_eq!(session.is_authenticated(), expected.is_ok());
        }
    }

    #[test]
    fn a_token_ages_and_may_be_renewed_after_twenty_minutes() {
        let (first, second) = (Signer::new("ABC123DEFG"), Signer::new("HIJ456KLMN"));
        let keys = [first.team_key(), second.team_key()];
        let mut session = TokenSession::default();
        let mut ask = |token: &HeaderValue, now: i64| session.authenticate(&keys, Some(token), now);
        let used = first.token(TEAM_ID, NOW);
        let early = first.token(TEAM_ID, NOW + 600);
        assert_eq!(ask(&used, NOW), Ok(()));
        assert_eq!(ask(&early, NOW + 600), Err("TooManyProviderTokenUpdates"));
        assert_eq!(ask(&used, NOW + 600), Ok(()));
        assert_eq!(ask(&second.token(TEAM_ID, NOW + 1200), NOW + 1200), Err("UnrelatedKeyIdInToken"));
        assert_eq!(ask(&early, NOW + 1200), Ok(()));
        assert_eq!(ask(&early, NOW + 4201), Err("ExpiredProviderToken"));
    }
}
