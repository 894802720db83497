//! A package stays with its vendor, and which vendors are one.

use guestward::host::packages::PendingState;

use super::world::{SETTINGS, World, of};
use crate::dnf::world::notice;
use crate::support::rpm::Rpm;

/// Installed and offered.
const VENDORS: [(&str, &str, &str); 8] = [
    ("plain", "SUSE LLC <https://www.suse.com/>", "suse"),
    ("open", "SUSE LLC", "openSUSE"),
    ("project", "openSUSE", "openSUSE Education"),
    ("case", "Acme", "acme"),
    ("longer", "Acme", "Acme Corporation"),
    ("packman", "SUSE LLC", "http://packman.links2linux.de"),
    ("build", "obs://build.opensuse.org/a", "obs://build.opensuse.org/b"),
    ("mixed", "openSUSE", "obs://build.suse.de/x"),
];

fn world() -> World {
    let world = World::new(&VENDORS.map(|(name, vendor, _)| Rpm::new(name, "1", "1").vendor(vendor)));
    let packages = VENDORS.map(|(name, _, vendor)| Rpm::new(name, "2", "1").vendor(vendor));
    // That is what another vendor says of its own package.
    let notices = VENDORS.map(|(name, ..)| notice(name, "security", "low", &[&format!("{name}-2-1.x86_64")]));
    world.repo("base", "", &packages, &notices);
    // No vendor is foreign to a notice where its repository has no package.
    world.repo("empty", "", &[], &[notice("E-1", "security", "low", &["packman-2-1.x86_64"])]);
    world.refresh();
    world
}

#[test]
fn a_package_stays_with_its_vendor() {
    let world = world();
    let ours = world.agrees("");
    let pending = ours.iter().filter(|pending| pending.state == PendingState::Pending);
    let names: Vec<&str> = pending.map(|pending| pending.name.as_str()).collect();
    assert_eq!(names, ["case", "plain"]);
    let kept = of(&ours, "open");
    let reason = "zypper does not change the vendor from SUSE LLC to openSUSE";
    assert_eq!((kept.state, kept.reason.as_deref()), (PendingState::KeptBack, Some(reason)));
    assert!(!kept.is_security && of(&ours, "packman").is_security && of(&ours, "plain").is_security);
}

#[test]
fn vendors_that_somebody_calls_equivalent_are_one() {
    let world = world();
    world.write(
        "etc/zypp/vendors.d/00-opensuse.conf",
        "[main]\nvendors = openSUSE,SUSE,SUSE LLC <https://www.suse.com/>\n",
    );
    world.agrees("one list");
    world.write(
        "etc/zypp/vendors.d/obs.conf",
        "[main]\nvendors=obs://build.opensuse.org, obs://build.suse.de\n",
    );
    world.agrees("two lists");
    world.write("etc/zypp/vendors.d/x", "[main]\nvendors=opensuse, obs://build.suse.de,Acme\n");
    assert_eq!(of(&world.agrees("joined"), "mixed").state, PendingState::Pending);
}

#[test]
fn where_the_vendor_may_change_it_does() {
    let world = world();
    for (said, count) in [("true", 8), ("yes", 8), ("1", 8), ("false", 2), ("no", 2)] {
        world.write("etc/zypp/zypp.conf", &format!("{SETTINGS}solver.allowVendorChange = {said}\n"));
        let ours = world.agrees(said);
        let pending = ours.iter().filter(|pending| pending.state == PendingState::Pending);
        assert_eq!(pending.count(), count, "{said}");
    }
    world.write("etc/zypp/zypp.conf", &format!("{SETTINGS}# solver.allowVendorChange = true\n"));
    world.agrees("a comment");
}
