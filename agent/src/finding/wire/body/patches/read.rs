//! The record of the packages, read back.

use super::super::finding::Malformed;
use super::PatchesBody;

impl PatchesBody {
    /// `None` is another kind of inventory.
    pub fn parse(json: &str) -> Option<Result<Self, Malformed>> {
        json.starts_with(BEGINNING)
            .then(|| serde_json::from_str(json).map_err(|error| Malformed(error.to_string())))
    }
}

const BEGINNING: &str = r#"{"of":"packages""#;
