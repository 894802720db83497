//! What rpm has installed, as guestward reads it, and as rpm says it is.

use crate::support::rpm::{Root, Rpm, SYSIMAGE, VAR};

#[test]
fn the_packages_of_a_root_are_those_that_were_built() {
    for database in [VAR, SYSIMAGE] {
        let a = Rpm::new("a", "1.0", "1.amzn2023").epoch(2).noarch().config("/etc/a.conf", "x\n");
        let b = Rpm::new("b", "2.0", "3.amzn2023").source("c").module("nodejs:18:8080020221213:ad008a3a");
        let b = b.line("Provides: d = 4").link("/usr/bin/b", "a").file("/usr/bin/a", "x", 0o755);
        let root = Root::with(database, &[a, b]);
        let told =
            root.query("%{NAME} %{EPOCH} %{VERSION}-%{RELEASE} %{ARCH} %{SOURCERPM} %{MODULARITYLABEL}");
        assert_eq!(
            told,
            [
                "a 2 1.0-1.amzn2023 noarch a-src-1.0-1.amzn2023.src.rpm (none)",
                "b (none) 2.0-3.amzn2023 x86_64 c-2.0-3.amzn2023.src.rpm nodejs:18:8080020221213:ad008a3a",
            ]
        );
        assert!(root.path().join("etc/a.conf").exists() && root.place().join("rpmdb.sqlite").exists());
    }
}
