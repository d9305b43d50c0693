//! What is outside: streams, files, folders, the terminal.

pub(crate) mod context;
pub(crate) mod files;
pub(crate) mod memory;
pub(crate) mod password_command;
pub(crate) mod progress;
pub(crate) mod terminal;
pub(crate) mod walk;
