//! The messages that people search for, and what to do then.
//!
//! Sources: the programs themselves, and reports in the trackers of their users.

use crate::explain::subject::Subject;

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
    pub(super) subject: Subject,
}

impl Message {
    const fn about(self, subject: Subject) -> Self {
        Self { subject, ..self }
    }

    /// Returns whether the message is explained wherever it stands.
    #[cfg(test)]
    pub(super) const fn is_of_any_text(&self) -> bool {
        !matches!(self.subject, Subject::Connection | Subject::ConnectionFirst | Subject::NamedFirst | Subject::KeyFile)
    }
}

const fn message(
    from: &'static str,
    texts: &'static [&'static str],
    meaning: &'static str,
    commands: &'static [&'static str],
) -> Message {
    Message { from, texts, meaning, commands, subject: Subject::Push }
}

/// Says how a file is given to the program that reads it, wherever it may be closed to it.
macro_rules! owner {
    () => {
        "ls -l shows whose it is: pushcert writes keys for their owner alone, mode 0600; give it to the program's user \
         (chown), or to its group with mode 640 (chgrp)"
    };
}

/// Stands for the programs where more than one says it, in the same words or in their own.
const SEVERAL: &str = "several programs";

const CONVERT: &[&str] = &["pushcert convert cert.p12 -o push.pem"];
const CONVERT_LOCKED: &[&str] = &["pushcert convert encrypted.pem -o push.pem"];
const JOIN: &[&str] = &["pushcert convert aps.cer --key push.key -o push.pem"];
const FIND_KEY: &[&str] = &["pushcert inspect push.pem", "pushcert convert aps.cer --key ~/keys -o push.pem"];
const INSPECT_OR_CONVERT: &[&str] = &["pushcert inspect push.pem", "pushcert convert cert.p12 -o push.pem"];
const INSPECT: &[&str] = &["pushcert inspect FILE"];
const CHECK: &[&str] = &["pushcert check push.pem"];
const OLD_PROTOCOL: &[&str] =
    &["pushcert example php --topic com.example.MyApp --cert push.pem", "pushcert check push.pem"];
const PACK: &[&str] = &["pushcert pack push.pem -o push.p12"];
const PACK_ONE: &[&str] = &["pushcert pack cert.p12 --select com.example.MyApp -o push.p12"];
const TRY_P8: &[&str] =
    &["pushcert check --p8 AuthKey.p8 --key-id ABC123DEFG --team-id TEAMID1234 --topic com.example.MyApp"];
const RENEW: &[&str] = &["pushcert expiry push.pem", "pushcert csr"];

const RC2: &str = "the .p12 is encrypted with RC2-40, as Keychain Access writes it, and today's OpenSSL does not read that; the password \
     may well be right";
pub(super) const RC2_IF_P12: &str = "if a .p12 is read there, it is encrypted with RC2-40, as Keychain Access writes it, and today's OpenSSL does not read \
     that; else the program asks OpenSSL 3 for another algorithm that it does not have, as webpack does with Node.js 17 (MD4), and no \
     certificate has a part in it";
const WRONG_PASSWORD: &str =
    "the password is wrong; to have none and to have an empty one are two things, which pushcert both tries";
const NOT_PEM: &str = "what was asked for is not in the file as PEM: it is DER (a .cer as Apple's portal gives it) or a .p12, has the key \
     alone or the certificate alone, or is empty";
const NOT_IN_FORM: &str = "what was asked for is not in the file as PEM: it is DER (a .cer as Apple's portal gives it) or a .p12, has the key \
     alone or the certificate alone, or is empty; after -inform DER the file is no DER, and is PEM more often than not";
const NOT_P12_OR_CUT: &str = "the file is no .p12, such as PEM or a certificate alone, or is one that was cut off or changed on its way; the password may well be right";
const NO_ADDRESS: &str = "this machine finds no address for APNs: its DNS does not answer, or does not know names outside; the certificate has no part in it";
const NOT_P12: &str = "the file is no .p12: it is PEM, or a certificate alone";
const INSPECT_OR_PACK: &[&str] = &["pushcert inspect FILE", "pushcert pack push.pem -o push.p12"];
const NO_KEY: &str = "the private key is not in the file: it is on the machine that made the request";
const OTHER_KEY: &str = "the key belongs to another certificate";
const UNTRUSTED_SERVER: &str = "the program does not trust the server, whatever the push certificate is: its list of authorities is too old for \
     APNs (since 2025 USERTrust RSA), or a proxy or a gateway of one's own answers";
const NOT_THE_FORMAT: &str = "the file is in another format than the program reads (PEM or a certificate where a .p12 belongs), is cut off, or was read as \
     text";
const NO_PASSPHRASE: &str = "the key is encrypted, and the program was not given its passphrase";
const NO_FILE: &str =
    "there is no file of that name where the program runs: a relative name is looked for in its working directory";
const NOT_ALLOWED: &str =
    concat!("the program's user may not read the file, or not enter a folder above it; ", owner!());
const NO_FILE_OR_NOT_ALLOWED: &str = concat!(
    "there is no file of that name where the program runs (a relative name is looked for in its working directory), or its \
     user may not read it; ",
    owner!()
);
const NOT_READ_BY_PHP: &str = concat!(
    "PHP says the same of three things: its user may not read the file, there is no file of that name where it runs, or it is \
     no PEM (but DER, a .cer as Apple's portal gives it, or a .p12); ",
    owner!()
);
const NOT_REACHED: &str = "APNs is not reached: a firewall lets neither port 443 nor 2197 through, or this machine has no IPv6 and tries it first; the \
     certificate has no part in it";
const WEAK: &str = "this OpenSSL refuses the signature of the certificate (SHA-1) or its short key, at its security level (SECLEVEL): make a new \
     certificate, which Apple signs with SHA-256";
const REQUEST_ANEW: &[&str] = &["pushcert inspect push.pem", "pushcert csr"];
const TOO_NEW: &str =
    "the .p12 has AES-256 or a MAC with SHA-256, which this program is too old for; the password may well be right";
const NO_HTTP_2: &str = "the program does not speak HTTP/2, which is all that APNs speaks";
const FOR_OLD: &[&str] = &["pushcert pack cert.p12 --for keychain -o push.p12"];
const KEY_PROBLEM: &str = "the key is missing, belongs to another certificate, is encrypted with another passphrase, or is in a file that the \
     program's user may not read (ls -l shows whose it is)";
const DAMAGED_P12: &str =
    "the .p12 is empty, is cut off, or was changed on its way, as by a build that filters its resources";
const NO_P8: &str = "what was given as the token signing key is no .p8 as Apple gives it: a certificate, a part of it, or without its line ends";
const INSPECT_P8: &[&str] = &["pushcert inspect AuthKey.p8"];
const NO_AUTHORITIES: &str = "the list of authorities that are trusted is not there, so the server cannot be checked; the push certificate has no part in it";
const EXPIRED_SOMEWHERE: &str = "a certificate has expired, or this machine's clock is wrong: that of the server that the program has reached (a \
     proxy or a gateway of one's own), or at a gateway of one's own the push certificate";
const EXPIRED_SERVER: &str = "the certificate of the server that the program has reached, or of an authority above it, has expired, or this \
     machine's clock is wrong, or its list of authorities is too old; the push certificate has no part in it";
const EXPIRED_OR_EARLY_SERVER: &str = "the certificate of the server that the program has reached, or of an authority above it, has expired or is not valid \
     yet, or this machine's clock is wrong, or its list of authorities is too old; the push certificate has no part in it";
const OTHER_NAME: &str = "the certificate of the server that the program has reached is for another name: the program has an IP address or an alias \
     of the server, or a proxy or a portal answers in its place; the push certificate has no part in it";
const WEAK_SERVER: &str = "the program refuses the certificate of the server that it has reached, or of an authority above it: its key is too short, or the \
     digest of its signature too weak, for the security level of OpenSSL there; APNs has no such certificate, so a proxy or a server of \
     one's own answers";
const CHECK_EXPIRY: &[&str] = &["pushcert expiry push.pem", "pushcert check push.pem"];

/// The messages, by program.
pub(crate) static MESSAGES: &[Message] = &[
    message(
        "OpenSSL 3",
        &[
            "digital envelope routines:inner_evp_generic_fetch:unsupported",
            "digital envelope routines::unsupported",
            "digital envelope routines:EVP_PBE_CipherInit:unknown cipher",
            "RC2-40-CBC",
            "ERR_OSSL_EVP_UNSUPPORTED",
        ],
        RC2,
        CONVERT,
    )
    .about(Subject::OldCipher),
    message(
        "OpenSSL 3",
        &[
            "unable to load provider legacy",
            "could not load the shared library … legacy",
            "unknown option -legacy",
            "Unrecognized flag legacy",
            "Unknown option or cipher: legacy",
        ],
        "this openssl has no legacy provider, or no option for it; pushcert reads such a .p12 without one",
        CONVERT,
    ),
    message(
        "OpenSSL",
        &[
            "error 20 at 0 depth lookup",
            "error 20 at 0 depth lookup: unable to get local issuer certificate",
            "error 20 at 1 depth lookup: unable to get local issuer certificate",
        ],
        "openssl verify was not given the certificate that issued this one: -CAfile is for the root, -untrusted for those between; \
         of a push certificate both are Apple's, and pushcert has them",
        &["pushcert inspect push.pem"],
    ),
    message(
        "OpenSSL",
        &["error 10 at 0 depth lookup", "error 10 at 0 depth lookup: certificate has expired"],
        "the certificate that openssl verify was given has expired",
        &["pushcert inspect FILE"],
    ),
    message(
        "OpenSSL",
        &[
            "PEM_do_header:bad password read",
            "PEM_do_header:bad password",
            "PEM routines::bad password read",
            "private key PEM appears to be encrypted",
        ],
        "the key in the PEM is encrypted, and the program was given no password",
        CONVERT_LOCKED,
    ),
    message(
        "OpenSSL 3",
        &["no PKCS12KDF support", "Algorithm (PKCS12KDF"],
        "this OpenSSL has not what makes the key of the .p12's MAC, as in FIPS mode; the file and the password may well be right",
        CONVERT,
    ),
    message("OpenSSL", &["Mac verify error: invalid password?"], WRONG_PASSWORD, CONVERT),
    message(
        "OpenSSL",
        &["PKCS12 routines::mac absent", "PKCS12 routines::mac absent … mac verify failure", "Error: mac absent"],
        "the .p12 has no MAC, which would show a change of it, and the program takes none without; the password may well be right",
        &["pushcert pack cert.p12 -o push.p12"],
    ),
    message("OpenSSL", &["asn1_check_tlen:wrong tag … Type=PKCS12", "CRYPTO_internal:wrong tag … Type=PKCS12"], NOT_P12, INSPECT_OR_PACK),
    message(
        "OpenSSL",
        &[
            "Could not read certificate from",
            "Could not find certificate from",
            "Could not read client certificate from",
            "Could not find client certificate from",
            "Could not read any certificates from",
            "Could not find any certificates from",
            "OSSL_DECODER_from_bio:unsupported … Input structure: Certificate",
            "DECODER routines:OSSL_DECODER_from_bio:unsupported … Input structure: Certificate",
        ],
        NOT_IN_FORM,
        JOIN,
    ),
    message(
        "OpenSSL",
        &[
            "Could not open file or uri for loading … Permission denied",
            "Could not open file or uri for loading … Permission denied … Unable to load certificate",
            "Can't open … for reading, Permission denied",
            "Can't open … for reading, Permission denied … unable to load certificate",
            "BIO_new_file:Permission denied",
            "system library::Permission denied",
            "fopen:Permission denied",
            "fopen:Permission denied … unable to load certificate",
        ],
        NOT_ALLOWED,
        INSPECT,
    ),
    message(
        "OpenSSL",
        &[
            "Could not open file or uri for loading … No such file or directory",
            "Could not open file or uri for loading … No such file or directory … Unable to load certificate",
            "Can't open … for reading, No such file or directory",
            "Can't open … for reading, No such file or directory … unable to load certificate",
            "BIO_new_file:No such file or directory",
            "system library::No such file or directory",
            "fopen:No such file or directory",
            "fopen:No such file or directory … unable to load certificate",
        ],
        NO_FILE,
        INSPECT,
    ),
    message("OpenSSL", &["Could not open file or uri for loading"], NO_FILE_OR_NOT_ALLOWED, INSPECT),
    message(
        "nginx",
        &["cannot load certificate key … PEM_read_bio_PrivateKey() failed"],
        "the file has no private key that nginx reads: it is encrypted, in another format, or a certificate alone",
        INSPECT_OR_CONVERT,
    ),
    message("nginx", &["BIO_new_file() failed … Permission denied"], NOT_ALLOWED, INSPECT).about(Subject::KeyFile),
    message("nginx", &["BIO_new_file() failed … No such file or directory"], NO_FILE, INSPECT).about(Subject::KeyFile),
    message(
        "OpenSSL",
        &[
            "asn1 encoding routines::wrong tag",
            "asn1_check_tlen:wrong tag",
            "ERR_OSSL_ASN1_WRONG_TAG",
            "Error: wrong tag",
            ":not enough data",
            "Error: not enough data",
            "ERR_OSSL_ASN1_NOT_ENOUGH_DATA",
            ":header too long",
            "Error: header too long",
            "ERR_OSSL_ASN1_HEADER_TOO_LONG",
            "nested asn1 error",
        ],
        NOT_THE_FORMAT,
        INSPECT,
    ),
    message(
        "OpenSSL",
        &["invalid utf8string", "ERR_OSSL_ASN1_INVALID_UTF8STRING"],
        "a text in the certificate is not what it says it is (UTF-8): a byte of the file was changed on its way, or its writer \
         wrote Latin-1; nothing that is built on OpenSSL loads it",
        INSPECT,
    ),
    message(
        "OpenSSL",
        &[
            "interrupted or cancelled",
            "UI_process:processing error",
            "Password was not given but private key is encrypted",
        ],
        NO_PASSPHRASE,
        CONVERT,
    ),
    message(
        "OpenSSL",
        &["Enter PEM pass phrase"],
        "the key is encrypted, and the program asks for its passphrase; on a server nobody answers: it needs the key unencrypted, or \
         the passphrase in its settings",
        CONVERT_LOCKED,
    )
    .about(Subject::Decryption),
    message("OpenSSL", &["unable to load certificate", "Expecting: TRUSTED CERTIFICATE"], NOT_IN_FORM, JOIN),
    message(
        "OpenSSL",
        &[
            "Could not read private key from",
            "Could not find private key from",
            "Could not read … private key from",
            "Could not find … private key from",
            "Could not read key from",
            "unable to load private key",
            "Expecting: ANY PRIVATE KEY",
            "Could not parse PKey",
            "Neither PUB key nor PRIV key",
        ],
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
    message("curl", &["could not load PEM client certificate … Permission denied"], NOT_ALLOWED, INSPECT),
    message(
        "curl",
        &["could not load PEM client certificate … No such file or directory", "NSS: client certificate not found"],
        NO_FILE,
        INSPECT,
    ),
    message(
        "curl",
        &["Can't load the certificate … and its private key", "Couldn't make sense of the data in the certificate"],
        "this is the curl of macOS, which takes a .p12 with a password: --cert push.p12:PASSWORD --cert-type P12",
        PACK,
    ),
    message(
        "curl",
        &["Error in the HTTP2 framing layer", "was not closed cleanly"],
        "the gateway has ended the connection or the request; where it refuses the certificate it says why in a GOAWAY, which curl \
         does not show",
        CHECK,
    ),
    message(
        "curl",
        &["error setting certificate verify locations", "error setting certificate file"],
        NO_AUTHORITIES,
        CHECK,
    ),
    message("curl", &["unable to set private key file"], KEY_PROBLEM, FIND_KEY),
    message(
        "curl",
        &[
            "could not load PEM client certificate",
            "no key found, wrong pass phrase",
            "no key found or wrong pass phrase",
            "unable to use client certificate",
        ],
        "the file has no certificate in PEM, or another key's, or it is damaged, or the program's user may not read it (ls -l shows \
         whose it is); an older curl says no more",
        INSPECT_OR_CONVERT,
    ),
    message(
        SEVERAL,
        &[
            "Could not resolve host",
            "getaddrinfo ENOTFOUND",
            "getaddrinfo EAI_AGAIN",
            "UnknownHostException",
            "No such host is known",
            "no such host",
            "Name or service not known",
            "nodename nor servname provided",
            "Temporary failure in name resolution",
            "server misbehaving",
        ],
        NO_ADDRESS,
        CHECK,
    )
    .about(Subject::Connection),
    message(
        SEVERAL,
        &[
            "Failed to connect to",
            "connect ECONNREFUSED",
            "connect ETIMEDOUT",
            "connect EHOSTUNREACH",
            "connect ENETUNREACH",
            "Connection refused",
            "Connection timed out",
            "No route to host",
            "Network is unreachable",
            "i/o timeout",
            "TLS handshake timeout",
        ],
        NOT_REACHED,
        CHECK,
    )
    .about(Subject::Connection),
    message(
        "curl",
        &[
            "cURL error 28",
            "curl: (28)",
        ],
        NOT_REACHED,
        CHECK,
    )
    .about(Subject::ConnectionFirst),
    message(
        "PHP",
        &[
            "Failed to connect: 110 Connection timed out",
            "Failed to connect: 111 Connection refused",
            "Failed to connect: 60 Operation timed out",
            "Failed to connect: 61 Connection refused",
        ],
        "the script does not reach its server; where that is gateway.push.apple.com:2195, as in old guides, it speaks the binary \
         protocol, which Apple switched off on 2021-03-31; APNs speaks HTTP/2 at api.push.apple.com",
        OLD_PROTOCOL,
    )
    .about(Subject::ConnectionFirst),
    message(
        "OpenSSL",
        &["wrong version number"],
        "what answers speaks no TLS: a proxy or a portal stands between, or it is another port",
        CHECK,
    )
    .about(Subject::Connection),
    message(
        "OpenSSL",
        &[
            "ca md too weak",
            "[SSL: CA_MD_TOO_WEAK]",
            "SSL_CTX_use_certificate:ca md too weak",
            "OpenSSL::SSL::SSLError: SSL_CTX_use_certificate: ca md too weak",
            "0A00018E:SSL routines::ca md too weak",
            "140AB18E:SSL routines:SSL_CTX_use_certificate:ca md too weak",
        ],
        WEAK,
        REQUEST_ANEW,
    )
    .about(Subject::NamedFirst),
    message(
        "OpenSSL",
        &[
            "ee key too small",
            "[SSL: EE_KEY_TOO_SMALL]",
            "code: ERR_SSL_EE_KEY_TOO_SMALL",
            "SSL_CTX_use_certificate:ee key too small",
            "OpenSSL::SSL::SSLError: SSL_CTX_use_certificate: ee key too small",
            "0A00018F:SSL routines::ee key too small",
            "140AB18F:SSL routines:SSL_CTX_use_certificate:ee key too small",
        ],
        "this OpenSSL refuses the short key of the certificate (RSA below 2048 bits) at its security level (SECLEVEL 2): make a new key and \
         a new request",
        REQUEST_ANEW,
    )
    .about(Subject::NamedFirst),
    message(
        "curl",
        &[
            "could not load PEM client certificate … ca md too weak",
            "could not load PEM client certificate … ee key too small",
            "ca md too weak, (no key found, wrong pass phrase",
            "ee key too small, (no key found, wrong pass phrase",
        ],
        WEAK,
        REQUEST_ANEW,
    ),
    message(
        "OpenSSL",
        &[
            "bad base64 decode",
            "PEM routines::bad end line",
            "PEM_read_bio:bad end line",
            "get_header_and_data:bad end line",
            "ERR_OSSL_PEM_BAD_END_LINE",
        ],
        "the PEM is damaged: its line ends are lost, as in a variable, or a line is missing or was changed",
        INSPECT,
    )
    .about(Subject::Decryption),
    message("curl", &["could not parse PKCS12 file, check password … unsupported"], RC2, CONVERT)
        .about(Subject::OldCipher),
    message("curl", &["could not parse PKCS12 file, check password … mac verify failure"], WRONG_PASSWORD, CONVERT),
    message(
        "curl",
        &["could not parse PKCS12 file, check password"],
        "the password is wrong, the file is no .p12, or it is encrypted with RC2-40, which today's OpenSSL does not read",
        CONVERT,
    ),
    message(
        "curl",
        &[
            "unsupported protocol … HTTP/2",
            "HTTP/0.9 when not allowed",
            "the installed libcurl version doesn't support this",
            "Unsupported protocol … HTTP2",
            "undefined constant CURL_HTTP_VERSION_2",
        ],
        "this curl has no HTTP/2, which is all that APNs speaks",
        CHECK,
    ),
    message("Node.js", &["Unsupported PKCS12 PFX data", "Error: unsupported"], RC2, CONVERT).about(Subject::OldCipher),
    message(
        "OpenSSL",
        &["bad decrypt", "maybe wrong password"],
        "the password of the key or the .p12 is wrong, or none was given; it is the one that was chosen at the export",
        &["pushcert convert cert.p12 -o push.pem"],
    )
    .about(Subject::Decryption),
    message(
        "Node.js",
        &["mac verify failure", "unable to parse credentials, incorrect passphrase"],
        WRONG_PASSWORD,
        CONVERT,
    ),
    message("Node.js", &["Unable to load private key from PFX data"], NO_KEY, JOIN),
    message(
        "Node.js",
        &["Unable to load PFX certificate"],
        "the option pfx is there, and is no file's content (null or false), as older node-apn sets it beside PEM: leave it out, or \
         give it what is in a .p12",
        PACK,
    ),
    message(
        "node-forge",
        &["PKCS#12 MAC could not be verified. Invalid password?", "unable to parse key, incorrect passphrase"],
        WRONG_PASSWORD,
        CONVERT,
    ),
    message(
        "node-forge",
        &["Too few bytes to read ASN.1 value", "unable to parse credentials, not a PFX/P12 file"],
        NOT_P12_OR_CUT,
        INSPECT_OR_PACK,
    ),
    message(
        "node-apn",
        &["unable to parse key, not a valid PEM file", "unable to parse certificate, not a valid PEM file"],
        NOT_PEM,
        INSPECT_OR_CONVERT,
    ),
    message("node-apn", &["unable to parse key, no private key found"], NO_KEY, JOIN),
    message(
        SEVERAL,
        &[
            "certificate and key do not match",
            "Certificate and private key … do not match",
            "certificate and the given key do not match",
            "inconsistencies between private key and certificate",
            "private key does not match the certificate",
            "private key does not match the public key",
            "key does not match the public key for this certificate",
            "private key does not correspond to cert",
            "private key algorithm does not match algorithm of public key",
            "keys may not be consistent: KeyMismatch",
            "InconsistentKeys(KeyMismatch)",
        ],
        OTHER_KEY,
        FIND_KEY,
    ),
    message(
        "node-apn",
        &["multiple keys found in PFX/P12 file", "multiple keys found in PEM file"],
        "the file has more than one private key, and the program takes one",
        &["pushcert convert cert.p12 --select com.example.MyApp -o push.pem"],
    ),
    message(
        "Node.js",
        &["Parse Error: Expected HTTP/", "APNs was not reached: Protocol error"],
        NO_HTTP_2,
        &["pushcert example node --topic com.example.MyApp --cert push.pem", "pushcert check push.pem"],
    )
    .about(Subject::ConnectionFirst),
    message(
        "node-apn",
        &["certificate has expired: … validateCredentials"],
        "the push certificate has expired",
        RENEW,
    ),
    message(
        "node-apn",
        &["certificate does not support configured environment"],
        "the certificate is for the other environment; or it is a universal one, which this node-apn (1.x) does not know",
        &["pushcert inspect push.pem", "pushcert check push.pem --environment both"],
    ),
    message(
        "PHP",
        &[
            "Supplied key param cannot be coerced into a private key",
            "openssl_sign(): Supplied key param cannot be coerced into a private key",
        ],
        "what was given as the token signing key is no .p8 as Apple gives it: a certificate, a part of it, or without its line ends; or \
         the file:// that was given is not there, or PHP's user may not read it",
        INSPECT_P8,
    )
    .about(Subject::NamedFirst),
    message(
        "rpush (Ruby)",
        &["value must contain a certificate and a private key"],
        "the text has no certificate or no private key in PEM: both are expected, one after the other",
        &["pushcert inspect push.pem", "pushcert convert cert.p12 -o push.pem"],
    ),
    message(
        "Node.js",
        &[
            "secretOrPrivateKey must be an asymmetric key when using ES256",
            "Invalid private key provided for algorithm ES256",
            "Failed to generate token: secretOrPrivateKey",
            "TokenError: Invalid private key provided for algorithm ES256",
        ],
        NO_P8,
        INSPECT_P8,
    )
    .about(Subject::NamedFirst),
    message(
        "OpenSSL",
        &["PEM routines::no start line", "PEM_read_bio:no start line", "get_name:no start line", "no start line"],
        NOT_PEM,
        CONVERT,
    ),
    message(
        "OpenSSL",
        &[
            "DECODER routines::unsupported",
            "DECODER routines:OSSL_DECODER_from_bio:unsupported",
            "error:1E08010C",
            "ERR_OSSL_UNSUPPORTED",
        ],
        "what was given as the key is none that OpenSSL reads: a certificate, an encrypted key, or a damaged one",
        &["pushcert inspect FILE", "pushcert convert cert.p12 -o push.pem"],
    ),
    message(
        "Node.js",
        &["EACCES: permission denied, open", "EACCES, permission denied", "EACCES, open"],
        NOT_ALLOWED,
        INSPECT,
    )
    .about(Subject::KeyFile),
    message(
        "Node.js",
        &["ENOENT: no such file or directory, open", "ENOENT, no such file or directory", "ENOENT, open"],
        NO_FILE,
        INSPECT,
    )
    .about(Subject::KeyFile),
    message(
        "Python",
        &["PermissionError: [Errno 13] Permission denied", "IOError: [Errno 13] Permission denied"],
        NOT_ALLOWED,
        INSPECT,
    )
    .about(Subject::KeyFile),
    message(
        "Python",
        &[
            "FileNotFoundError: [Errno 2] No such file or directory",
            "IOError: [Errno 2] No such file or directory",
            "Could not find the TLS certificate file, invalid path",
            "Could not find the TLS key file, invalid path",
        ],
        NO_FILE,
        INSPECT,
    )
    .about(Subject::KeyFile),
    message(
        "Python",
        &[
            "[SSL] PEM lib",
            "SSL_CTX_use_PrivateKey_file:PEM lib",
            "SSL_CTX_use_certificate_chain_file:PEM lib",
        ],
        "the PEM has no private key, or another's; its password is wrong; or it is a .p12 or DER, or empty",
        INSPECT,
    ),
    message(
        "Python",
        &["Invalid password or PKCS12 data", "Incorrect password, could not decrypt key"],
        WRONG_PASSWORD,
        CONVERT,
    ),
    message(
        "Python",
        &["SSL_CTX_use_certificate, ca md too weak", "SSL_CTX_use_certificate, ee key too small"],
        WEAK,
        REQUEST_ANEW,
    ),
    message("Python", &["Could not deserialize PKCS12 data"], NOT_P12_OR_CUT, INSPECT_OR_PACK),
    message(
        "Python",
        &[
            "socket.gaierror: [Errno -2] Name or service not known",
            "socket.gaierror: [Errno -3] Temporary failure in name resolution",
            "socket.gaierror: [Errno 8] nodename nor servname provided, or not known",
            "socket.gaierror: [Errno 11001] getaddrinfo failed",
        ],
        NO_ADDRESS,
        CHECK,
    )
    .about(Subject::ConnectionFirst),
    message(
        "Python",
        &[
            "Could not deserialize key data",
            "Unable to load PEM file … MalformedFraming",
            "why-can-t-i-import-my-pem-file",
        ],
        "the text is none of the PEM that is expected: DER, another kind of key, an encrypted one, or PEM that has lost its line ends",
        INSPECT,
    ),
    message(
        "Python",
        &["has no attribute load_pkcs12"],
        "pyOpenSSL reads .p12 files no more (since 23.3): give the program PEM",
        CONVERT,
    ),
    message(
        "Python",
        &[
            "illegal status line",
            "Error: BadStatusLine",
            "BadStatusLine:",
            "BadStatusLine(",
            "assert proto in H2_NPN_PROTOCOLS",
            "unable to establish HTTP/2 connection",
        ],
        NO_HTTP_2,
        &["pushcert example python --topic com.example.MyApp --cert push.pem", "pushcert check push.pem"],
    ),
    message(
        "NSS",
        &["SEC_ERROR_BAD_PASSWORD", "The security password entered is incorrect"],
        WRONG_PASSWORD,
        CONVERT,
    ),
    message("NSS", &["PKCS12 decoding failed: SEC_ERROR_BAD_DER", "PKCS12 decode not verified: SEC_ERROR_BAD_DER"], NOT_P12_OR_CUT, INSPECT_OR_PACK),
    message(
        "GnuTLS",
        &["bag_decrypt: Decryption has failed", "verify_mac: The Message Authentication Code verification failed"],
        WRONG_PASSWORD,
        CONVERT,
    ),
    message("GnuTLS", &["p12_import: ASN1 parser: Error in DER parsing"], NOT_P12_OR_CUT, INSPECT_OR_PACK),
    message(
        "GnuTLS",
        &["p12_import: Base64 unexpected header error"],
        "certtool expects a .p12 in Base64 there; as Keychain Access and pushcert write it, it takes one with --inder",
        INSPECT,
    ),
    message(
        "Swift (NIOSSL)",
        &["failedToLoadPrivateKey", "failedToLoadCertificate"],
        "the file is not there, is no PEM (or, for a .p8, has lost its line ends), or its passphrase was not given",
        INSPECT,
    ),
    message("Ruby", &["PKCS12_parse: unsupported"], RC2, CONVERT).about(Subject::OldCipher),
    message("Ruby", &["PKCS12_parse: mac verify failure"], WRONG_PASSWORD, CONVERT),
    message("Ruby", &["Permission denied @ rb_sysopen", "Errno::EACCES: Permission denied"], NOT_ALLOWED, INSPECT)
        .about(Subject::KeyFile),
    message(
        "Ruby",
        &["No such file or directory @ rb_sysopen", "Errno::ENOENT: No such file or directory"],
        NO_FILE,
        INSPECT,
    )
    .about(Subject::KeyFile),
    message(
        "PHP",
        &["stream_socket_client(): Failed to enable crypto"],
        "the TLS handshake failed; the line before it says why: the certificate, the key, or the server's authority",
        CHECK,
    ),
    message("PHP", &["stream_socket_client(): Unable to set private key file"], KEY_PROBLEM, FIND_KEY),
    message("PHP", &["failed loading cafile stream"], NO_AUTHORITIES, CHECK).about(Subject::NamedFirst),
    message(
        "Notificato (PHP)",
        &["Passphrase given, but the private key … is not encrypted"],
        "the program was given a passphrase, and the key has none: take it away, or encrypt the key",
        &["pushcert convert cert.p12 --encrypt --passout env:PEM_PASSWORD -o push.pem"],
    ),
    message(
        "PHP",
        &[
            "stream_socket_client(): Unable to set local cert chain file",
            "Unable to set local cert chain file",
            "openssl_x509_read(): X.509 Certificate cannot be retrieved",
            "X.509 Certificate cannot be retrieved",
            "supplied parameter cannot be coerced into an X509 certificate",
        ],
        NOT_READ_BY_PHP,
        INSPECT_OR_CONVERT,
    ),
    message("PHP", &["Failed to open stream: Permission denied"], NOT_ALLOWED, INSPECT).about(Subject::KeyFile),
    message("PHP", &["Failed to open stream: No such file or directory"], NO_FILE, INSPECT).about(Subject::KeyFile),
    message(
        "Java",
        &[
            "keystore password was incorrect",
            "Keystore was tampered with, or password was incorrect",
            "Given final block not properly padded",
            "Invalid keystore password",
            "PKCS12 key store mac invalid",
            "UnrecoverableKeyException: Cannot recover key",
            "UnrecoverableKeyException: Password must not be null",
        ],
        WRONG_PASSWORD,
        CONVERT,
    ),
    message(
        "Java",
        &[
            "toDerInputStream rejects tag type",
            "DER input, Integer tag error",
            "DerValue.getBigIntegerInternal, not expected",
            "Invalid keystore format",
            "Unrecognized keystore format. Please load it with a specified type",
        ],
        NOT_P12,
        PACK,
    ),
    message(
        "Java",
        &["toDerInputStream rejects tag type 77"],
        "the file is Base64, as a variable of a CI system has it: decode it (base64 -d); pushcert reads it as it is",
        &["pushcert inspect cert.p12", "pushcert pack cert.p12 --for java -o push.p12"],
    ),
    message(
        "Java",
        &["invalid null input … PrivateKeyEntry"],
        "the program was given no password, or the .p12 has no private key",
        &["pushcert inspect cert.p12"],
    ),
    message(
        "Java",
        &["Input not an X.509 certificate", "keytool error: java.lang.Exception: Failed to parse input"],
        "keytool reads one certificate there, and the file is a .p12, a key or empty; a .p12 is a keystore itself, which -keystore takes",
        &["pushcert inspect FILE", "pushcert pack push.pem --for java -o push.p12"],
    ),
    message(
        "Java",
        &["Password is not ASCII"],
        "Java takes passwords of printable ASCII alone, and this one has another character: make a .p12 with another password",
        &["pushcert pack cert.p12 --for java -o push.p12"],
    ),
    message(
        "Java",
        &[
            "Tag number over 30 is not supported",
            "Short read of DER length",
            "DerInputStream.getLength()",
            // The length is the first byte of U+FFFD, which stands for what is no UTF-8.
            "DerInputStream.getLength(): lengthTag=111",
            "zero length Int",
            "keytool error: java.io.EOFException",
            "java.io.EOFException … PKCS12KeyStore",
            "Keystore file exists, but is empty",
        ],
        DAMAGED_P12,
        &["pushcert inspect cert.p12"],
    ),
    message(
        "Java",
        &["DerInputStream.getLength(): lengthTag=109"],
        "the file is a keystore of Java's own (JKS), and the program reads it as PKCS#12: keytool -importkeystore makes a .p12 of it, \
         or the program takes it as JKS",
        INSPECT,
    ),
    message("Java", &["DerInputStream.getLength(): lengthTag="], NOT_THE_FORMAT, INSPECT),
    message(
        "Java",
        &["FileNotFoundException: … (Permission denied)", "java.nio.file.AccessDeniedException"],
        NOT_ALLOWED,
        INSPECT,
    )
    .about(Subject::KeyFile),
    message(
        "Java",
        &["FileNotFoundException: … (No such file or directory)", "java.nio.file.NoSuchFileException"],
        NO_FILE,
        INSPECT,
    )
    .about(Subject::KeyFile),
    message("Java", &["Keystore file does not exist"], NO_FILE_OR_NOT_ALLOWED, INSPECT).about(Subject::KeyFile),
    message(
        "Java",
        &[
            "CertificateExpiredException: NotAfter",
            "java.security.cert.CertificateExpiredException: NotAfter",
            "javax.net.ssl.SSLHandshakeException: java.security.cert.CertificateExpiredException: NotAfter",
        ],
        EXPIRED_SOMEWHERE,
        CHECK_EXPIRY,
    )
    .about(Subject::NamedFirst),
    message(
        "Netty (Java)",
        &[
            "File does not contain valid private key",
            "java.lang.IllegalArgumentException: File does not contain valid private key",
        ],
        "the key is encrypted, or not PKCS#8 in PEM, or the file has none",
        &["pushcert convert cert.p12 --cert-out push.crt --key-out push.key"],
    )
    .about(Subject::NamedFirst),
    message("Java", &["Algorithm HmacPBESHA256 not available", "data isn't an object ID (tag = 48)"], TOO_NEW, FOR_OLD),
    message(
        "Java",
        &[
            "Illegal key size",
            "java.security.InvalidKeyException: Illegal key size",
            "java.io.IOException: exception unwrapping private key - java.security.InvalidKeyException: Illegal key size",
        ],
        "the .p12 has AES-256, and this Java allows short keys alone, as it did before 8u161; the password may well be right",
        FOR_OLD,
    )
    .about(Subject::NamedFirst),
    message(
        "pushy (Java)",
        &["Key store must contain exactly one entry"],
        "the .p12 has more than one entry: a second identity, or certificates beside it",
        &["pushcert inspect cert.p12", "pushcert pack cert.p12 -o push.p12"],
    ),
    message(
        "apns-http2 (Java)",
        &["Invalid environment for this certificate"],
        "the certificate is for the other environment",
        &["pushcert inspect cert.p12"],
    ),
    message(
        "Java",
        &["Failed PKCS12 integrity checking"],
        "the .p12 is damaged, or has no password where an empty one was given",
        CONVERT,
    ),
    message("pushy (Java)", &["Key store did not contain any private key entries"], NO_KEY, JOIN),
    message("Go", &["open … : permission denied"], NOT_ALLOWED, INSPECT).about(Subject::KeyFile),
    message("Go", &["open … : no such file or directory"], NO_FILE, INSPECT).about(Subject::KeyFile),
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
    message(
        "Go",
        &["pkcs12: expected exactly two items in the authenticated safe"],
        "the .p12 holds a certificate or a key alone: both are to be selected for the export",
        &["pushcert inspect cert.p12"],
    ),
    message(
        "Go",
        &["pkcs12: algorithm … is not supported", "pkcs12: unknown algorithm"],
        "the .p12 is encrypted with AES-256, which golang.org/x/crypto/pkcs12 does not know",
        FOR_OLD,
    ),
    message(
        "Go",
        &["pkcs12: decryption password incorrect", "x509: decryption password incorrect"],
        WRONG_PASSWORD,
        CONVERT,
    ),
    message("Go", &["pkcs12: error reading P12 data"], NOT_P12, PACK),
    message(
        "Go",
        &[
            "PEM inputs may have been switched",
            "found a certificate rather than a key in the PEM",
            "failed to find CERTIFICATE PEM block in certificate input",
            "failed to find PEM block with type ending in PRIVATE KEY in key input",
        ],
        "the file of the certificate and that of the key were given in each other's place, or one of both is missing",
        &["pushcert inspect push.pem", "pushcert convert cert.p12 --cert-out push.crt --key-out push.key"],
    ),
    message(
        "Go",
        &["AuthKey must be a valid .p8 PEM file", "likely due to a malformed p8 file"],
        NO_P8,
        INSPECT_P8,
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
        &[
            "tls: failed to find any PEM data in certificate input",
            "failed to find any PEM data in key input",
            "failed to parse PEM block containing",
        ],
        NOT_PEM,
        CONVERT,
    ),
    message("Go", &["tls: private key does not match public key", "tls: private key type does not match public key type"], OTHER_KEY, FIND_KEY),
    message(
        "Go",
        &["tls: failed to parse private key"],
        "the key is encrypted, which Go does not read, or is none that it knows",
        CONVERT,
    ),
    message(
        "Go",
        &["asn1: structure error", "asn1: syntax error", "x509: malformed certificate", "x509: malformed tbs certificate"],
        NOT_THE_FORMAT,
        INSPECT,
    )
    .about(Subject::NamedFirst),
    message("Go", &["x509: certificate has expired or is not yet valid"], EXPIRED_SOMEWHERE, CHECK_EXPIRY)
        .about(Subject::NamedFirst),
    message(
        SEVERAL,
        &[
            "remote error: tls: expired certificate",
            "alert certificate expired",
            "fatal alert: certificate expired",
            "fatal alert: CertificateExpired",
            "TLS alert: CertificateExpired",
            "The Apns certificate is expired",
            "CertificateExpiredError",
            "tls alert,{certificate expired",
            "tls alert,certificate expired",
            "alert number 45",
        ],
        "the push certificate has expired",
        RENEW,
    ),
    message(
        SEVERAL,
        &[
            "remote error: tls: internal error",
            "remote error: internal error",
            "tls: internal error",
            "alert internal error",
            "fatal alert: internal error",
            "fatal alert: InternalError",
            "TLS alert: InternalError",
            "alert number 80",
        ],
        "the gateway ended the handshake without saying why: an expired, revoked or foreign certificate are possible",
        CHECK,
    ),
    message(
        SEVERAL,
        &[
            "sslv3 alert certificate revoked",
            "alert certificate revoked",
            "tls: revoked certificate",
            "fatal alert: certificate revoked",
            "fatal alert: CertificateRevoked",
            "TLS alert: CertificateRevoked",
            "alert number 44",
        ],
        "the push certificate was revoked",
        &["pushcert check push.pem --revocation", "pushcert csr"],
    ),
    message(
        SEVERAL,
        &[
            "sslv3 alert certificate unknown",
            "alert certificate unknown",
            "alert bad certificate",
            "alert handshake failure",
            "tls: bad certificate",
            "tls: unknown certificate",
            "tls: handshake failure",
            "tls alert,{handshake failure",
            "tls alert,handshake failure",
            "tls alert,{bad certificate",
            "tls alert,{certificate unknown",
            "certificate unknown",
            "fatal alert: bad certificate",
            "fatal alert: handshake failure",
            "fatal alert: CertificateUnknown",
            "TLS alert: CertificateUnknown",
            "fatal alert: BadCertificate",
            "TLS alert: BadCertificate",
            "fatal alert: HandshakeFailure",
            "TLS alert: HandshakeFailure",
            "alert number 46",
            "alert number 42",
            "alert number 40",
        ],
        "the gateway does not accept the certificate: the other environment, no push certificate, or none was sent",
        &["pushcert inspect push.pem", "pushcert check push.pem --environment both"],
    ),
    message(
        SEVERAL,
        &[
            "tlsv1 alert unknown ca",
            "alert unknown ca",
            "tls: unknown certificate authority",
            "fatal alert: unknown ca",
            "fatal alert: UnknownCA",
            "TLS alert: UnknownCA",
            "alert number 48",
        ],
        "the server does not know the issuer of the certificate: APNs accepts what Apple issued, and a gateway of one's own what its \
         --client-ca names",
        &["pushcert inspect push.pem", "pushcert check push.pem"],
    ),
    message(
        SEVERAL,
        &[
            "tlsv13 alert certificate required",
            "alert certificate required",
            "tls: certificate required",
            "fatal alert: certificate required",
            "fatal alert: CertificateRequired",
            "TLS alert: CertificateRequired",
            "alert number 116",
        ],
        "the program sent no certificate: the file was not given to it, or has no key",
        &["pushcert inspect push.pem", "pushcert check push.pem"],
    ),
    message(
        SEVERAL,
        &[
            "tlsv1 alert no application protocol",
            "alert no application protocol",
            "tls: no application protocol",
            "fatal alert: no application protocol",
            "fatal alert: NoApplicationProtocol",
            "TLS alert: NoApplicationProtocol",
            "alert number 120",
        ],
        "the program did not offer HTTP/2 (h2 in ALPN), which is all that APNs speaks",
        CHECK,
    ),
    message(
        SEVERAL,
        &[
            "SSL certificate problem: unable to get local issuer certificate",
            "unable to get local issuer certificate",
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
            "SSL certificate problem: self-signed certificate in certificate chain",
            "SSL certificate problem: self signed certificate",
            "SSL certificate problem: self-signed certificate",
            "DEPTH_ZERO_SELF_SIGNED_CERT",
            "verify error:num=18:self-signed certificate",
            "verify error:num=18:self signed certificate",
        ],
        UNTRUSTED_SERVER,
        CHECK,
    )
    .about(Subject::Server),
    message(
        "curl",
        &["SSL certificate problem: certificate has expired", "verify error:num=10:certificate has expired"],
        EXPIRED_SERVER,
        CHECK,
    )
    .about(Subject::AnyServer),
    message(
        "Node.js",
        &["CERT_HAS_EXPIRED", "code: CERT_HAS_EXPIRED", "certificate has expired … CERT_HAS_EXPIRED"],
        EXPIRED_SERVER,
        CHECK,
    )
    .about(Subject::NamedFirst),
    message(
        "OpenSSL (s_client)",
        &[
            "connect:errno=111",
            "connect:errno=110",
            "connect:errno=113",
            "connect:errno=101",
            "connect:errno=61",
            "connect:errno=60",
            "connect:errno=65",
            "connect:errno=51",
        ],
        "nothing answers at that address and port, or a firewall lets nothing through; at APNs' old ports, 2195 and 2196, nothing does \
         since 2021-03-31: it is at api.push.apple.com, port 443 or 2197",
        CHECK,
    ),
    message(
        "OpenSSL (s_client)",
        &["read:errno=54", "read:errno=104", "write:errno=54", "write:errno=104"],
        "the other end, which may refuse the certificate so, or a firewall or a proxy on the way reset the connection; APNs is at \
         api.push.apple.com, port 443 or 2197, and no longer at 2195",
        CHECK,
    ),
    message(
        "OpenSSL",
        &[
            "unable to verify the first certificate",
            "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
            "SELF_SIGNED_CERT_IN_CHAIN",
            "self-signed certificate in certificate chain",
            "self signed certificate in certificate chain",
        ],
        UNTRUSTED_SERVER,
        CHECK,
    )
    .about(Subject::Server),
    message(
        SEVERAL,
        &[
            "certificate verify failed: Hostname mismatch",
            "certificate verify failed: IP address mismatch",
            "certificate verify failed (Hostname mismatch)",
            "certificate verify failed (IP address mismatch)",
            "verify error:num=62:hostname mismatch",
            "verify error:num=64:IP address mismatch",
            "SSL: no alternative certificate subject name matches",
            "Hostname/IP does not match certificate's altnames",
            "Hostname/IP doesn't match certificate's altnames",
            "ERR_TLS_CERT_ALTNAME_INVALID",
            "x509: certificate is valid for … , not",
            "certificate is not valid for any names, but wanted to match",
            "because it doesn't contain any IP SANs",
            "No subject alternative DNS name matching",
            "No subject alternative names matching IP address",
            "did not match expected CN",
            "RemoteCertificateNameMismatch",
        ],
        OTHER_NAME,
        CHECK,
    )
    .about(Subject::AnyServer),
    message(
        SEVERAL,
        &[
            "certificate verify failed: certificate has expired",
            "certificate verify failed (certificate has expired)",
            "certificate verify failed: certificate is not yet valid",
            "certificate verify failed (certificate is not yet valid)",
            "SSL certificate problem: certificate is not yet valid",
            "verify error:num=9:certificate is not yet valid",
            "CERT_NOT_YET_VALID",
        ],
        EXPIRED_OR_EARLY_SERVER,
        CHECK,
    )
    .about(Subject::AnyServer),
    message(
        SEVERAL,
        &[
            "certificate verify failed: EE certificate key too weak",
            "certificate verify failed: CA certificate key too weak",
            "certificate verify failed: CA signature digest algorithm too weak",
            "certificate verify failed (EE certificate key too weak)",
            "certificate verify failed (CA certificate key too weak)",
            "certificate verify failed (CA signature digest algorithm too weak)",
            "SSL certificate problem: EE certificate key too weak",
            "SSL certificate problem: CA certificate key too weak",
            "SSL certificate problem: CA signature digest algorithm too weak",
        ],
        WEAK_SERVER,
        CHECK,
    )
    .about(Subject::AnyServer),
    message(
        "Python",
        &["CERTIFICATE_VERIFY_FAILED", "SSL operation failed with code 1 … certificate verify failed"],
        UNTRUSTED_SERVER,
        CHECK,
    )
    .about(Subject::Server),
    message(
        "Java",
        &["PKIX path building failed", "the trustAnchors parameter must be non-empty"],
        UNTRUSTED_SERVER,
        CHECK,
    )
    .about(Subject::Server),
    message(".NET", &["The remote certificate is invalid"], UNTRUSTED_SERVER, CHECK).about(Subject::Server),
    message("Go", &["x509: certificate signed by unknown authority"], UNTRUSTED_SERVER, CHECK).about(Subject::Server),
    message(
        SEVERAL,
        &[
            "ERR_HTTP2_GOAWAY_SESSION",
            "New streams cannot be created after receiving a GOAWAY",
            "Http2GoAwayException",
            "http2: server sent GOAWAY",
            "ConnectionTerminated error_code",
            "Server's graceful shutdown GOAWAY",
        ],
        "the gateway has ended this connection: with a reason in the GOAWAY where it refuses the certificate, else as servers do now \
         and then; connect again, and send again what had no answer",
        CHECK,
    ),
    message(
        SEVERAL,
        &[
            "stream ended unexpectedly",
            "Channel closed before HTTP/2 preface completed",
            "Stream closed before a reply was received",
            "the connection ended without an answer",
            "apn write timeout",
            "The APNs disconnected without returning an error",
        ],
        "the connection to the gateway was closed, or got no answer: it refuses the certificate or the token, or a firewall stands \
         between",
        CHECK,
    ),
    message(
        "Node.js",
        &[
            "Client network socket disconnected before secure TLS connection was established",
            "Received an unexpected EOF or 0 bytes from the transport stream",
        ],
        "the connection ended in the handshake: a firewall or a proxy that does not let it through, or another port",
        CHECK,
    ),
    message(
        SEVERAL,
        &[
            "socket hang up",
            "VError: apn: socket hang up",
            "read ECONNRESET",
            "EOF occurred in violation of protocol",
            "ssl.SSLError: [Errno 8] _ssl.c … EOF occurred in violation of protocol",
            "SSLError: [Errno 8] _ssl.c … EOF occurred in violation of protocol",
            "SSL_connect SYSCALL returned=5",
            "Remote host closed connection during handshake",
            "SSLHandshakeException: Remote host closed connection during handshake",
            "javax.net.ssl.SSLHandshakeException: Remote host closed connection during handshake",
            "Remote host terminated the handshake",
            "javax.net.ssl.SSLHandshakeException: Remote host terminated the handshake",
            "the remote party has closed the transport stream",
            "Authentication failed because the remote party has closed the transport stream",
            "connection was forcibly closed by the remote host",
            "SSL: Connection reset by peer",
            "stream_socket_client(): SSL: Connection reset by peer",
            "cURL error 35 … Connection reset by peer",
            "curl: (35) … Connection reset by peer",
            "cURL error 56 … Connection reset by peer",
            "curl: (55) … Connection reset by peer",
            "curl: (56) … Connection reset by peer",
            "cURL error 52 … Empty reply from server",
            "curl: (52) Empty reply from server",
            "RemoteProtocolError: Server disconnected",
            "SSL: Broken pipe",
            "fwrite(): SSL: Broken pipe",
        ],
        "the other end closed the connection without an answer: it refuses the certificate, the program does not speak HTTP/2, or a \
         firewall or a proxy stands between",
        CHECK,
    )
    .about(Subject::NamedFirst),
    message(
        "Node.js",
        &["ERR_HTTP2_STREAM_ERROR", "Stream closed with error code", "NGHTTP2_REFUSED_STREAM"],
        "the gateway has ended this request without an answer: there are too many at a time, or it ends the connection, as where it \
         refuses the certificate; then the GOAWAY says why, which pushcert shows",
        CHECK,
    ),
    message(
        SEVERAL,
        &[
            "unable to connect to ssl://gateway.push.apple.com:2195",
            "gateway.push.apple.com",
            "gateway.sandbox.push.apple.com",
            "feedback.push.apple.com",
            "feedback.sandbox.push.apple.com",
            "ECONNREFUSED 17. … :2195",
            "ETIMEDOUT 17. … :2195",
        ],
        "this is the old binary protocol, which Apple switched off on 2021-03-31; APNs speaks HTTP/2 at api.push.apple.com",
        OLD_PROTOCOL,
    ),
    message(
        "iOS",
        &["no valid “aps-environment” entitlement string found for application", "aps-environment"],
        "the app was signed without the entitlement for push: add the capability Push Notifications in Xcode, and make its \
         provisioning profile anew; no certificate mends it",
        &["pushcert example swift"],
    ),
    message(
        "iOS",
        &[
            "remote notifications are not supported in the simulator",
            "NSCocoaErrorDomain Code=3010",
            "Error Domain=NSCocoaErrorDomain Code=3010",
        ],
        "this simulator gets no device token from APNs: take a device, or Xcode 14 and iOS 16 in the simulator, on macOS 13 and a Mac with \
         Apple silicon or a T2; no certificate mends it",
        &["pushcert rehearse"],
    ),
    message(
        "Python",
        &[
            "No module named 'httpx'",
            "ModuleNotFoundError: No module named 'httpx'",
            "No module named 'h2'",
            "ModuleNotFoundError: No module named 'h2'",
            "Using http2=True, but the 'h2' package is not installed",
        ],
        "this Python lacks httpx, or its HTTP/2 (h2), which is all that APNs speaks: pip install 'httpx[http2]', into the Python that runs \
         the program; no certificate has a part in it",
        &["pushcert example python --topic com.example.MyApp --cert push.pem"],
    ),
    message(
        ".NET",
        &[
            "The credentials supplied to the package were not recognized",
            "No credentials are available in the security package",
            "must use a certificate with the associated private key",
            "Keyset does not exist",
            "CngKey.Import … cannot find the file specified",
            "cannot find the file specified … CngKey.Import",
        ],
        "the private key is absent, or the process may not use it: with a .p12 the flag MachineKeySet helps where no user is logged on",
        INSPECT,
    ),
    message(
        ".NET",
        &["UnauthorizedAccessException: Access to the path", "Access to the path … is denied"],
        NOT_ALLOWED,
        INSPECT,
    )
    .about(Subject::KeyFile),
    message(".NET", &["FileNotFoundException: Could not find file", "Could not find file"], NO_FILE, INSPECT)
        .about(Subject::KeyFile),
    message(
        ".NET",
        &["m_safeCertContext is an invalid handle"],
        "no certificate was loaded: the file is none that .NET reads, is empty, or the object was given back (Dispose) before it was used",
        INSPECT,
    ),
    message(
        "PushSharp (.NET)",
        &[
            "your Certificate does not appear to be the Production certificate",
            "your Certificate does not appear to be the Development/Sandbox certificate",
            "a certificate created for connecting only to the … APNS server but have selected a different",
        ],
        "the certificate is for the other environment; or it is a universal one, whose name this PushSharp does not know",
        &["pushcert inspect cert.p12", "pushcert check cert.p12 --environment both"],
    ),
    message(
        ".NET",
        &[
            "The specified network password is not correct",
            "The certificate data cannot be read with the provided password",
        ],
        "the password is wrong, or Windows may not store the key; the format may be too new for it",
        FOR_OLD,
    ),
    message(
        ".NET",
        &["without a supplied password has exceeded maximum allowed iterations", "MacIterationLimit"],
        "the .p12 has no password, or asks for more iterations than .NET allows: give it a password",
        &["pushcert pack cert.p12 --for keychain -o push.p12"],
    ),
    message(".NET", &["Cannot find the requested object", "ASN1 corrupted data", "Input data cannot be coded as a valid certificate"], NOT_THE_FORMAT, INSPECT),
    message(
        ".NET",
        &["The message received was unexpected or badly formatted", "0x80090326"],
        "the gateway refused the handshake: the certificate was sent without its key, or this Windows speaks no HTTP/2",
        CHECK,
    ),
    message(
        ".NET",
        &["Error 12152 calling WinHttp", "The server returned an invalid or unrecognized response"],
        "this Windows sends no certificate over HTTP/2 through WinHTTP (WinHttpHandler); HttpClient of .NET Core 3.0 and later does",
        CHECK,
    ),
    message(
        ".NET Framework",
        &[
            "Could not create SSL/TLS secure channel",
            "The request was aborted: Could not create SSL/TLS secure channel",
            "System.Net.WebException: The request was aborted: Could not create SSL/TLS secure channel",
        ],
        "the TLS handshake failed: the program does not offer TLS 1.2 (ServicePointManager.SecurityProtocol), its user may not use the key \
         of the certificate, or the server refused it; besides, .NET Framework speaks no HTTP/2 by itself, which is all that APNs speaks",
        CHECK,
    )
    .about(Subject::NamedFirst),
    message(
        ".NET",
        &[
            "The SSL connection could not be established, see inner exception",
            "A call to SSPI failed, see inner exception",
            "The authentication or decryption has failed",
        ],
        "the TLS handshake failed; the inner exception says why",
        CHECK,
    ),
    message(
        "macOS",
        &[
            "SecKeychainItemImport: MAC verification failed during PKCS12 import (wrong password?)",
            "SecKeychainItemImport: The user name or passphrase you entered is not correct",
            "The user name or passphrase you entered is not correct",
            "MAC verification failed during PKCS12 import",
            "errSecPkcs12VerifyFailure",
            "PKCS12 data wrong password",
            "PKCS12 data password incorrect",
            "SecKeychainItemImport: Unable to decode the provided data",
            "OSStatus -25264",
            "OSStatus error -25264",
            "Error: -25264",
        ],
        "the .p12 has AES-256 or a MAC with SHA-256, or no password, which Keychain Access does not read; or the password is wrong",
        FOR_OLD,
    ),
    message(
        "macOS",
        &[
            "SecKeychainItemImport: Unknown format in import",
            "SecKeychainItemImport: One or more parameters passed to a function were not valid",
            "One or more parameters passed to a function were not valid",
        ],
        "the file is in another format, or empty",
        INSPECT,
    ),
    message(
        "macOS",
        &["OSStatus -25294", "OSStatus error -25294", "Error: -25294", "errSecNoSuchKeychain"],
        "there is no such keychain to import into: choose login in the list of Keychain Access, not iCloud; at a terminal, security \
         import cert.p12 -k ~/Library/Keychains/login.keychain-db; the file is not at fault",
        &["pushcert inspect cert.p12"],
    ),
    message(
        "macOS",
        &["SecKeychainUnlock: The user name or passphrase you entered is not correct"],
        "the password of the keychain is wrong, which is the user's, or the one that was given to security create-keychain; the .p12 and \
         its password have no part in it",
        &["pushcert inspect cert.p12"],
    ),
    message(
        "macOS",
        &["The specified item already exists in the keychain"],
        "this certificate or key was imported before: nothing is left to do",
        &["pushcert inspect cert.p12"],
    ),
    message(
        "macOS",
        &["errSecInternalComponent", "SecKeychainItemImport: User interaction is not allowed"],
        "the keychain is locked, or does not let this program use the key (security unlock-keychain; in CI also security \
         set-key-partition-list); the file is not at fault",
        INSPECT,
    ),
    message(
        "macOS",
        &["Push Services … certificate is not trusted"],
        "Keychain Access has not Apple's intermediate certificate, or the certificate has expired; programs that connect to APNs do not \
         ask the keychain",
        &["pushcert inspect aps.cer"],
    ),
    message(
        "NWPusher (macOS)",
        &["Unable to import p12 file: no push certificates found"],
        "the .p12 has no push certificate, or not its key: export both from My Certificates",
        &["pushcert inspect cert.p12"],
    ),
    message(
        "Amazon SNS",
        &["Attributes Reason: Platform credentials are invalid", "PlatformPrincipal not valid", "PlatformPrincipal is not a valid"],
        "certificate and key belong into two fields, the key as PKCS#8",
        &["pushcert convert cert.p12 --cert-out push.crt --key-out push.key"],
    ),
    message(
        "Amazon SNS",
        &["PlatformApplicationDisabled", "Platform application is disabled"],
        "APNs refused the certificate of the platform application: it has expired, was revoked, or is for the other environment (APNS, \
         APNS_SANDBOX); give it a new one, then set Enabled to true",
        &[
            "pushcert check push.pem --environment both",
            "pushcert convert cert.p12 --cert-out push.crt --key-out push.key",
        ],
    ),
    message(
        "Amazon SNS",
        &["EndpointDisabled", "Endpoint is disabled"],
        "APNs refused the device token before: the app was removed, or the token is of the other environment (APNS, APNS_SANDBOX); give \
         the endpoint a new token, then set Enabled to true",
        &["pushcert check push.pem --token TOKEN --environment both"],
    ),
    message(
        "Firebase",
        &["The certificate's bundleId did not match that of your app"],
        "the certificate is for another bundle ID",
        INSPECT,
    ),
    message(
        "Firebase",
        &[
            "Auth error from APNS or Web Push Service",
            "THIRD_PARTY_AUTH_ERROR",
            "third-party-auth-error",
            "InvalidApnsCredential",
            "invalid-apns-credentials",
        ],
        "Firebase has no valid certificate or key of APNs for this app: none was uploaded, it has expired, or it is of another app, team \
         or environment",
        TRY_P8,
    ),
    message(
        "Expo",
        &["Could not find APNs credentials"],
        "Expo has no key of APNs for this app: it takes a token signing key (.p8), and no certificate",
        TRY_P8,
    ),
    message(
        "Azure Notification Hubs",
        &["Failed to validate credentials with APNS"],
        "Azure could not log in at APNs with the certificate: its key is not in the .p12, or it is for the other environment",
        &["pushcert inspect cert.p12", "pushcert check cert.p12 --environment both"],
    ),
    message("OneSignal", &["p12 file contains multiple certificates"], "the .p12 has more than one identity", PACK_ONE),
    message(
        "Apple's portal",
        &["CSR algorithm/size incorrect"],
        "Apple certifies RSA keys of 2048 bits alone for push: make a new key and a new request",
        &["pushcert csr"],
    ),
    message(
        "APNs",
        &["BadDeviceToken"],
        "the device token is not one of this environment: a token of a development build belongs to the sandbox",
        &["pushcert check push.pem --token TOKEN --environment both"],
    ),
    message(
        "APNs",
        &["status 410", "status: 410", "status=410", "HTTP/2 410", "410 Unregistered"],
        "where APNs says it, the device token is no longer one of the app (Unregistered) or has expired (ExpiredToken): forget it, unless \
         the app has registered it again after the timestamp of the answer",
        &["pushcert check push.pem --token TOKEN --environment both"],
    )
    .about(Subject::NamedFirst),
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
        TRY_P8,
    ),
];
