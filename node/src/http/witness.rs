//! One request told to the log and to the administrator's page, when its answer is known.
//! Invariant: neither queries nor header fields are told, for they may hold what is secret.
//! Byte order: none.

use std::sync::Arc;

use http::{Request, Response};
use http_body::Body;

use super::answer::Via;
use crate::activity::{Activity, Outcome, Seen};

/// Who asked for what.
pub(super) struct Witness(Option<Asked>);

struct Asked {
    via: Via,
    method: String,
    path: String,
    activity: Option<Arc<Activity>>,
}

impl Witness {
    /// Takes down what is told later, if anybody is to be told.
    pub(super) fn of<B>(request: &Request<B>, via: Via, activity: Option<Arc<Activity>>) -> Self {
        if activity.is_none() && !tracing::enabled!(tracing::Level::DEBUG) {
            return Self(None);
        }
        Self(Some(Asked {
            via,
            method: request.method().as_str().to_owned(),
            path: request.uri().path().to_owned(),
            activity,
        }))
    }

    pub(super) fn note<B: Body>(self, response: &Response<B>) {
        let Some(asked) = self.0 else { return };
        let outcome = response.extensions().get::<Outcome>().copied();
        let seen = Seen {
            from: asked.via.from,
            method: &asked.method,
            path: &asked.path,
            status: response.status().as_u16(),
            bytes: response.body().size_hint().exact(),
            outcome,
        };
        tracing::debug!(
            event_id = outcome.map(|outcome| outcome.event_id).filter(|id| *id != 0),
            from = %seen.from,
            method = seen.method,
            path = seen.path,
            status = seen.status,
            bytes = seen.bytes,
            what = outcome.map(|outcome| outcome.what),
            why = outcome.map(|outcome| outcome.why).filter(|why| !why.is_empty()),
            "request"
        );
        if let Some(activity) = asked.activity {
            activity.note(&seen);
        }
    }
}
