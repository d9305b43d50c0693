//! What several commands need: advice on errors, opening inputs and databases, lists of
//! tokens, passwords, judging, what is presented to a gateway.

pub(crate) mod advice;
pub(crate) mod authorities;
pub(crate) mod candidates;
pub(crate) mod client_identity;
pub(crate) mod database;
pub(crate) mod judging;
pub(crate) mod key_search;
pub(crate) mod left_out;
pub(crate) mod opening;
pub(crate) mod output_name;
pub(crate) mod passout;
pub(crate) mod printing;
pub(crate) mod proxy;
pub(crate) mod report_file;
pub(crate) mod signing_key;
pub(crate) mod target;
pub(crate) mod thresholds;
pub(crate) mod token_list;
pub(crate) mod unread;
pub(crate) mod writing;
