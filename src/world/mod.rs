//! What is outside: streams, files, folders, the terminal.

pub mod context;
pub mod files;
pub mod progress;
pub mod terminal;
pub mod walk;
