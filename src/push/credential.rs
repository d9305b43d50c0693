//! What the provider shows to APNs with each request: nothing beside its certificate, or a provider token, which is
//! renewed in time and is one and the same for all connections.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use crate::apns::provider_token::{ProviderToken, SignError, TokenSigner};

/// The age at which a token is renewed: Apple wants 20 to 60 minutes.
const RENEWAL_AGE: Duration = Duration::from_secs(40 * 60);

/// The age below which a token that follows an expired one is not renewed again (Apple: TooManyProviderTokenUpdates).
const SHORTEST_AGE: Duration = Duration::from_secs(20 * 60);

/// The provider tokens of a run.
pub(crate) struct ProviderTokens {
    signer: TokenSigner,
    pub(crate) key_id: String,
    current: Mutex<CurrentToken>,
}

struct CurrentToken {
    header: HeaderValue,
    number: u32,
    signed_at: Instant,
    /// This machine's time when it was signed.
    clock: OffsetDateTime,
    /// True if it was signed because APNs called the one before expired.
    is_second_try: bool,
}

/// The token of a request, by its number in the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenNumber(u32);

/// What follows when APNs calls a token expired.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AfterExpiry {
    /// There is a newer token.
    SendAgain,
    /// A new one was called expired too: the clock is wrong. This is its time.
    Stop { clock: String },
}

impl ProviderTokens {
    /// Signs the first token; returns it too, for what must not repeat it.
    ///
    /// # Errors
    /// When OpenSSL fails.
    pub(crate) fn new(signer: TokenSigner, key_id: String) -> Result<(Self, ProviderToken), SignError> {
        let clock = OffsetDateTime::now_utc();
        let token = signer.sign(clock.unix_timestamp())?;
        let header = header_of(&token);
        let current = CurrentToken { header, number: 0, signed_at: Instant::now(), clock, is_second_try: false };
        Ok((Self { signer, key_id, current: Mutex::new(current) }, token))
    }

    fn lock(&self) -> MutexGuard<'_, CurrentToken> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the header of a request; renews the token first if it is old.
    pub(super) fn authorization(&self) -> (HeaderValue, TokenNumber) {
        let mut current = self.lock();
        if current.signed_at.elapsed() >= RENEWAL_AGE {
            // Where OpenSSL fails the old one may still do.
            let _ = self.renew(&mut current, false);
        }
        (current.header.clone(), TokenNumber(current.number))
    }

    fn renew(&self, current: &mut CurrentToken, is_second_try: bool) -> Result<(), SignError> {
        let clock = OffsetDateTime::now_utc();
        let token = self.signer.sign(clock.unix_timestamp())?;
        *current = CurrentToken {
            header: header_of(&token),
            number: current.number + 1,
            signed_at: Instant::now(),
            clock,
            is_second_try,
        };
        Ok(())
    }

    /// Answers ExpiredProviderToken with one new token.
    pub(super) fn after_expiry(&self, used: TokenNumber) -> AfterExpiry {
        let mut current = self.lock();
        if used != TokenNumber(current.number) {
            return AfterExpiry::SendAgain;
        }
        let is_too_soon = current.is_second_try && current.signed_at.elapsed() < SHORTEST_AGE;
        if is_too_soon || self.renew(&mut current, true).is_err() {
            let clock = current.clock.replace_nanosecond(0).unwrap_or(current.clock);
            return AfterExpiry::Stop { clock: clock.format(&Rfc3339).unwrap_or_default() };
        }
        AfterExpiry::SendAgain
    }
}

/// Returns the header of a token, which consists of characters that fit into one.
fn header_of(token: &ProviderToken) -> HeaderValue {
    token.header_value().unwrap_or_else(|| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::pkey::PKey;

    use super::*;
    use crate::key::PrivateKey;

    fn tokens() -> ProviderTokens {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        let key = PrivateKey::from_pkcs8(&key.private_key_to_pkcs8().unwrap()).unwrap();
        let signer = TokenSigner::new(&key, "ABC123DEFG", "TEAMID1234").unwrap();
        ProviderTokens::new(signer, "ABC123DEFG".to_owned()).unwrap().0
    }

    #[test]
    fn an_expired_token_is_renewed_once() {
        let tokens = tokens();
        let (_, first) = tokens.authorization();
        assert_eq!(tokens.after_expiry(first), AfterExpiry::SendAgain);
        assert_eq!(tokens.after_expiry(first), AfterExpiry::SendAgain, "others in flight had the same token");
        let (_, second) = tokens.authorization();
        assert_ne!(first, second);
        assert!(matches!(tokens.after_expiry(second), AfterExpiry::Stop { .. }));
    }

    #[test]
    fn after_20_minutes_there_is_a_new_one_again() {
        let tokens = tokens();
        tokens.after_expiry(tokens.authorization().1);
        let Some(earlier) = Instant::now().checked_sub(SHORTEST_AGE) else { return };
        tokens.lock().signed_at = earlier;
        assert_eq!(tokens.after_expiry(tokens.authorization().1), AfterExpiry::SendAgain);
    }

    #[test]
    fn all_requests_share_a_token_until_it_is_old() {
        let tokens = tokens();
        let (header, first) = tokens.authorization();
        let again = tokens.authorization();
        assert_eq!((again.0, again.1), (header, first));
        let old = Instant::now().checked_sub(RENEWAL_AGE);
        let Some(old) = old else { return };
        tokens.lock().signed_at = old;
        assert_ne!(tokens.authorization().1, first);
        assert!(RENEWAL_AGE > Duration::from_secs(20 * 60) && RENEWAL_AGE < Duration::from_secs(3600));
    }
}
