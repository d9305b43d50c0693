//! What the sending thread tells the thread that writes the results, in this order.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use crate::push::outcome::Settled;
use crate::push::token_hash::TokenHash;

/// One message.
#[derive(Debug)]
pub(super) enum Event {
    /// Tokens up to this position are about to be sent. The sender waits until this is written.
    Started {
        /// The first of them.
        from: u64,
        position: u64,
        /// The tokens, by the positions under which they were sent first, where the rows of the input may change.
        tokens: Option<BTreeMap<u64, TokenHash>>,
        /// The number of those that have counted as unknown so far.
        resent: u64,
        written: oneshot::Sender<()>,
    },
    Settled(Box<Settled>),
    /// A sentence for people.
    Notice(String),
}
