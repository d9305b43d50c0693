//! The options of other programs, and what they mean to pushcert.

/// The place of an option of another program in pushcert's command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Input,
    Output,
    Key,
    KeyOutput,
    /// The password of the input, or, where a file is made, of that.
    Password,
    InputPassword,
    OutputPassword,
    Name,
    Subject,
    Gateway,
    /// The gateway's name, and its port apart.
    Host,
    Port,
    /// The proxy, which openssl takes without a scheme.
    Proxy,
    /// The file with the authorities that are trusted.
    Authorities,
    /// A file with the intermediate, which pushcert has itself.
    Intermediate,
    /// The cipher of a key that is written.
    Encrypt,
    /// The days that are left, where a certificate is checked; no part of a request.
    Days,
    /// The seconds that are left.
    Seconds,
    /// The algorithm of a new key.
    Algorithm,
    /// A key that is to be made.
    NewKey,
    /// An option of its algorithm.
    KeyOption,
    /// The encryption of a .p12.
    Pbe,
    /// The digest of its MAC.
    Mac,
    /// PEM, or DER, which pushcert does not write.
    OutputForm,
    /// A flag that stands for one of pushcert's.
    Flag(&'static [&'static str]),
    /// A flag that stands for another subcommand.
    Subcommand(&'static str),
    /// A flag that is not needed.
    Nothing,
    /// An option with a value that is not needed.
    NothingWithValue,
    /// The name that the server is asked for.
    ServerName,
    /// The elliptic curve of a new key.
    Curve,
    /// A flag that pushcert has no equal for: it is left out, and that is said.
    LeftOut,
    /// The same, with a value.
    LeftOutWithValue,
}

impl Meaning {
    pub(super) const fn takes_value(self) -> bool {
        !matches!(self, Self::Encrypt | Self::Flag(_) | Self::Subcommand(_) | Self::Nothing | Self::LeftOut)
    }
}

pub(super) struct Habit {
    pub(super) meaning: Meaning,
    /// Without dashes, with blanks between them.
    options: &'static str,
}

impl Habit {
    /// Finds an option without its dashes. The program of openssl is empty where the line is none for openssl.
    pub(super) fn find(option: &str, program: &str) -> Option<&'static Self> {
        for special in &SPECIAL_HABITS {
            let is_of_program = special.program == program || (special.program == ANY && !program.is_empty());
            if is_of_program && special.habit.has(option) {
                return Some(&special.habit);
            }
        }
        HABITS.iter().find(|known| known.has(option))
    }

    fn has(&self, option: &str) -> bool {
        self.options.split_whitespace().any(|name| name == option)
    }
}

const fn habit(meaning: Meaning, options: &'static str) -> Habit {
    Habit { meaning, options }
}

/// Any program of openssl.
pub(super) const ANY: &str = "openssl";

/// Options that mean so to one program of openssl, or to all of them and to nothing else.
struct SpecialHabit {
    program: &'static str,
    habit: Habit,
}

const fn special(program: &'static str, meaning: Meaning, options: &'static str) -> SpecialHabit {
    SpecialHabit { program, habit: habit(meaning, options) }
}

static SPECIAL_HABITS: [SpecialHabit; 16] = [
    special("s_client", Meaning::NothingWithValue, "verify purpose"),
    special("s_client", Meaning::Nothing, "debug msg"),
    special("verify", Meaning::NothingWithValue, "purpose"),
    special("asn1parse", Meaning::Nothing, "i"),
    special("ecparam", Meaning::Curve, "name"),
    special("ecparam", Meaning::Nothing, "noout text"),
    special("genpkey", Meaning::Nothing, "text"),
    special("storeutl", Meaning::Flag(&["--no-key"]), "certs"),
    special("storeutl", Meaning::Flag(&["--certs", "none"]), "keys"),
    special("s_client", Meaning::LeftOut, "4 6"),
    special("genrsa", Meaning::LeftOut, "3"),
    special(
        ANY,
        Meaning::Subcommand("inspect"),
        "subject_hash subject_hash_old issuer_hash issuer_hash_old alias ocspid ocsp_uri text_pub",
    ),
    special(
        ANY,
        Meaning::Nothing,
        "print genkey verbose crlf ign_eof no_ign_eof nocommands tlsextdebug trace ignore_unexpected_eof verify_quiet noiter \
         nomaciter maciter twopass no-CAfile no-CApath no-CAstore newhdr F4 f4 show_chain trusted_first dump",
    ),
    special(
        ANY,
        Meaning::NothingWithValue,
        "certopt dateopt reqopt propquery rand writerand v1 passcerts conv_form param_enc",
    ),
    special(
        ANY,
        Meaning::LeftOut,
        "LMK tls1 tls1_1 tls1_2 tls1_3 no_tls1 no_tls1_1 no_tls1_2 no_tls1_3 status crl_check crl_check_all x509_strict \
         partial_chain sha224 sha384 sha512 md5 multivalue-rdn scrypt",
    ),
    special(
        ANY,
        Meaning::LeftOutWithValue,
        "CSP caname CApath CAstore CRLfile cipher ciphersuites min_protocol max_protocol sigalgs groups curves cert_chain \
         verify_hostname verify_depth attime bind keylogfile msgfile sess_out sess_in config section reqexts extensions addext \
         sigopt primes",
    ),
];

static HABITS: [Habit; 34] = [
    habit(Meaning::Input, "in input infile cert i c"),
    habit(Meaning::Output, "out outfile output-file"),
    habit(Meaning::Key, "inkey key k"),
    habit(Meaning::KeyOutput, "keyout"),
    habit(Meaning::InputPassword, "passin"),
    habit(Meaning::OutputPassword, "passout"),
    habit(Meaning::Password, "password pass passphrase pwd p P passwd pw"),
    habit(Meaning::Name, "name"),
    habit(Meaning::Subject, "subj"),
    habit(Meaning::Gateway, "connect"),
    habit(Meaning::Host, "host"),
    habit(Meaning::Port, "port"),
    habit(Meaning::Proxy, "proxy"),
    habit(Meaning::ServerName, "servername"),
    habit(Meaning::OutputForm, "outform"),
    habit(Meaning::Flag(&["--no-key"]), "nokeys"),
    habit(Meaning::Flag(&["--certs", "none"]), "nocerts"),
    habit(Meaning::Flag(&["--certs", "ca"]), "cacerts"),
    habit(Meaning::Flag(&["--chain"]), "chain"),
    habit(Meaning::Flag(&["--force"]), "f force"),
    habit(Meaning::Subcommand("pack"), "export"),
    habit(
        Meaning::Subcommand("inspect"),
        "noout text subject issuer serial dates enddate fingerprint info startdate purpose hash email check verify \
         modulus",
    ),
    habit(
        Meaning::Nothing,
        "nodes noenc clcerts legacy nomac nomacver new sha1 sha256 nocrypt topk8 showcerts quiet brief tls1_2 tls1_3 batch \
         utf8 keysig keyex traditional prexit verify_return_error state descert print_certs",
    ),
    habit(
        Meaning::NothingWithValue,
        "inform alpn nameopt iter certform keyform CApath caname provider provider-path v2 v2prf untrusted trusted",
    ),
    habit(Meaning::NewKey, "newkey"),
    habit(Meaning::KeyOption, "pkeyopt"),
    habit(Meaning::Pbe, "keypbe certpbe"),
    habit(Meaning::Mac, "macalg"),
    habit(
        Meaning::Encrypt,
        "des3 des aes128 aes192 aes256 aes-128-cbc aes-192-cbc aes-256-cbc camellia128 camellia192 camellia256 aria128 aria192 \
         aria256 idea seed",
    ),
    habit(Meaning::Days, "days"),
    habit(Meaning::Seconds, "checkend"),
    habit(Meaning::Authorities, "CAfile"),
    habit(Meaning::Intermediate, "certfile"),
    habit(Meaning::Algorithm, "algorithm"),
];

#[cfg(test)]
mod tests {
    use super::Habit;

    /// Options of OpenSSL 3.0, as its help lists them; a sign of equality stands where a value follows. Not here are those
    /// of which pushcert says only what is nearest.
    const OPENSSL: [(&str, &str); 14] = [
        (
            "pkcs12",
            "in= out= passin= passout= password= twopass nokeys nocerts noout legacy provider-path= provider= propquery= rand= \
             writerand= info nomacver clcerts cacerts aes256 noenc nodes export inkey= certfile= passcerts= chain untrusted= \
             CAfile= CApath= CAstore= no-CAfile no-CApath no-CAstore name= caname= CSP= LMK keyex keysig keypbe= certpbe= \
             descert macalg= iter= noiter nomaciter maciter nomac",
        ),
        (
            "x509",
            "in= passin= inform= out= outform= noout text dateopt= certopt= fingerprint alias serial startdate enddate dates \
             subject issuer nameopt= email hash subject_hash subject_hash_old issuer_hash issuer_hash_old ocspid ocsp_uri purpose \
             modulus checkend= sha512",
        ),
        (
            "req",
            "in= inform= verify new config= section= utf8 nameopt= reqopt= text subj= subject multivalue-rdn addext= \
             extensions= reqexts= key= keyform= keyout= passin= passout= newkey= pkeyopt= sigopt= sha384 out= outform= batch \
             verbose noenc nodes noout newhdr modulus",
        ),
        (
            "s_client",
            "host= port= connect= bind= proxy= 4 6 cert= certform= cert_chain= key= keyform= pass= verify= nameopt= CApath= \
             CAfile= CAstore= no-CAfile no-CApath sess_out= sess_in= crlf quiet ign_eof no_ign_eof brief prexit showcerts debug \
             msg msgfile= state trace keylogfile= nocommands servername= tlsextdebug ignore_unexpected_eof status alpn= tls1 \
             tls1_1 tls1_2 tls1_3 no_tls1 no_tls1_1 no_tls1_2 no_tls1_3 sigalgs= groups= curves= cipher= ciphersuites= \
             min_protocol= max_protocol= purpose= verify_depth= attime= verify_hostname= crl_check crl_check_all x509_strict \
             trusted_first partial_chain verify_return_error verify_quiet",
        ),
        ("pkcs7", "in= inform= outform= out= noout text print print_certs"),
        ("asn1parse", "inform= in= noout i dump"),
        (
            "verify",
            "verbose nameopt= trusted= CAfile= CApath= CAstore= no-CAfile untrusted= CRLfile= show_chain purpose= verify_depth= \
             attime= verify_hostname= crl_check x509_strict partial_chain",
        ),
        ("genrsa", "3 F4 f4 out= passout= primes= verbose traditional aes256"),
        ("genpkey", "algorithm= quiet pkeyopt= out= outform= pass= text aes256"),
        ("ecparam", "genkey out= outform= text noout param_enc= name= conv_form="),
        (
            "pkcs8",
            "v1= v2= v2prf= in= inform= passin= nocrypt out= outform= topk8 passout= traditional iter= noiter scrypt",
        ),
        ("rsa", "check aes192 in= inform= passin= out= outform= passout= noout text modulus traditional"),
        ("pkey", "check in= inform= passin= out= outform= camellia256 passout= traditional noout text text_pub"),
        ("storeutl", "certs keys passin= out= text noout"),
    ];

    #[test]
    fn the_options_of_openssl_are_known_with_or_without_a_value() {
        for (program, options) in OPENSSL {
            for option in options.split_whitespace() {
                let name = option.trim_end_matches('=');
                let takes_value = Habit::find(name, program).map(|known| known.meaning.takes_value());
                assert_eq!(takes_value, Some(option.ends_with('=')), "{program} -{option}");
            }
        }
    }
}
