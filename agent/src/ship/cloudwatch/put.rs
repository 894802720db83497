//! The two calls: PutLogEvents and CreateLogStream.

use std::sync::Arc;

use aws_sdk_cloudwatchlogs::operation::RequestId as _;
use aws_sdk_cloudwatchlogs::types::InputLogEvent;

use super::CloudWatch;
use super::rejected::Split;
use super::request::Event;
use crate::ship::aws::{Failure, Reason, Session};

impl CloudWatch {
    pub(super) fn put(
        &self,
        session: &Arc<Session>,
        group: &str,
        stream: &str,
        events: &[Event],
    ) -> Result<Split, Failure> {
        let count = events.len();
        let events: Vec<InputLogEvent> = events
            .iter()
            .map(|event| {
                InputLogEvent::builder().timestamp(event.timestamp).message(event.message.as_str()).build()
            })
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::new(Reason::Other, format!("PutLogEvents: {error}")))?;
        let call = session.logs.put_log_events().log_group_name(group).log_stream_name(stream);
        let call = call.set_log_events(Some(events));
        self.aws.call(async move {
            let answer = call.send().await.map_err(Failure::of("PutLogEvents"))?;
            // An empty 200 of somebody in between would be taken for a yes.
            if answer.request_id().is_none() {
                let text = "PutLogEvents: the answer has no request id, so it is not from AWS".to_owned();
                return Err(Failure::new(Reason::Other, text));
            }
            Ok(Split::of(count, answer.rejected_log_events_info()))
        })
    }

    pub(super) fn make_stream(
        &self,
        session: &Arc<Session>,
        group: &str,
        stream: &str,
    ) -> Result<(), Failure> {
        let call = session.logs.create_log_stream().log_group_name(group).log_stream_name(stream);
        let made = self.aws.call(async move { call.send().await.map_err(Failure::of("CreateLogStream")) });
        match made {
            Ok(_) => Ok(()),
            // Somebody was faster, or a reply was lost.
            Err(failure) if failure.reason == Reason::Exists => Ok(()),
            Err(failure) if failure.reason == Reason::Missing => {
                let text = format!(
                    "there is no log group {group} in {} of account {}: make it, as packaging/cloudformation does, or name \
                     another in [ship.cloudwatch]",
                    session.pin.region, session.pin.account
                );
                Err(Failure { text, ..failure })
            }
            Err(failure) => Err(failure),
        }
    }
}
