use std::ffi::OsString;

use crate::run::habits::{Screen, understand};

/// Returns what is said of a line, whose words are those of a shell without quotes.
fn hint(typed: &str) -> String {
    let arguments: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
    understand(&arguments, Screen::Other).map(|suggestion| suggestion.hint).unwrap_or_default()
}

fn assert_hints(cases: &[(&str, &str)]) {
    for (typed, expected) in cases {
        assert_eq!(hint(typed).strip_prefix("type it so: pushcert ").unwrap_or_default(), *expected, "{typed}");
    }
}

#[test]
fn of_a_key_in_clear_is_spoken_where_one_is_written() {
    assert_hints(&[
        (
            "pkcs12 -in aps.cer -out x.pem",
            "convert aps.cer -o x.pem --certs all --no-key (a certificate has no key in it: --key FILE in the place of --no-key \
             adds it)",
        ),
        ("pkcs12 -in aps.cer -nocerts -out x.pem", ""),
        ("pkcs12 -export -in aps.cer -out x.p12", "pack aps.cer -o x.p12 (its key is missing: --key FILE)"),
        ("pkcs12 -export -in aps.cer -inkey k.pem -out x.p12", "pack aps.cer --key k.pem -o x.p12"),
        ("pkcs12 -in a.p12 -nokeys -out x.pem", "convert a.p12 -o x.pem --no-key --certs all"),
        ("pkcs12 -in a.p12 -cacerts -nokeys -out x.pem", "convert a.p12 -o x.pem --certs ca --no-key"),
        ("pkcs12", ""),
        ("storeutl", ""),
    ]);
    // Like openssl, pushcert writes the key beside the authorities.
    assert!(hint("pkcs12 -in a.p12 -cacerts -out x.pem").contains("(the key in it is not encrypted"));
    assert!(hint("pkcs12").starts_with("pushcert convert is the nearest"));
}

#[test]
fn remarks_stand_in_one_bracket() {
    for typed in [
        "pkcs12 -in a.p12 -passin pass:hunter2 -out b.pem",
        "pkcs12 -in a.p12 -passin pass:hunter2 -out b.p12",
        "pkcs12 -export -in a.pem -certfile ca.pem -passout pass:hunter2 -CSP x -out b.p12",
        "s_client -connect feedback.push.apple.com:2196 -cert a.pem:hunter2 -servername x",
    ] {
        let hint = hint(typed);
        assert!(hint.matches(" (").count() == 1 && hint.ends_with(')') && hint.contains("; "), "{typed}: {hint}");
    }
}

#[test]
fn what_pushcert_has_nothing_for_is_left_out_with_a_word() {
    let rsa = "the key is RSA of 2048 bits: Apple's portal takes no other";
    assert_hints(&[
        (
            "s_client -connect h:443 -cert a.pem -servername h -tls1_2",
            "check a.pem --gateway h:443 (without -tls1_2, for which pushcert has nothing)",
        ),
        (
            "s_client -connect h:443 -cert a.pem -servername g",
            "check a.pem --gateway h:443 (without -servername, for which pushcert has nothing)",
        ),
        (
            "s_client -connect h:443 -cert a.pem -CApath c -crlf -ign_eof",
            "check a.pem --gateway h:443 (without -CApath, for which pushcert has nothing)",
        ),
        ("s_client -connect h:443 -cert a.pem -verify 5 -nocommands", "check a.pem --gateway h:443"),
        ("s_client -connect h -port 443 -cert a.pem", "check a.pem --gateway h:443"),
        ("s_client -connect h:443 -port 80 -cert a.pem", "check a.pem --gateway h:443"),
        ("s_client -cert a.pem h:443", "check a.pem --gateway h:443"),
        ("s_client -cert a.pem -port 443", ""),
        (
            "s_client -connect feedback.push.apple.com:2196 -cert a.pem",
            "check a.pem --environment production (Apple closed feedback.push.apple.com in 2021, and the feedback service with it: \
             APNs answers 410 where a token is no longer valid)",
        ),
        (
            "s_client -connect gateway.push.apple.com:2195 -cert a.pem",
            "check a.pem --environment production (Apple closed gateway.push.apple.com in 2021)",
        ),
        (
            "pkcs12 -export -in a.pem -inkey k.pem -CSP x -caname y -LMK -out b.p12",
            "pack a.pem --key k.pem -o b.p12 (without -CSP, -caname, -LMK, for which pushcert has nothing)",
        ),
        ("pkcs12 -export -in a.pem -name  -out b.p12", "pack a.pem -o b.p12 (without the empty name)"),
        ("x509 -in a.cer -force -out b.pem", "convert a.cer -o b.pem --force --no-key"),
        ("x509 -in a.cer -force -noout", "inspect a.cer"),
        ("x509 -in a.cer -noout -text -out a.txt", "inspect a.cer (> FILE behind it writes that to a file)"),
        ("rsa -in a.key -noout -text -out a.txt", "inspect a.key (> FILE behind it writes that to a file)"),
        ("req -in a.csr -noout -text -out a.txt", "inspect a.csr (> FILE behind it writes that to a file)"),
        ("req -new -key k.pem -subj CN=Jo,C=DE -out a.csr", ""),
        (
            "req -new -key k.pem -config c.cnf -out a.csr",
            "csr --key k.pem -o a.csr (without -config, for which pushcert has nothing)",
        ),
        ("ecparam -genkey -name prime256v1 -noout -out k.pem", &format!("csr --key-out k.pem ({rsa})")),
        ("ecparam -name prime256v1 -out p.pem", ""),
        ("storeutl -certs a.p12", "convert a.p12 --no-key --certs all"),
        ("storeutl a.p12 -out b.pem", "convert a.p12 -o b.pem --certs all"),
        ("storeutl -noout a.p12", "inspect a.p12"),
    ]);
    for (typed, beginning) in [
        ("enc -base64 -d -in a.b64 -out a.p12", "every command of pushcert reads Base64"),
        ("crl -in a.crl -noout -text", "pushcert reads no revocation lists"),
        ("ca -in a.csr", "Apple signs the request"),
        ("s_server -cert a.pem", "pushcert gateway is an APNs for tests"),
        ("errstr 02001002", "pushcert explain 'TEXT'"),
    ] {
        assert!(hint(typed).starts_with(beginning), "{typed}: {}", hint(typed));
    }
}

#[test]
fn short_options_and_two_outputs_are_understood() {
    assert_hints(&[
        ("convert -i a.p12 -o b.pem", "convert a.p12 -o b.pem"),
        ("convert -c a.cer -k b.key -o c.pem", "convert a.cer --key b.key -o c.pem"),
        ("convert a.p12 --out-cert c.pem --out-key k.key", "convert a.p12 --cert-out c.pem --key-out k.key"),
        ("convert a.p12 -o cert.pem -o key.pem", "convert a.p12 --key-out key.pem --cert-out cert.pem"),
        ("convert a.p12 -o key.pem -o cert.pem", "convert a.p12 --key-out key.pem --cert-out cert.pem"),
        ("convert a.p12 -o a.pem -o b.pem", ""),
        ("pkcs12 -in a.p12 -nodes -clcerts -out a.pem -out b.pem", "convert a.p12 -o b.pem"),
    ]);
}

#[test]
fn lines_are_understood_as_they_were_copied() {
    let expected = "convert a.p12 -o b.pem --certs all";
    for typed in [
        "$ openssl pkcs12 -in a.p12 -out b.pem -nodes",
        "# openssl pkcs12 -in a.p12 -out b.pem -nodes",
        "sudo openssl pkcs12 -in a.p12 -out b.pem -nodes",
        "$ sudo /usr/bin/openssl pkcs12 -in a.p12 -out b.pem -nodes",
        "openssl pkcs12 –in a.p12 —out b.pem −nodes",
        "pkcs12 -in “a.p12” -out ‘b.pem’ –nodes",
        "pkcs12 -in a.p12 -out b.pem -nodes \\",
        "pkcs12 -in a.p12 \\ -out b.pem \\ -nodes",
    ] {
        assert_eq!(hint(typed).strip_prefix("type it so: pushcert ").unwrap_or_default(), expected, "{typed}");
    }
    assert_hints(&[
        ("–in a.p12 –out b.pem", "convert a.p12 -o b.pem"),
        ("convert –in a.p12 –out b.pem", "convert a.p12 -o b.pem"),
        (
            "pkcs12 –in a.p12 –passin “pass:hunter2” –nodes –out b.pem",
            "convert a.p12 --passin env:P12_PASSWORD -o b.pem --certs all (with the password in the variable P12_PASSWORD)",
        ),
        ("pkcs12 –in a.p12 –passin “env:PW” –nodes –clcerts –out b.pem", "convert a.p12 --passin env:PW -o b.pem"),
    ]);
    // As a shell gives a backslash before a blank on one line.
    let joined = ["pkcs12", "-in", "a.p12", " -nodes", " -out", "b.pem"].map(OsString::from);
    assert_eq!(understand(&joined, Screen::Other).unwrap().hint, format!("type it so: pushcert {expected}"));
}
