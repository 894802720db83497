//! AWS's certificates for the signature `rsa2048`, one a region; `certificates/sources.tsv` says where each was found.

/// The region's certificate in PEM, if it is known.
pub(super) fn of(region: &str) -> Option<&'static str> {
    let at = ALL.binary_search_by_key(&region, |(name, _)| name).ok()?;
    ALL.get(at).map(|(_, pem)| *pem)
}

macro_rules! certificates {
    ($($region:literal),* $(,)?) => {
        &[$(($region, include_str!(concat!("certificates/", $region, ".pem")))),*]
    };
}

/// In the order of their names.
const ALL: &[(&str, &str)] = certificates![];
