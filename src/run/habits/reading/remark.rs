//! What is said beside a command line.

use std::ffi::OsString;

use crate::run::habits::program;
use crate::run::habits::reading::{NEW_PASSWORD, OLD_PASSWORD, Reading};

impl Reading<'_> {
    /// Returns what is to be said beside a line, in brackets: where its passwords stand, what stands for an intermediate,
    /// and what else could stand in the place of a word that was not typed.
    pub(in crate::run::habits) fn remarks(&self, words: &[OsString]) -> String {
        let mut all = Vec::new();
        match (words.contains(&OLD_PASSWORD.into()), words.contains(&NEW_PASSWORD.into())) {
            (true, true) => all.push(
                "with the passwords in the variables P12_PASSWORD, for the old file, and NEW_PASSWORD, for the new one"
                    .to_owned(),
            ),
            (true, false) => all.push("with the password in the variable P12_PASSWORD".to_owned()),
            (false, true) => all.push("with the password in the variable NEW_PASSWORD".to_owned()),
            (false, false) => {}
        }
        if self.has_intermediate {
            all.push("--chain adds Apple's intermediate, which pushcert has".to_owned());
        }
        if let Some(days) = self.days
            && !words.contains(&"--fail".into())
        {
            all.push(format!("which warns, and ends with 0: with --fail {days}d it fails"));
        }
        if self.is_program("pkcs7") && !words.contains(&"-o".into()) {
            all.push("pushcert convert FILE --no-key --certs all writes its certificates as PEM".to_owned());
        }
        all.extend(self.remarks.clone());
        if self.is_language_guessed {
            all.push("or php, python, node".to_owned());
        }
        if all.is_empty() { String::new() } else { format!(" ({})", all.join("; ")) }
    }

    /// Says that another key than the usual is not made.
    pub(super) fn remark_other_key(&mut self, is_usual: bool) {
        let remark = "the key is RSA of 2048 bits: Apple's portal takes no other";
        if !is_usual && !self.remarks.iter().any(|known| known == remark) {
            self.remarks.push(remark.to_owned());
        }
    }

    /// Says that a key is written in clear that openssl would encrypt.
    pub(super) fn remark_clear_key(&mut self, is_asked: bool) {
        let writes_key = self.subcommand == "convert" && !self.own_has("--no-key");
        if writes_key && self.is_program("pkcs12") && !self.encrypts && !is_asked {
            self.remarks
                .push("the key in it is not encrypted: with --encrypt it is, as by openssl without -nodes".to_owned());
        }
    }

    /// Says that PEM goes to a file that is named otherwise.
    pub(super) fn remark_name(&mut self) {
        if self.subcommand == "convert"
            && let Some(format) = self.promised()
        {
            self.remarks.push(format!(
                "which writes PEM, though the name promises {}: {}",
                format.name(),
                format.remedy()
            ));
        }
    }

    /// Says what pushcert judges against.
    pub(super) fn remark_verdict(&mut self) {
        if self.is_program("verify") {
            self.remarks.push(program::VERDICT.to_owned());
        }
    }

    /// Says that a password is asked for, where the line may stand in a script.
    pub(super) fn remark_asked_password(&mut self) {
        if self.encrypts && self.new_password.is_none() {
            self.remarks.push(format!("it asks for the new password: in a script --passout {NEW_PASSWORD} gives it"));
        }
    }

    /// Says that no text is written above the PEM.
    pub(super) fn remark_text(&mut self) {
        let writes = matches!(self.subcommand.as_str(), "convert" | "csr") && self.output.is_some();
        if writes && self.has_text && self.theirs.is_some() {
            self.remarks.push("without the text of -text above the PEM: pushcert inspect FILE shows it".to_owned());
        }
    }

    /// Says which options pushcert has no equal for.
    pub(super) fn remark_left_out(&mut self) {
        if !self.left_out.is_empty() {
            let names = self.left_out.join(", ");
            self.remarks.push(format!("without {names}, for which pushcert has nothing"));
        }
    }

    /// Says that Apple has closed the server that was typed.
    pub(super) fn remark_closed(&mut self, host: &str) {
        let instead = if host.starts_with("feedback.") {
            ", and the feedback service with it: APNs answers 410 where a token is no longer valid"
        } else {
            ""
        };
        self.remarks.push(format!("Apple closed {host} in 2021{instead}"));
    }
}
