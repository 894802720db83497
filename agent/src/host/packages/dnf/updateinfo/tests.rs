//! Notices in the forms of several vendors.

use super::super::primary::tests::installed;
use super::*;
use proptest::prelude::*;

fn found(text: &[u8]) -> io::Result<Vec<Notice>> {
    let installed = installed(&["a", "b"]);
    let mut found = Vec::new();
    each(text, &Wanted::of(&installed), |notice| {
        found.push(notice);
        Ok(())
    })?;
    Ok(found)
}

/// As Amazon, Red Hat and SUSE write them.
const TEXT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update author="linux-security@amazon.com" from="linux-security@amazon.com" status="final" type="security" version="1.4">
    <id>ALAS2023-2025-001</id><title>a &amp; more</title><issued date="2025-03-12 21:11"/><updated date="2025-03-13 21:11:00"/>
    <severity>important</severity><description>1 &lt; 2</description>
    <references>
      <reference href="https://x/" id="CVE-2025-2" title="" type="cve"/><reference href="https://x/" id="CVE-2025-1" type="cve"/>
      <reference href="https://x/" id="123" type="bugzilla"/>
    </references>
    <pkglist><collection short="amazon-linux-2023"><name>Amazon Linux 2023</name>
      <package arch="aarch64" epoch="0" name="a" release="2.amzn2023" version="1.0"><filename>x</filename></package>
      <package arch="x86_64" epoch="1" name="a" release="2.amzn2023" version="1.0"><filename>x</filename></package>
      <package arch="x86_64" epoch="0" name="other" release="1" version="1"/>
    </collection></pkglist>
  </update>
  <update from="x" status="final" type="bugfix" version="1"><id>RHBA-1</id><issued date="1700000000"/><severity>None</severity>
    <pkglist><collection short="m"><module name="js" stream="18" version="1" context="c" arch="x86_64"/>
      <package name='b' version='1' release='1' epoch='' arch='noarch' src='x'/></collection>
      <collection><package src=" name='x'" name="b" version="2" release="1" arch="noarch"><reboot_suggested>True</reboot_suggested></package></collection>
    </pkglist></update>
  <update type="security" status="retracted"><id>SUSE-1</id><pkglist><collection><package name="a" version="9" release="1" arch="x86_64"/></collection></pkglist></update>
  <update type="security"><id>NONE</id><pkglist><collection><package name="c" version="9" release="1" arch="x86_64"/></collection></pkglist></update>
</updates>
"#;

#[test]
fn ids_severities_dates_references_modules_and_packages() {
    let found = found(TEXT.as_bytes()).unwrap();
    assert_eq!(found.len(), 2);
    let Notice { advisory, packages } = &found[0];
    assert_eq!((advisory.id.as_str(), advisory.kind), ("ALAS2023-2025-001", Kind::Security));
    assert_eq!(advisory.urgency, Some(Urgency::High));
    assert_eq!(advisory.issued.unwrap().to_string(), "2025-03-12T21:11:00Z");
    assert_eq!(advisory.cves, ["CVE-2025-1", "CVE-2025-2"]);
    let told: Vec<String> =
        packages.iter().map(|p| format!("{} {} {}", p.name, p.evr, p.architecture)).collect();
    assert_eq!(told, ["a 1.0-2.amzn2023 aarch64", "a 1:1.0-2.amzn2023 x86_64"]);
    let Notice { advisory, packages } = &found[1];
    assert_eq!((advisory.kind, advisory.urgency), (Kind::Bugfix, None));
    assert_eq!(advisory.issued.unwrap().as_second(), 1_700_000_000);
    assert_eq!(packages[0].modules, [("js".to_owned(), "18".to_owned())]);
    assert!(packages[1].modules.is_empty() && packages[1].evr.version == "2");
}

#[test]
fn dates_are_understood_as_vendors_write_them() {
    for (text, expected) in [
        ("2025-03-12 21:11:00", Some("2025-03-12T21:11:00Z")),
        ("2025-03-12 21:11", Some("2025-03-12T21:11:00Z")),
        ("2025-03-12", Some("2025-03-12T00:00:00Z")),
        ("2025-03-12T21:11:00Z", Some("2025-03-12T21:11:00Z")),
        ("2025-03-12 21:11:00 UTC", Some("2025-03-12T21:11:00Z")),
        ("0", Some("1970-01-01T00:00:00Z")),
        ("", None),
        ("yesterday", None),
        ("99999999999999999999", None),
        ("2025-13-12", None),
    ] {
        assert_eq!(date(text).map(|time| time.to_string()).as_deref(), expected, "{text}");
    }
}

#[test]
fn a_list_that_is_broken_is_an_error() {
    for end in (0..TEXT.trim_end().len()).step_by(3) {
        assert!(found(&TEXT.as_bytes()[..end]).is_err(), "{end}");
    }
    for (from, to) in
        [("<id>ALAS2023-2025-001</id>", ""), ("epoch=\"1\"", "epoch=\"-1\""), ("name=\"a\"", "name=\"&a;\"")]
    {
        assert!(found(TEXT.replacen(from, to, 1).as_bytes()).is_err(), "{from}");
    }
}

#[test]
fn two_thousand_changes_break_nothing() {
    let mut random = 7_u64;
    for _ in 0..2000 {
        let mut bytes = TEXT.as_bytes().to_vec();
        for _ in 0..=(random % 4) {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = usize::try_from(random >> 33).unwrap() % bytes.len();
            bytes[at] = u8::try_from(random >> 56).unwrap();
        }
        let _ = found(&bytes);
    }
}

proptest! {
    #[test]
    fn a_name_is_seen_wherever_it_stands(attributes in prop::collection::vec(
        prop::sample::select(vec!["src='a'", "src=\" name='x'\"", "version='1'", "release=\"1\"", "arch='>'"]), 0..4
    ), at in 0_usize..5) {
        let mut attributes = attributes;
        attributes.dedup_by(|a, b| a[..2] == b[..2]);
        attributes.insert(at.min(attributes.len()), "name='a'");
        let tag = format!(" {}/>", attributes.join(" "));
        prop_assert_eq!(name(tag.as_bytes()), Some(&b"a"[..]));
    }
}
