//! The connections that are open. When there is no room for another, the one that has been silent for the longest time
//! makes room, of those that have shown the least of themselves. A new connection has some time to show more.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::timeout;

/// Limit for the connections that are open at the same time.
const MAX_CONNECTIONS: usize = 512;
/// The time after its beginning, its handshake and its last request in which a connection makes no room.
const GRACE: Duration = Duration::from_millis(300);
/// The pause after which the connections are looked at again when all of them were busy.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// The state of a connection. The first ones make room first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ConnectionState {
    /// The TLS handshake is not complete.
    Handshake,
    /// Neither a certificate nor a valid provider token was seen.
    Anonymous,
    /// No request is open.
    Idle,
    /// A request is open. Such a connection never makes room.
    Busy,
}

const STATES: [ConnectionState; 4] =
    [ConnectionState::Handshake, ConnectionState::Anonymous, ConnectionState::Idle, ConnectionState::Busy];

/// The open connections.
pub(super) struct Slots {
    open: Mutex<Vec<Arc<SlotState>>>,
    limit: usize,
    grace: Duration,
    start: Instant,
    freed: Notify,
}

struct SlotState {
    /// An index in [`STATES`].
    state: AtomicU8,
    /// The time at which it took this state, in microseconds after the start.
    since: AtomicU64,
    eviction: Notify,
    /// The connection is to say goodbye.
    goodbye: Notify,
}

/// The place of one connection, until it is dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    state: Arc<SlotState>,
}

impl Default for Slots {
    fn default() -> Self {
        Self::with_limit(MAX_CONNECTIONS, GRACE)
    }
}

impl Slots {
    fn with_limit(limit: usize, grace: Duration) -> Self {
        Self { open: Mutex::default(), limit, grace, start: Instant::now(), freed: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<SlotState>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Returns whether a connection may be ended. Each step that it takes gives it some time for the next.
    fn can_make_room(&self, slot: &SlotState) -> bool {
        let quiet = Duration::from_micros(self.now().saturating_sub(slot.since.load(Ordering::Relaxed)));
        slot.state() != ConnectionState::Busy && quiet >= self.grace
    }

    /// Waits while there is no room, and no connection that could make room.
    pub(super) async fn wait_for_room(&self) {
        while self.is_locked() {
            let _ = timeout(BUSY_PAUSE, self.freed.notified()).await;
        }
    }

    fn is_locked(&self) -> bool {
        let open = self.lock();
        open.len() >= self.limit && !open.iter().any(|slot| self.can_make_room(slot))
    }

    /// Takes a place; another connection makes room if there is none.
    pub(super) fn take(self: &Arc<Self>) -> Slot {
        if self.lock().len() >= self.limit {
            self.evict();
        }
        let state = Arc::new(SlotState {
            state: AtomicU8::new(ConnectionState::Handshake as u8),
            since: AtomicU64::new(self.now()),
            eviction: Notify::new(),
            goodbye: Notify::new(),
        });
        self.lock().push(Arc::clone(&state));
        Slot { slots: Arc::clone(self), state }
    }

    /// Ends the connection that makes room first.
    pub(super) fn evict(&self) {
        let mut open = self.lock();
        let mut first: Option<usize> = None;
        for (index, slot) in open.iter().enumerate() {
            if self.can_make_room(slot) && first.is_none_or(|other| slot.rank() < open[other].rank()) {
                first = Some(index);
            }
        }
        if let Some(index) = first {
            open.swap_remove(index).eviction.notify_one();
        }
    }
}

impl SlotState {
    fn state(&self) -> ConnectionState {
        STATES[usize::from(self.state.load(Ordering::Relaxed)) % STATES.len()]
    }

    fn rank(&self) -> (ConnectionState, u64) {
        (self.state(), self.since.load(Ordering::Relaxed))
    }
}

impl Slot {
    /// Records the state, from now on.
    pub(super) fn enter(&self, state: ConnectionState) {
        self.state.state.store(state as u8, Ordering::Relaxed);
        self.state.since.store(self.slots.now(), Ordering::Relaxed);
    }

    /// Waits until the connection must make room.
    pub(super) async fn evicted(&self) {
        self.state.eviction.notified().await;
    }

    /// Lets the connection say goodbye. Returns false where it has nobody to say it to: a client that has not shown who it
    /// is.
    pub(super) fn say_goodbye(&self) -> bool {
        self.state.goodbye.notify_one();
        matches!(self.state.state(), ConnectionState::Idle | ConnectionState::Busy)
    }

    /// Waits until the connection is to say goodbye.
    pub(super) async fn is_to_say_goodbye(&self) {
        self.state.goodbye.notified().await;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.lock().retain(|slot| !Arc::ptr_eq(slot, &self.state));
        self.slots.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_evicted(slot: &Slot) -> bool {
        timeout(Duration::from_millis(1), slot.evicted()).await.is_ok()
    }

    #[tokio::test]
    async fn the_oldest_of_the_weakest_state_makes_room() {
        let slots = Arc::new(Slots::with_limit(5, Duration::ZERO));
        let taken: Vec<Slot> = (0..5).map(|_| slots.take()).collect();
        taken[0].enter(ConnectionState::Busy);
        taken[1].enter(ConnectionState::Idle);
        taken[2].enter(ConnectionState::Anonymous);
        std::thread::sleep(Duration::from_millis(1));
        taken[4].enter(ConnectionState::Handshake);
        let mut others = Vec::new();
        for expected in [3, 4, 2, 1] {
            let other = slots.take();
            other.enter(ConnectionState::Busy);
            others.push(other);
            for (index, slot) in taken.iter().enumerate() {
                assert_eq!(is_evicted(slot).await, index == expected, "{index} {expected}");
            }
        }
        assert!(slots.is_locked());
        drop(others.pop());
        assert!(!slots.is_locked());
    }

    #[tokio::test]
    async fn a_new_connection_makes_no_room() {
        let slots = Arc::new(Slots::with_limit(2, Duration::from_secs(3600)));
        let (first, second) = (slots.take(), slots.take());
        first.enter(ConnectionState::Idle);
        assert!(slots.is_locked());
        slots.evict();
        assert!(!is_evicted(&first).await && !is_evicted(&second).await);
        drop(second);
        assert!(!slots.is_locked());
    }
}
