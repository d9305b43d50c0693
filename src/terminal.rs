//! Questions to a person. Rules: every question goes to the terminal itself, never to stdout; a secret
//! is not echoed; what is asked can always be given as a flag.

use std::io;

use zeroize::Zeroizing;

/// Someone to ask.
pub trait Terminal {
    /// Asks for a secret.
    ///
    /// # Errors
    /// When there is no terminal, or it is closed.
    fn secret(&mut self, prompt: &str) -> io::Result<Zeroizing<String>>;
}

/// The terminal that controls the process.
#[derive(Debug, Default)]
pub struct ControllingTerminal;

impl Terminal for ControllingTerminal {
    fn secret(&mut self, prompt: &str) -> io::Result<Zeroizing<String>> {
        rpassword::prompt_password(prompt).map(Zeroizing::new)
    }
}
