//! Segments that the store gave up or changed on its own account, until the machine is told.
//! Invariant: each segment waits once, so no more wait than the store held.
//! Byte order: none.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use peerdist::content::SegmentId;
use tokio::sync::Notify;

use crate::store::{Change, Store};

#[derive(Debug, Default)]
pub(super) struct Changes {
    waiting: Mutex<BTreeSet<SegmentId>>,
    came: Notify,
}

impl Changes {
    /// Those of a store, from now on.
    pub(super) fn of(store: &Store) -> Arc<Self> {
        let changes = Arc::new(Self::default());
        let told = Arc::downgrade(&changes);
        store.subscribe(move |change| match change {
            Change::Gone { id } | Change::Damaged { id, .. } => {
                if let Some(changes) = told.upgrade() {
                    changes.add(*id);
                }
            }
            Change::DiskFull => tracing::warn!("the disk is full: nothing more is kept"),
            Change::RoomAgain => tracing::info!("there is room on the disk again"),
            Change::Came { .. } => {}
        });
        changes
    }

    fn add(&self, id: SegmentId) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(id);
        self.came.notify_one();
    }

    /// Waits until there is one.
    pub(super) async fn come(&self) {
        self.came.notified().await;
    }

    /// All that wait.
    pub(super) fn take(&self) -> BTreeSet<SegmentId> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
