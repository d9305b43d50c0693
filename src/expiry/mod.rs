//! Expiry of many certificates: the policy, the scan of files and folders, the report.

pub(crate) mod findings;
pub(crate) mod likeness;
pub(crate) mod policy;
pub(crate) mod report;
pub(crate) mod scanner;
pub(crate) mod threshold;
