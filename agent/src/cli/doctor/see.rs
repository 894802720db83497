//! What looking at this machine needs: the right to read, all processes, the kernel's answers, the metadata service.

use std::time::Instant;

use crate::finding::need::{Area, Need};
use crate::host::imds::{Endpoint, Imds};
use crate::host::{Cause, Host, Unreadable};
use crate::sys::netlink::{self, Part};

pub(super) fn needs(host: Host, endpoint: Option<Endpoint>) -> Vec<Need> {
    let mut needs = vec![timed(|| root(&host)), timed(|| processes(&host)), timed(netlink)];
    needs.push(timed(|| metadata(host, endpoint)));
    needs
}

/// What only root could have tried: whether it is there nobody knows yet. Root that was kept from it lacks it.
pub(super) fn for_root(id: impl Into<String>, area: Area, detail: &str) -> Need {
    match nix::unistd::geteuid().is_root() {
        true => Need::missing(id, area, detail, IN_A_CONTAINER),
        false => Need::unknown(id, area, detail).with_remedy(AS_ROOT),
    }
}

fn timed(look: impl FnOnce() -> Need) -> Need {
    let began = Instant::now();
    let need = look();
    need.in_time(began.elapsed())
}

/// What only root reads, tried: whoever has the capability and not the name is as good.
fn root(host: &Host) -> Need {
    let is_denied = |path: &&&str| host.open(path).err().is_some_and(|cause| cause.is_denied());
    let denied: Vec<&str> = FOR_ROOT.iter().filter(is_denied).copied().collect();
    let uid = nix::unistd::geteuid();
    match denied.is_empty() {
        true => Need::ok("root", Area::See, &format!("uid {uid} reads what only root may")),
        false => for_root("root", Area::See, &format!("uid {uid} may not read {}", denied.join(", "))),
    }
}

/// hidepid= in the options of /proc hides the processes of others, and PID 1 is always another's.
fn processes(host: &Host) -> Need {
    let what = |cause: Unreadable| match cause.cause {
        Cause::Absent => "PID 1 is hidden".to_owned(),
        _ => cause.to_string(),
    };
    match host.read("/proc/1/stat", MAX_STAT).and_then(|_| host.read_link("/proc/1/exe")) {
        Ok(_) => Need::ok("processes", Area::See, "the processes of every user can be looked into"),
        Err(cause) => {
            let why = format!("other users' processes cannot be looked into: {}", what(cause));
            for_root("processes", Area::See, &why)
        }
    }
}

fn netlink() -> Need {
    // The shortest question of rtnetlink(7): all links, of any family.
    match netlink::dump(Part::Route, RTM_GETLINK, &[0; IFINFOMSG]) {
        Ok(links) => {
            Need::ok("netlink", Area::See, &format!("the kernel tells of {} network interfaces", links.len()))
        }
        Err(errno) => Need::missing(
            "netlink",
            Area::See,
            &format!("the kernel does not answer over netlink: {}", errno.desc()),
            "Let the service have AF_NETLINK: RestrictAddressFamilies= of its unit, or the container's seccomp profile",
        ),
    }
}

fn metadata(host: Host, endpoint: Option<Endpoint>) -> Need {
    let id = "metadata";
    let Some(endpoint) = endpoint else {
        return Need::off(id, Area::See, "this is not an EC2 instance");
    };
    let host = host.imds_at(endpoint);
    let answers = Imds::of(&host).map_err(|cause| cause.to_string());
    let answers = answers.and_then(|imds| imds.answers.map_err(|silence| silence.to_string()));
    let conversation = match answers {
        Ok(conversations) => conversations.main,
        Err(why) => return Need::unknown(id, Area::See, &why),
    };
    let at = conversation.endpoint;
    if conversation.has_token() {
        let role = match &conversation.role {
            Ok(Some(role)) => format!("the instance's role is {role}"),
            Ok(None) => "the instance has no role".to_owned(),
            Err(why) => format!("its role is not known: {why}"),
        };
        return Need::ok(id, Area::See, &format!("{at} gives a token; {role}"));
    }
    let why = match conversation.token {
        Ok(reply) => format!("status {} for the token", reply.status),
        Err(why) => why.to_string(),
    };
    Need::missing(
        id,
        Area::See,
        &format!("{at} gives no token: {why}"),
        "aws ec2 modify-instance-metadata-options --instance-id INSTANCE --http-endpoint enabled --http-tokens \
         required; and let this host's own packet filter pass 169.254.169.254 for root",
    )
}

/// Root that may not read is root of a namespace.
pub(super) const IN_A_CONTAINER: &str = "Run it on the host, or with the host's processes and rights: --pid=host \
    --cap-add=SYS_PTRACE --cap-add=DAC_READ_SEARCH";
pub(super) const AS_ROOT: &str = "sudo guestward doctor";
const FOR_ROOT: [&str; 3] = ["/etc/shadow", "/etc/sudoers", "/proc/1/environ"];
const RTM_GETLINK: u16 = 18;
const IFINFOMSG: usize = 16;
/// One line of numbers and a name.
const MAX_STAT: u64 = 4096;
