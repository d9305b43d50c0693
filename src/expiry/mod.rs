//! Expiry of many certificates: the scan of files and folders, the report.

pub(crate) mod findings;
mod headline;
mod layout;
pub(crate) mod passwords;
pub(crate) mod relations;
pub(crate) mod renewals;
pub(crate) mod report;
pub(crate) mod scanner;
pub(crate) mod sniff;
mod words;
