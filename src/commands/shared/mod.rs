//! What several commands need: opening inputs, passwords.

pub(crate) mod candidates;
pub(crate) mod judging;
pub(crate) mod opening;
pub(crate) mod passout;
