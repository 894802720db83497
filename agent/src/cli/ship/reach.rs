//! What the shipper needs of the file system and the network, so that it can give up the rest.

use std::env;
use std::path::{Path, PathBuf};

use super::destinations::Wanted;
use crate::journal::places::Places;
use crate::sys::sandbox::Reach;

impl Wanted {
    /// `policy` is the file that the command line names.
    pub(super) fn reach(&self, places: &Places, policy: Option<&Path>) -> Reach {
        let log = self.local_file().and_then(Path::parent).map(Path::to_owned);
        let writes = [places.cursors(), places.run().to_owned()].into_iter().chain(log).collect();
        if self.uses_default_chain() {
            // Where profiles and tokens lie, and who hands out credentials, is for the environment to say.
            return Reach { reads: None, writes, ports: None };
        }
        let mut reads: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).filter(|path| path.exists()).collect();
        reads.push(places.journal());
        let named = policy.map(Path::to_owned).or_else(|| env::var_os("GUESTWARD_POLICY").map(PathBuf::from));
        // Editors, and whoever renews a certificate, put another file in the place of the first.
        reads.extend(named.iter().chain(self.certificate()).filter_map(|file| directory(file)));
        reads.extend(env::var_os("SSL_CERT_FILE").and_then(|file| directory(Path::new(&file))));
        reads.extend(env::var_os("SSL_CERT_DIR").iter().flat_map(env::split_paths));
        Reach { reads: Some(reads), writes, ports: Some(self.ports()) }
    }

    /// Where TLS is spoken, where the metadata service answers, where a resolver that has much to say does.
    fn ports(&self) -> Vec<u16> {
        [443, 80, 53].into_iter().chain(self.own_ports()).collect()
    }
}

fn directory(file: &Path) -> Option<PathBuf> {
    let file = std::path::absolute(file).ok()?;
    file.parent().map(Path::to_owned)
}

/// Whatever the C library's resolver, the certificates and the questions for this machine's identity need. /etc and /run
/// as a whole, for resolv.conf is replaced, and is a link into the directory of whoever keeps it; /proc as a whole, for
/// its directories of processes are not the same ones for long. What is in them that only root may read stays so.
const SYSTEM: &[&str] = &[
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/run",
    "/sys/devices/virtual/dmi",
    "/sys/hypervisor",
    "/usr",
    "/var/lib/ca-certificates",
];
