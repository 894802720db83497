//! Who starts the daemons, and starts them again: systemd, its version, and the two units.

use super::see::AS_ROOT;
use crate::finding::need::{Area, Need};
use crate::host::Host;
use crate::host::systemd;
use crate::host::units::{Enablement, Units};

/// The process ids are of the daemons that answered.
pub(super) fn needs(host: &Host, sensor: Option<u32>, shipper: Option<u32>) -> Vec<Need> {
    let runs = host.exists("/run/systemd/system").unwrap_or(false);
    let mut needs = vec![itself(host, runs)];
    for (id, unit, pid) in [("unit-sensor", SENSOR, sensor), ("unit-shipper", SHIPPER, shipper)] {
        needs.push(match runs {
            true => of_unit(host, id, unit, pid),
            false => Need::off(id, Area::Run, "no systemd, no unit"),
        });
    }
    needs
}

/// sd_booted(3) tells it from a directory.
fn itself(host: &Host, runs: bool) -> Need {
    let id = "systemd";
    if !runs {
        let remedy =
            "Let whatever starts guestward run and guestward ship here start them again when they end";
        return Need::degraded(id, Area::Run, "this system was not started by it", remedy);
    }
    match systemd::version(host) {
        Ok(Some(version)) if version >= OLDEST => Need::ok(id, Area::Run, &format!("version {version}")),
        Ok(Some(version)) => {
            let detail = format!("version {version} is older than any that the units are made for");
            Need::degraded(id, Area::Run, &detail, "Update to a distribution that somebody still mends")
        }
        Ok(None) => Need::unknown(id, Area::Run, "it runs; no library of its own tells its version")
            .with_remedy("systemctl --version"),
        Err(cause) => Need::unknown(id, Area::Run, &format!("it runs; {cause}")).with_remedy(AS_ROOT),
    }
}

fn of_unit(host: &Host, id: &str, unit: &str, pid: Option<u32>) -> Need {
    let enablement = match Units::of(host).and_then(|units| units.enablement(unit)) {
        Ok(enablement) => enablement,
        Err(cause) => return Need::unknown(id, Area::Run, &cause.to_string()),
    };
    let within = match pid.map(|pid| systemd::unit_of(host, pid)) {
        None => Within::Nothing,
        Some(Ok(Some(name))) if name.as_str() == unit => Within::Unit,
        Some(Ok(name)) => Within::Other(name.map_or_else(|| "no unit".to_owned(), |name| name.to_string())),
        Some(Err(cause)) => return Need::unknown(id, Area::Run, &cause.to_string()),
    };
    judge(id, unit, enablement, &within)
}

/// Where the daemon that answers is.
enum Within {
    /// None answers, which is a need of its own.
    Nothing,
    Unit,
    Other(String),
}

fn judge(id: &str, unit: &str, enablement: Enablement, within: &Within) -> Need {
    let is = enablement.name();
    match enablement {
        Enablement::Missing => {
            let detail = format!("there is no {unit}");
            Need::degraded(id, Area::Run, &detail, "Install guestward by its package")
        }
        _ if enablement.is_masked() => {
            let remedy = format!("systemctl unmask {unit}; systemctl enable --now {unit}");
            Need::missing(id, Area::Run, &format!("{unit} is {is}"), remedy)
        }
        Enablement::Disabled | Enablement::Indirect => {
            let detail = format!("{unit} is {is}: the next boot does not start it");
            Need::missing(id, Area::Run, &detail, format!("systemctl enable --now {unit}"))
        }
        _ => match within {
            Within::Unit => Need::ok(id, Area::Run, &format!("{unit} is {is} and active")),
            Within::Nothing => Need::ok(id, Area::Run, &format!("{unit} is {is}")),
            Within::Other(other) => {
                let detail = format!("{unit} is {is}, and who answers runs in {other}");
                Need::degraded(id, Area::Run, &detail, format!("End that one, and: systemctl restart {unit}"))
            }
        },
    }
}

pub(super) const SENSOR: &str = "guestward.service";
pub(super) const SHIPPER: &str = "guestward-ship.service";
/// RHEL 8's. Amazon Linux 2 has 219, which starts the units and passes over much of what confines them.
const OLDEST: u32 = 239;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::need::State;

    #[test]
    fn a_unit_that_does_not_start_by_itself_is_missing_and_one_that_was_never_there_is_done_without() {
        for (enablement, within, state) in [
            (Enablement::Enabled, Within::Unit, State::Ok),
            (Enablement::Enabled, Within::Nothing, State::Ok),
            (Enablement::Enabled, Within::Other("session-1.scope".to_owned()), State::Degraded),
            (Enablement::Disabled, Within::Unit, State::Missing),
            (Enablement::Masked, Within::Nothing, State::Missing),
            (Enablement::MaskedRuntime, Within::Nothing, State::Missing),
            (Enablement::Missing, Within::Nothing, State::Degraded),
        ] {
            let need = judge("unit-sensor", SENSOR, enablement, &within);
            assert_eq!(need.state, state, "{need:?}");
            assert_eq!(need.remedy.is_none(), state == State::Ok);
        }
    }

    #[test]
    fn a_tree_is_told_as_it_lies_on_disk() {
        use std::fs;
        let root = tempfile::tempdir().unwrap();
        let folder = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(&path).unwrap();
            path
        };
        let states = |pid| {
            let host = Host::at(root.path()).unwrap();
            let needs = needs(&host, pid, None);
            needs.iter().map(|need| need.state).collect::<Vec<State>>()
        };
        assert_eq!(states(None), [State::Degraded, State::Off, State::Off]);
        folder("run/systemd/system");
        assert_eq!(states(None), [State::Unknown, State::Degraded, State::Degraded]);
        let units = folder("usr/lib/systemd/system");
        fs::write(units.join("../libsystemd-shared-252.so"), "").unwrap();
        for unit in [SENSOR, SHIPPER] {
            fs::write(
                units.join(unit),
                "[Service]\nExecStart=/usr/bin/guestward run\n[Install]\nWantedBy=multi-user.target\n",
            )
            .unwrap();
        }
        assert_eq!(states(None), [State::Ok, State::Missing, State::Missing]);
        let wants = folder("etc/systemd/system/multi-user.target.wants");
        std::os::unix::fs::symlink(format!("/usr/lib/systemd/system/{SENSOR}"), wants.join(SENSOR)).unwrap();
        std::os::unix::fs::symlink("/dev/null", wants.join("..").join(SHIPPER)).unwrap();
        assert_eq!(states(None), [State::Ok, State::Ok, State::Missing]);
        fs::write(folder("proc/7").join("cgroup"), "0::/guestward.slice/guestward.service\n").unwrap();
        assert_eq!(states(Some(7))[1], State::Ok);
        fs::write(folder("proc/7").join("cgroup"), "0::/user.slice/user-0.slice/session-1.scope\n").unwrap();
        assert_eq!(states(Some(7))[1], State::Degraded);
    }
}
