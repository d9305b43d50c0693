//! The provider's URL as it may stand in an app.

use http::uri::{Authority, Scheme, Uri};

use crate::net::endpoint::Endpoint;

/// The reason why a URL has no place in an app. Its message does not repeat the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ServerUrlError {
    #[error("a URL such as https://example.com/tokens is expected")]
    NoUrl,
    #[error("it begins with neither https:// nor http://")]
    Scheme,
    #[error("it has a user name or a password in it, which anyone could read in the app")]
    Credentials,
    #[error("it has characters that are not ASCII")]
    NotAscii,
    #[error("it has a character that does not belong into a URL: {0:?}")]
    Character(char),
}

/// Checks a URL.
///
/// # Errors
/// When an app cannot use it as it is, or shall not have it.
pub(crate) fn check(text: &str) -> Result<(), ServerUrlError> {
    let before_path = text.split_once("://").map_or(text, |(_, rest)| rest);
    let before_path = before_path.split(['/', '?', '#']).next().unwrap_or_default();
    if before_path.contains('@') {
        return Err(ServerUrlError::Credentials);
    }
    if !text.is_ascii() {
        return Err(ServerUrlError::NotAscii);
    }
    if let Some(other) = text.chars().find(|character| !belongs(*character)) {
        return Err(ServerUrlError::Character(other));
    }
    let Ok(url) = text.parse::<Uri>() else { return Err(ServerUrlError::NoUrl) };
    let (Some(scheme), Some(authority)) = (url.scheme(), url.authority()) else { return Err(ServerUrlError::NoUrl) };
    if *scheme != Scheme::HTTPS && *scheme != Scheme::HTTP {
        return Err(ServerUrlError::Scheme);
    }
    if has_host(authority) { Ok(()) } else { Err(ServerUrlError::NoUrl) }
}

/// Returns whether a character of ASCII may stand in a URL (RFC 3986 appendix A).
fn belongs(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(character)
}

/// Returns whether the host is a name or an address, and the port one that there is.
fn has_host(authority: &Authority) -> bool {
    let Some(endpoint) = Endpoint::from_authority(authority, 443) else { return false };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    endpoint.address().is_some() || endpoint.host.bytes().all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_app_can_use() {
        for url in [
            "https://example.com/tokens",
            "http://192.168.0.7:8000/tokens?app=1&b=%20",
            "https://[::1]:8443/",
            "https://xn--bcher-kva.example/",
            "HTTPS://example.com",
            "https://example.com/~a/b@c(d)",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        use ServerUrlError::{Character, Credentials, NoUrl, NotAscii, Scheme};
        for (url, problem) in [
            ("", NoUrl),
            ("/tokens", NoUrl),
            ("example.com/tokens", NoUrl),
            ("https://", NoUrl),
            ("https://:443/", NoUrl),
            ("https://example.com:0/", NoUrl),
            ("https://example.com:99999/", NoUrl),
            ("https://exa%6dple.com/", NoUrl),
            ("ftp://example.com/", Scheme),
            ("file://example.com/etc/passwd", Scheme),
            ("javascript://example.com/%0aalert(1)", Scheme),
            ("https://user:geheim@example.com/", Credentials),
            ("https://user@example.com", Credentials),
            ("user:geheim@example.com/tokens", Credentials),
            ("https://us er:ge\"heim@example.com/", Credentials),
            ("https://b\u{fc}cher.example/", NotAscii),
            ("https://example.com/b\u{fc}cher", NotAscii),
            ("https://example.com/\"+x+\"", Character('"')),
            ("https://example.com/\\(x)", Character('\\')),
            ("https://example.com/a b", Character(' ')),
            ("https://example.com/a\nb", Character('\n')),
            ("https://example.com/{a}", Character('{')),
            ("https://example.com/ ", Character(' ')),
        ] {
            assert_eq!(check(url), Err(problem), "{url}");
            assert!(!problem.to_string().contains("geheim"));
        }
    }
}
