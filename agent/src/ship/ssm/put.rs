//! The two calls: PutComplianceItems and PutInventory.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_ssm::types::{
    ComplianceExecutionSummary, ComplianceItemEntry, ComplianceSeverity, ComplianceStatus,
    ComplianceUploadType, InventoryItem,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::error::operation::BuildError;
use jiff::Timestamp;

use super::PATCH;
use super::content::{Item, Row, hash};
use crate::finding::Severity;
use crate::finding::wire::folded::Folded;
use crate::ship::aws::{Aws, Failure, Reason, Session};

/// One inventory type.
pub(super) struct Type {
    pub(super) name: &'static str,
    rows: Vec<Row>,
    pub(super) hash: String,
}

impl Type {
    pub(super) fn new(name: &'static str, rows: Vec<Row>) -> Self {
        let parts = rows.iter().flatten().flat_map(|(key, value)| [(*key).to_owned(), value.clone()]);
        Self { name, hash: hash(parts), rows }
    }

    fn item(&self, time: Timestamp, with_content: bool) -> Result<InventoryItem, Failure> {
        let rows = || {
            self.rows
                .iter()
                .map(|row| row.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
                .collect::<Vec<HashMap<String, String>>>()
        };
        InventoryItem::builder()
            .type_name(self.name)
            .schema_version("1.0")
            // The service takes whole seconds and nothing else.
            .capture_time(format!("{time:.0}"))
            .content_hash(&self.hash)
            .set_content(with_content.then(rows))
            .build()
            .map_err(unbuilt)
    }
}

/// One compliance type.
pub(super) struct Compliance {
    name: &'static str,
    /// What it is remembered by: an inventory type may have the same name.
    pub(super) key: &'static str,
    items: Vec<Item>,
    pub(super) hash: String,
}

impl Compliance {
    pub(super) fn new(name: &'static str, items: Vec<Item>) -> Self {
        let key = if name == PATCH { PATCH_COMPLIANCE } else { name };
        Self { name, key, hash: hash(items.iter().map(Item::to_json)), items }
    }
}

/// Only the types that are not as they were accepted.
pub(super) fn compliance(
    aws: &Aws,
    session: &Arc<Session>,
    node: &str,
    types: &[Compliance],
    accepted: &Folded,
    time: Timestamp,
) -> Result<(), Failure> {
    let is_new = |each: &&Compliance| accepted.accepted.get(each.key) != Some(&each.hash);
    let changed: Vec<&Compliance> = types.iter().filter(is_new).collect();
    // All as accepted: somebody only wants to know whether it is taken again.
    let changed = if changed.is_empty() { types.iter().collect() } else { changed };
    changed.into_iter().try_for_each(|each| put_compliance(aws, session, node, each, time))
}

/// The full list each time, which takes the place of whatever was there. With nothing to say the list is empty:
/// `Items` is required and may hold nothing (the service's model: min 0), and a complete upload overwrites all items
/// that are there, so that a posture that is well clears the node.
fn put_compliance(
    aws: &Aws,
    session: &Arc<Session>,
    node: &str,
    of: &Compliance,
    time: Timestamp,
) -> Result<(), Failure> {
    let summary = ComplianceExecutionSummary::builder()
        .execution_time(DateTime::from_secs(time.as_second()))
        .execution_type("guestward")
        .build()
        .map_err(unbuilt)?;
    let items = of.items.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let put = session
        .ssm
        .put_compliance_items()
        .resource_id(node)
        .resource_type("ManagedInstance")
        .compliance_type(of.name)
        .execution_summary(summary)
        .set_items(Some(items))
        .item_content_hash(&of.hash)
        .upload_type(ComplianceUploadType::Complete);
    aws.call(async move { put.send().await.map(drop).map_err(Failure::of("PutComplianceItems")) })
}

/// Only the types that are not as they were accepted. Of a type that nothing is known of, its hash is tried first: it
/// may be there already, and then its content need not travel.
pub(super) fn inventory(
    aws: &Aws,
    session: &Arc<Session>,
    node: &str,
    types: &[Type],
    accepted: &Folded,
    time: Timestamp,
) -> Result<(), Failure> {
    let known = |each: &Type| accepted.accepted.get(each.name);
    let changed: Vec<&Type> = types.iter().filter(|each| known(each) != Some(&each.hash)).collect();
    // All as accepted: somebody only wants to know whether it is taken again.
    let changed = if changed.is_empty() { types.iter().collect() } else { changed };
    let is_new = changed.iter().any(|each| known(each).is_some_and(|known| *known != each.hash));
    match put(aws, session, node, &changed, time, is_new) {
        Err(failure) if !is_new && failure.code.as_deref().is_some_and(is_about_content) => {
            put(aws, session, node, &changed, time, true)
        }
        result => result,
    }
}

fn put(
    aws: &Aws,
    session: &Arc<Session>,
    node: &str,
    types: &[&Type],
    time: Timestamp,
    with_content: bool,
) -> Result<(), Failure> {
    let items = types.iter().map(|each| each.item(time, with_content)).collect::<Result<Vec<_>, _>>()?;
    let put = session.ssm.put_inventory().instance_id(node).set_items(Some(items));
    aws.call(async move { put.send().await.map(drop).map_err(Failure::of("PutInventory")) })
}

/// The hash is not that of what is there, or nothing is there.
fn is_about_content(code: &str) -> bool {
    ["ItemContentMismatchException", "InvalidItemContentException"].contains(&code)
}

fn entry(item: &Item) -> Result<ComplianceItemEntry, Failure> {
    let status = if item.is_compliant { ComplianceStatus::Compliant } else { ComplianceStatus::NonCompliant };
    let details = item.details.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    ComplianceItemEntry::builder()
        .id(&item.id)
        .title(&item.title)
        .severity(severity(item.severity))
        .status(status)
        .set_details(Some(details))
        .build()
        .map_err(unbuilt)
}

fn severity(severity: Option<Severity>) -> ComplianceSeverity {
    match severity {
        Some(Severity::Critical) => ComplianceSeverity::Critical,
        Some(Severity::High) => ComplianceSeverity::High,
        Some(Severity::Medium) => ComplianceSeverity::Medium,
        Some(Severity::Low) => ComplianceSeverity::Low,
        Some(Severity::Informational) => ComplianceSeverity::Informational,
        None => ComplianceSeverity::Unspecified,
    }
}

/// Where what was accepted is remembered.
const PATCH_COMPLIANCE: &str = "compliance Custom:GuestwardPatch";

/// The SDK misses a part, which is our mistake and no server's.
#[expect(clippy::needless_pass_by_value, reason = "it stands behind map_err")]
fn unbuilt(error: BuildError) -> Failure {
    Failure::new(Reason::Invalid, error.to_string())
}
