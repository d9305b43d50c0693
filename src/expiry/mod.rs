//! Expiry of many certificates: the policy, the scan of files and folders, the report.

pub(crate) mod findings;
pub(crate) mod passwords;
pub(crate) mod policy;
pub(crate) mod report;
pub(crate) mod scanner;
pub(crate) mod sniff;
pub(crate) mod threshold;
