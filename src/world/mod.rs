//! What is outside: streams, files, folders, the terminal.

pub(crate) mod context;
pub(crate) mod descriptors;
pub(crate) mod encoding;
pub(crate) mod files;
mod folder_removal;
pub(crate) mod key_folder;
pub(crate) mod locale;
pub(crate) mod log_file;
pub(crate) mod memory;
pub(crate) mod outputs;
pub(crate) mod ownership;
pub(crate) mod password_command;
pub(crate) mod place;
mod process_group;
pub(crate) mod progress;
pub(crate) mod signals;
pub(crate) mod step_summary;
pub(crate) mod temporary;
pub(crate) mod terminal;
pub(crate) mod walk;
pub(crate) mod workspace;
