//! Expiry of many certificates: the policy, the scan of files and folders, the report.

pub mod ledger;
pub mod likeness;
pub mod policy;
pub mod report;
pub mod scanner;
pub mod threshold;
