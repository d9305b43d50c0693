//! The messages that people search for, and what to do then.
//!
//! Sources: the programs themselves, and reports in the trackers of their users.

/// A message of another program.
pub(crate) struct Message {
    /// The program that says it.
    pub(crate) from: &'static str,
    /// The message in its forms, the best known first. " … " stands for what differs each time.
    pub(crate) texts: &'static [&'static str],
    /// What it means, as a part of a sentence.
    pub(crate) meaning: &'static str,
    /// The commands that go on from there.
    pub(crate) commands: &'static [&'static str],
}

const fn message(
    from: &'static str,
    texts: &'static [&'static str],
    meaning: &'static str,
    commands: &'static [&'static str],
) -> Message {
    Message { from, texts, meaning, commands }
}

const CONVERT: &[&str] = &["pushcert convert cert.p12 -o push.pem"];
const JOIN: &[&str] = &["pushcert convert aps.cer --key push.key -o push.pem"];
const FIND_KEY: &[&str] = &["pushcert inspect push.pem", "pushcert convert aps.cer --key ~/keys -o push.pem"];
const INSPECT: &[&str] = &["pushcert inspect FILE"];
const CHECK: &[&str] = &["pushcert check push.pem"];
const PACK: &[&str] = &["pushcert pack push.pem -o push.p12"];
const RENEW: &[&str] = &["pushcert expiry push.pem", "pushcert csr"];

const RC2: &str = "the .p12 is encrypted with RC2-40, as Keychain Access writes it, and today's OpenSSL does not read that; the password \
     may well be right";
const WRONG_PASSWORD: &str =
    "the password is wrong; to have none and to have an empty one are two things, which pushcert both tries";
const NOT_PEM: &str = "the file is no PEM: it is DER (a .cer as Apple's portal gives it) or a .p12";
const NOT_P12: &str = "the file is no .p12: it is PEM, or a certificate alone";
const NO_KEY: &str = "the private key is not in the file: it is on the machine that made the request";
const OTHER_KEY: &str = "the key belongs to another certificate";
const UNTRUSTED_SERVER: &str = "the program does not trust the server, whatever the push certificate is: its list of authorities is too old for \
     APNs (since 2025 USERTrust RSA), or a proxy or a gateway of one's own answers";
const KEY_PROBLEM: &str = "the key is missing, belongs to another certificate, or is encrypted with another passphrase";

/// The messages, by program.
pub(crate) static MESSAGES: [Message; 64] = [
    message(
        "OpenSSL 3",
        &[
            "digital envelope routines:inner_evp_generic_fetch:unsupported",
            "digital envelope routines::unsupported",
            "digital envelope routines:EVP_PBE_CipherInit:unknown cipher",
            "RC2-40-CBC",
        ],
        RC2,
        CONVERT,
    ),
    message("OpenSSL", &["Mac verify error: invalid password?"], WRONG_PASSWORD, CONVERT),
    message("OpenSSL", &["asn1_check_tlen:wrong tag … Type=PKCS12"], NOT_P12, INSPECT),
    message("OpenSSL", &["Could not read certificate from", "Could not find certificate from"], NOT_PEM, JOIN),
    message("OpenSSL", &["unable to load certificate", "Expecting: TRUSTED CERTIFICATE"], NOT_PEM, JOIN),
    message(
        "OpenSSL",
        &["Could not read private key from", "unable to load private key", "Expecting: ANY PRIVATE KEY"],
        "the file has no private key that OpenSSL reads: it is encrypted, in another format, or a certificate alone",
        INSPECT,
    ),
    message(
        "OpenSSL",
        &["No cert in -in file … matches private key", "No certificate matches private key"],
        OTHER_KEY,
        FIND_KEY,
    ),
    message("OpenSSL", &["X509_check_private_key:key values mismatch", "key values mismatch"], OTHER_KEY, FIND_KEY),
    message("curl", &["could not load PEM client certificate … no start line"], NOT_PEM, CONVERT),
    message("curl", &["unable to set private key file"], KEY_PROBLEM, FIND_KEY),
    message("curl", &["could not parse PKCS12 file, check password"], RC2, CONVERT),
    message(
        "curl",
        &["unsupported protocol … HTTP/2", "HTTP/0.9 when not allowed"],
        "this curl has no HTTP/2, which is all that APNs speaks",
        CHECK,
    ),
    message("Node.js", &["Unsupported PKCS12 PFX data", "Error: unsupported"], RC2, CONVERT),
    message(
        "OpenSSL",
        &["bad decrypt", "maybe wrong password"],
        "the password of the key or the .p12 is wrong; it is the one that was chosen at the export",
        &["pushcert convert cert.p12 -o push.pem"],
    ),
    message("Node.js", &["mac verify failure"], WRONG_PASSWORD, CONVERT),
    message("Node.js", &["Unable to load private key from PFX data"], NO_KEY, JOIN),
    message(
        "Node.js",
        &["PEM routines::no start line", "PEM_read_bio:no start line", "get_name:no start line", "no start line"],
        NOT_PEM,
        CONVERT,
    ),
    message(
        "Node.js",
        &["DECODER routines::unsupported", "DECODER routines:OSSL_DECODER_from_bio:unsupported", "error:1E08010C"],
        "what was given as the key is none that OpenSSL reads: a certificate, an encrypted key, or a damaged one",
        &["pushcert inspect FILE", "pushcert convert cert.p12 -o push.pem"],
    ),
    message("Python", &["[SSL] PEM lib"], "the PEM has no private key, or another's; or it is a .p12 or DER", INSPECT),
    message("Python", &["Invalid password or PKCS12 data"], WRONG_PASSWORD, CONVERT),
    message("Ruby", &["PKCS12_parse: unsupported"], RC2, CONVERT),
    message("Ruby", &["PKCS12_parse: mac verify failure"], WRONG_PASSWORD, CONVERT),
    message(
        "PHP",
        &["stream_socket_client(): Failed to enable crypto"],
        "the TLS handshake failed; the line before it says why: the certificate, the key, or the server's authority",
        CHECK,
    ),
    message("PHP", &["stream_socket_client(): Unable to set private key file"], KEY_PROBLEM, FIND_KEY),
    message("PHP", &["stream_socket_client(): Unable to set local cert chain file"], NOT_PEM, CONVERT),
    message("Java", &["keystore password was incorrect"], WRONG_PASSWORD, CONVERT),
    message("Java", &["toDerInputStream rejects tag type 45"], NOT_P12, PACK),
    message(
        "Java",
        &["Failed PKCS12 integrity checking"],
        "the .p12 is damaged, or has no password where an empty one was given",
        CONVERT,
    ),
    message("pushy (Java)", &["Key store did not contain any private key entries"], NO_KEY, JOIN),
    message(
        "Go",
        &["pkcs12: unknown digest algorithm: 2.16.840.1.101.3.4.2.1"],
        "the .p12 has a MAC with SHA-256, which golang.org/x/crypto/pkcs12 does not know",
        &["pushcert pack cert.p12 --for keychain -o push.p12"],
    ),
    message(
        "Go",
        &["pkcs12: expected exactly two safe bags in the PFX PDU"],
        "the .p12 has more than one certificate and its key, or has them twice",
        CONVERT,
    ),
    message("Go", &["indefinite length found (not DER)"], "the .p12 is BER, as macOS writes it", CONVERT),
    message(
        "Go",
        &["failed to parse PKCS1 private key", "use ParsePKCS8PrivateKey instead"],
        "the key is PKCS#8 where the program wants PKCS#1",
        &["pushcert convert push.pem --key-format traditional -o push-pkcs1.pem"],
    ),
    message(
        "Go",
        &["tls: failed to find any PEM data in certificate input", "failed to find any PEM data in key input"],
        NOT_PEM,
        CONVERT,
    ),
    message("Go", &["tls: private key does not match public key"], OTHER_KEY, FIND_KEY),
    message(
        "Go",
        &[
            "remote error: tls: expired certificate",
            "alert certificate expired",
            "fatal alert: certificate expired",
            "fatal alert: CertificateExpired",
            "alert number 45",
        ],
        "the push certificate has expired",
        RENEW,
    ),
    message(
        "Go",
        &[
            "remote error: tls: internal error",
            "alert internal error",
            "fatal alert: internal error",
            "alert number 80",
        ],
        "the gateway ended the handshake without saying why: an expired, revoked or foreign certificate are possible",
        CHECK,
    ),
    message(
        "OpenSSL",
        &[
            "sslv3 alert certificate revoked",
            "alert certificate revoked",
            "tls: revoked certificate",
            "fatal alert: certificate revoked",
            "fatal alert: CertificateRevoked",
            "alert number 44",
        ],
        "the push certificate was revoked",
        &["pushcert check push.pem --revocation", "pushcert csr"],
    ),
    message(
        "OpenSSL",
        &[
            "sslv3 alert certificate unknown",
            "alert certificate unknown",
            "alert bad certificate",
            "alert handshake failure",
            "tls: bad certificate",
            "tls: unknown certificate",
            "tls: handshake failure",
            "certificate unknown",
            "fatal alert: bad certificate",
            "fatal alert: handshake failure",
            "fatal alert: CertificateUnknown",
            "fatal alert: BadCertificate",
            "fatal alert: HandshakeFailure",
            "alert number 46",
            "alert number 42",
            "alert number 40",
        ],
        "the gateway does not accept the certificate: the other environment, no push certificate, or none was sent",
        &["pushcert inspect push.pem", "pushcert check push.pem --environment both"],
    ),
    message(
        "OpenSSL",
        &[
            "tlsv1 alert unknown ca",
            "alert unknown ca",
            "tls: unknown certificate authority",
            "fatal alert: unknown ca",
            "fatal alert: UnknownCA",
            "alert number 48",
        ],
        "the server does not know the issuer of the certificate: APNs accepts what Apple issued, and a gateway of one's own what its \
         --client-ca names",
        &["pushcert inspect push.pem", "pushcert check push.pem"],
    ),
    message(
        "OpenSSL",
        &[
            "tlsv13 alert certificate required",
            "alert certificate required",
            "tls: certificate required",
            "fatal alert: certificate required",
            "fatal alert: CertificateRequired",
            "alert number 116",
        ],
        "the program sent no certificate: the file was not given to it, or has no key",
        &["pushcert inspect push.pem", "pushcert check push.pem"],
    ),
    message(
        "OpenSSL",
        &[
            "tlsv1 alert no application protocol",
            "alert no application protocol",
            "tls: no application protocol",
            "fatal alert: no application protocol",
            "fatal alert: NoApplicationProtocol",
            "alert number 120",
        ],
        "the program did not offer HTTP/2 (h2 in ALPN), which is all that APNs speaks",
        CHECK,
    ),
    message(
        "curl",
        &[
            "SSL certificate problem: unable to get local issuer certificate",
            "unable to get local issuer certificate",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "SSL certificate problem: self-signed certificate in certificate chain",
            "SSL certificate problem: self signed certificate",
        ],
        UNTRUSTED_SERVER,
        CHECK,
    ),
    message(
        "Node.js",
        &[
            "unable to verify the first certificate",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "SELF_SIGNED_CERT_IN_CHAIN",
            "self-signed certificate in certificate chain",
            "self signed certificate in certificate chain",
        ],
        UNTRUSTED_SERVER,
        CHECK,
    ),
    message(
        "Python",
        &["CERTIFICATE_VERIFY_FAILED", "SSL operation failed with code 1 … certificate verify failed"],
        UNTRUSTED_SERVER,
        CHECK,
    ),
    message("Java", &["PKIX path building failed"], UNTRUSTED_SERVER, CHECK),
    message("Go", &["x509: certificate signed by unknown authority"], UNTRUSTED_SERVER, CHECK),
    message(
        "Node.js",
        &[
            "ERR_HTTP2_GOAWAY_SESSION",
            "New streams cannot be created after receiving a GOAWAY",
            "Http2GoAwayException",
            "http2: server sent GOAWAY",
        ],
        "the gateway has ended this connection: with a reason in the GOAWAY where it refuses the certificate, else as servers do now \
         and then; connect again, and send again what had no answer",
        CHECK,
    ),
    message(
        "Node.js",
        &["ERR_HTTP2_STREAM_ERROR", "Stream closed with error code", "NGHTTP2_REFUSED_STREAM"],
        "the gateway has ended this request without an answer: too many at a time, or the connection ends; send it again on another",
        CHECK,
    ),
    message(
        "PHP",
        &[
            "unable to connect to ssl://gateway.push.apple.com:2195",
            "gateway.push.apple.com",
            "gateway.sandbox.push.apple.com",
            "feedback.push.apple.com",
            "feedback.sandbox.push.apple.com",
        ],
        "this is the old binary protocol, which Apple switched off on 2021-03-31; APNs speaks HTTP/2 at api.push.apple.com",
        &["pushcert example php --topic com.example.MyApp --cert push.pem", "pushcert check push.pem"],
    ),
    message(
        "iOS",
        &["no valid “aps-environment” entitlement string found for application", "aps-environment"],
        "the app was signed without the entitlement for push: add the capability Push Notifications in Xcode, and make its \
         provisioning profile anew; no certificate mends it",
        &["pushcert example swift"],
    ),
    message(
        ".NET",
        &["The credentials supplied to the package were not recognized"],
        "the private key is absent, or the process may not use it",
        INSPECT,
    ),
    message(
        ".NET",
        &["The specified network password is not correct"],
        "the password is wrong, or Windows may not store the key; the format may be too new for it",
        PACK,
    ),
    message(
        "macOS",
        &[
            "SecKeychainItemImport: MAC verification failed during PKCS12 import (wrong password?)",
            "SecKeychainItemImport: The user name or passphrase you entered is not correct",
        ],
        "the .p12 has AES-256 or a MAC with SHA-256, which Keychain Access does not read; or the password is wrong",
        &["pushcert pack push.pem --for keychain -o push.p12"],
    ),
    message(
        "macOS",
        &[
            "SecKeychainItemImport: Unknown format in import",
            "SecKeychainItemImport: One or more parameters passed to a function were not valid",
        ],
        "the file is in another format, or empty",
        INSPECT,
    ),
    message(
        "Amazon SNS",
        &["Attributes Reason: Platform credentials are invalid"],
        "certificate and key belong into two fields, the key as PKCS#8",
        &["pushcert convert cert.p12 --cert-out push.crt --key-out push.key"],
    ),
    message(
        "Firebase",
        &["The certificate's bundleId did not match that of your app"],
        "the certificate is for another bundle ID",
        INSPECT,
    ),
    message("OneSignal", &["p12 file contains multiple certificates"], "the .p12 has more than one identity", PACK),
    message(
        "APNs",
        &["BadDeviceToken"],
        "the device token is not one of this environment: a token of a development build belongs to the sandbox",
        &["pushcert check push.pem --token TOKEN --environment both"],
    ),
    message(
        "APNs",
        &["DeviceTokenNotForTopic"],
        "the device token belongs to another app or topic; that of a VoIP token ends in .voip",
        &["pushcert inspect push.pem", "pushcert check push.pem --token TOKEN"],
    ),
    message(
        "APNs",
        &["TopicDisallowed"],
        "the certificate or the team may not send to this topic",
        &["pushcert inspect push.pem"],
    ),
    message(
        "APNs",
        &["MissingTopic"],
        "the header apns-topic is missing: a certificate with several topics and a provider token need it",
        &["pushcert inspect push.pem"],
    ),
    message(
        "APNs",
        &["BadCertificateEnvironment"],
        "the certificate is for the other environment",
        &["pushcert inspect push.pem", "pushcert check push.pem --environment both"],
    ),
    message(
        "APNs",
        &["InvalidProviderToken"],
        "the key, its ID, the team's ID or the clock is wrong: the token was signed for others, or too long ago",
        &["pushcert check --p8 AuthKey.p8 --key-id ABC123DEFG --team-id TEAMID1234 --topic com.example.MyApp"],
    ),
];
