//! The capabilities that looking needs: of the sensor where one runs, or else of this process.

use super::see::IN_A_CONTAINER;
use crate::finding::need::{Area, Need};
use crate::host::Host;
use crate::host::powers::Powers;

pub(super) fn needs(host: &Host, sensor: Option<u32>) -> Vec<Need> {
    let who = match sensor {
        Some(pid) => format!("the sensor (pid {pid})"),
        None => "this process".to_owned(),
    };
    let powers = Powers::of(host, sensor.unwrap_or_else(std::process::id)).map_err(|cause| cause.to_string());
    let wanted = WANTED.iter().map(|wanted| of(wanted, powers.as_ref(), &who, sensor.is_some()));
    let later = LATER.iter().map(|(id, name)| {
        Need::off(*id, Area::See, &format!("nothing asks for {name} yet: the sensor is better off without"))
    });
    wanted.chain(later).collect()
}

fn of(wanted: &Wanted, powers: Result<&Powers, &String>, who: &str, is_sensor: bool) -> Need {
    let (id, name) = (wanted.id, wanted.name);
    let powers = match powers {
        Ok(powers) => powers,
        Err(why) => return Need::unknown(id, Area::See, why),
    };
    let without = format!("{who} (uid {}) does not have {name}", powers.uid);
    match powers.may(wanted.number) {
        true => Need::ok(id, Area::See, &format!("{who} has {name}")),
        // Without this one changes are found all the same, only later.
        false if id == "capability-sys-admin" && (is_sensor || powers.uid == 0) => {
            Need::degraded(id, Area::See, &without, LET_IT)
        }
        false if is_sensor => Need::missing(
            id,
            Area::See,
            &without,
            format!("Let its unit have it: AmbientCapabilities={name} and CapabilityBoundingSet={name}"),
        ),
        // Whoever asks is not who looks: only root is as the sensor would be.
        false if powers.uid != 0 => {
            let why = format!("{without}; no sensor runs that could be asked");
            Need::unknown(id, Area::See, &why).with_remedy("sudo guestward doctor")
        }
        false => Need::missing(id, Area::See, &without, IN_A_CONTAINER),
    }
}

const LET_IT: &str = "Let its unit have it: AmbientCapabilities=CAP_SYS_ADMIN and CapabilityBoundingSet=CAP_SYS_ADMIN; of a \
    container: --cap-add=SYS_ADMIN";

struct Wanted {
    id: &'static str,
    name: &'static str,
    /// include/uapi/linux/capability.h.
    number: u32,
}

const WANTED: [Wanted; 4] = [
    Wanted { id: "capability-dac-read-search", name: "CAP_DAC_READ_SEARCH", number: 2 },
    Wanted { id: "capability-net-admin", name: "CAP_NET_ADMIN", number: 12 },
    Wanted { id: "capability-sys-ptrace", name: "CAP_SYS_PTRACE", number: 19 },
    Wanted { id: "capability-sys-admin", name: "CAP_SYS_ADMIN", number: 21 },
];
/// What watching connections will take.
const LATER: [(&str, &str); 1] = [("capability-bpf", "CAP_BPF and CAP_PERFMON")];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::need::State;

    #[test]
    fn a_sensor_without_a_capability_lacks_it_and_a_user_who_asks_knows_nothing() {
        let state = |uid, effective, is_sensor| {
            let powers = Powers { uid, effective };
            let of = |wanted| of(wanted, Ok(&powers), "who", is_sensor).state;
            WANTED.iter().map(of).collect::<Vec<State>>()
        };
        let all = 1 << 2 | 1 << 12 | 1 << 19 | 1 << 21;
        let (ok, missing, degraded) = (State::Ok, State::Missing, State::Degraded);
        assert_eq!(state(997, all, true), [ok; 4]);
        assert_eq!(state(997, all & !(1 << 12), true), [ok, missing, ok, ok]);
        assert_eq!(state(1000, 0, false), [State::Unknown; 4]);
        assert_eq!(state(0, 0, false), [missing, missing, missing, degraded]);
        let why = "hidden".to_owned();
        assert_eq!(of(&WANTED[0], Err(&why), "who", true).state, State::Unknown);
    }
}
