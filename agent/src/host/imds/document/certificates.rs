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
const ALL: &[(&str, &str)] = certificates![
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::super::certificate::tests::{der, is_self_signed};
    use super::*;

    #[test]
    fn every_certificate_is_whole_and_the_one_of_the_table() {
        assert!(ALL.is_sorted_by_key(|(region, _)| region), "they are looked up by name");
        let table = include_str!("certificates/sources.tsv");
        let rows: Vec<Vec<&str>> = table
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split('\t').collect())
            .collect();
        assert_eq!(rows.len(), ALL.len());
        for ((region, pem), row) in ALL.iter().zip(&rows) {
            assert!(is_self_signed(pem.as_bytes()), "{region}");
            let hash: String = Sha256::digest(der(pem.as_bytes()).unwrap())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!((row[0], row[4]), (*region, hash.as_str()));
            assert!(["one", "two"].contains(&row[1]), "{region}");
            assert_eq!(of(region), Some(*pem));
        }
        assert_eq!(of("us-east-9"), None);
    }

    #[test]
    fn a_mistyped_letter_is_noticed() {
        let pem = of("us-east-1").unwrap();
        let at = pem.len() / 2;
        let other = if &pem[at..=at] == "A" { "B" } else { "A" };
        let broken = [&pem[..at], other, &pem[at + 1..]].concat();
        assert!(!is_self_signed(broken.as_bytes()));
    }
}
