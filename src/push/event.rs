//! What the sending thread tells the thread that writes the results, in this order.

use tokio::sync::oneshot;

use crate::push::outcome::Settled;

/// One message.
#[derive(Debug)]
pub(super) enum Event {
    /// Tokens up to this position are about to be sent. The sender waits until this is written.
    Started {
        /// The first of them.
        from: u64,
        position: u64,
        written: oneshot::Sender<()>,
    },
    Settled(Box<Settled>),
    /// A sentence for people.
    Notice(String),
}
